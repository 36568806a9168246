//! Helpers that all tests share.

mod gate;
pub(crate) mod keys;
mod mint;
mod policy;

pub(crate) use self::gate::{Call, Gate, Sent, respond};
pub(crate) use self::mint::{HEADER, Signer, b64, payload, raw_payload};
pub(crate) use self::policy::{
    Held, assert_faults, faults, hs_issuer, policy, rs_issuer, warnings, with,
};

use portcullis::response::OwnResponse;
use portcullis::time::UnixSeconds;
use std::fmt::Debug;

/// The current time in most tests.
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn now() -> UnixSeconds {
    UnixSeconds::new(NOW)
}

/// Calls `ask` with every input, and reports all results that differ from the expected ones.
pub(crate) fn table<I: Debug, A: Debug + PartialEq<E>, E: Debug>(
    rows: impl IntoIterator<Item = (I, E)>,
    ask: impl Fn(&I) -> A,
) {
    let mut differences = Vec::new();
    let mut count = 0;
    for (input, expected) in rows {
        count += 1;
        let actual = ask(&input);
        if actual != expected {
            let mut shown = format!("{input:?}");
            if let Some((end, _)) = shown.char_indices().nth(300) {
                shown.truncate(end);
                shown.push('…');
            }
            differences
                .push(format!("{shown}\n    gave     {actual:?}\n    expected {expected:?}"));
        }
    }
    assert!(count > 0, "an empty table tests nothing");
    assert!(
        differences.is_empty(),
        "{} of {count} rows differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// Returns a header of a response. Panics if the response has the header twice.
pub(crate) fn answered<'a>(answer: &'a OwnResponse, name: &str) -> Option<&'a str> {
    let mut values = answer.headers.iter().filter(|(other, _)| *other == name);
    let value = values.next().map(|(_, value)| value.as_str());
    assert!(values.next().is_none(), "{name} is set twice");
    value
}
