//! Attack 18: claims that are times.

use super::{ADMITTED, INVALID, MALFORMED, MISSING, check, gate};
use crate::kit::{NOW, table};
use portcullis::time::{Seconds, UnixSeconds};
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const EXPIRED: &str = "401 expired";
const EARLY: &str = "401 not_yet_valid";
const OLD: &str = "401 too_old";

/// Values that are not a `NumericDate` (RFC 7519 section 2), or that parsers read differently.
const NO_DATES: [(&str, &str); 20] = [
    (r#""9999999999""#, INVALID),
    (r#""1800000000""#, INVALID),
    (r#""x""#, INVALID),
    (r#""""#, INVALID),
    ("null", INVALID),
    ("true", INVALID),
    ("false", INVALID),
    ("[]", INVALID),
    ("[1800000000]", INVALID),
    ("{}", INVALID),
    ("1e308", INVALID),
    ("-1e308", INVALID),
    ("1e400", MALFORMED),
    ("9007199254740992", INVALID),
    ("9007199254740993", INVALID),
    ("-9007199254740993", INVALID),
    ("9223372036854775807", INVALID),
    ("9223372036854775808", INVALID),
    ("18446744073709551616", INVALID),
    ("9007199254740992.5", INVALID),
];

#[test]
fn attack_18_rejects_values_that_are_not_dates() {
    // The type is checked even if the claim is optional or no rule reads it.
    for changes in [json!({}), json!({ "expiry": "optional" }), json!({ "max_age": 60 })] {
        let gate = gate(changes);
        for claim in ["exp", "nbf", "iat", "auth_time"] {
            check(&gate, claim, NO_DATES);
        }
    }
}

#[test]
fn attack_18_rejects_expired_tokens() {
    let rows = [
        ("0", EXPIRED),
        ("-0", EXPIRED),
        ("-1", EXPIRED),
        ("-9007199254740991", EXPIRED),
        ("1e3", EXPIRED),
        ("1799999999", EXPIRED),
        ("1799999999.999", EXPIRED),
        // An `exp` equal to the current time has passed. A fraction of a second later has not.
        ("1800000000", EXPIRED),
        ("1.8e9", EXPIRED),
        ("1800000000.0", EXPIRED),
        ("1800000000.0001", ADMITTED),
        ("1800000000.5", ADMITTED),
        ("1800000001", ADMITTED),
        ("9007199254740991", ADMITTED),
        ("9e15", ADMITTED),
        ("", MISSING),
    ];
    check(&gate(json!({})), "exp", rows);
    // `expiry = "optional"` only admits tokens without `exp`. All other verdicts stay the same.
    let optional =
        rows.map(|(raw, verdict)| (raw, if raw.is_empty() { ADMITTED } else { verdict }));
    check(&gate(json!({ "expiry": "optional" })), "exp", optional);
}

#[test]
fn attack_18_leeway_extends_exp() {
    for (leeway, changes) in [
        (60, json!({ "leeway": null })),
        (60, json!({ "leeway": 60 })),
        (300, json!({ "leeway": 300 })),
    ] {
        let at = |seconds: i64| (NOW - leeway + seconds).to_string();
        check(
            &gate(changes),
            "exp",
            [
                (at(-1).as_str(), EXPIRED),
                (at(0).as_str(), EXPIRED),
                (&format!("{}.5", at(0)), ADMITTED),
                (at(1).as_str(), ADMITTED),
                ("-9007199254740991", EXPIRED),
                ("9007199254740991", ADMITTED),
            ],
        );
    }
}

#[test]
fn attack_18_rejects_nbf_and_iat_in_the_future() {
    for claim in ["nbf", "iat"] {
        check(
            &gate(json!({})),
            claim,
            [
                ("", ADMITTED),
                ("0", ADMITTED),
                ("-1", ADMITTED),
                ("-9007199254740991", ADMITTED),
                ("1799999999.5", ADMITTED),
                ("1800000000", ADMITTED),
                ("1800000000.0", ADMITTED),
                ("1800000000.5", EARLY),
                ("1800000001", EARLY),
                ("9007199254740991", EARLY),
            ],
        );
        check(
            &gate(json!({ "leeway": 60 })),
            claim,
            [
                ("1800000060", ADMITTED),
                ("1800000060.5", EARLY),
                ("1800000061", EARLY),
                ("9007199254740991", EARLY),
            ],
        );
    }
}

#[test]
fn attack_18_accepts_any_date_in_auth_time() {
    check(
        &gate(json!({})),
        "auth_time",
        [("", ADMITTED), ("0", ADMITTED), ("-1", ADMITTED), ("1800000000.5", ADMITTED)],
    );
}

#[test]
fn max_age_requires_a_recent_iat() {
    check(
        &gate(json!({ "max_age": 3600 })),
        "iat",
        [
            ("", MISSING),
            ("0", OLD),
            ("-9007199254740991", OLD),
            ("1799996399", OLD),
            ("1799996400", OLD),
            ("1799996400.5", ADMITTED),
            ("1799996401", ADMITTED),
            ("1800000000", ADMITTED),
            ("1800000001", EARLY),
        ],
    );
    check(
        &gate(json!({ "max_age": 3600, "leeway": 60 })),
        "iat",
        [("1799996340", OLD), ("1799996341", ADMITTED), ("1800000060", ADMITTED)],
    );
}

#[test]
fn rfc7519_section_2_rounds_numeric_dates_up_and_rejects_unsafe_integers() {
    let rows = [
        ("0", Ok(0)),
        ("-0", Ok(0)),
        ("-0.5", Ok(0)),
        ("0.5", Ok(1)),
        ("1.0", Ok(1)),
        ("-1.5", Ok(-1)),
        ("1e3", Ok(1000)),
        ("1e-10", Ok(1)),
        ("9007199254740991", Ok(9_007_199_254_740_991)),
        ("-9007199254740991", Ok(-9_007_199_254_740_991)),
        ("9007199254740992", Err(())),
        ("-9007199254740992", Err(())),
        ("9007199254740991.5", Err(())),
        ("18446744073709551615", Err(())),
    ];
    table(rows, |raw| {
        let value = serde_json::from_str(raw).unwrap();
        UnixSeconds::from_numeric_date(&value).map(UnixSeconds::get).map_err(|_| ())
    });
}

/// A clock value that is not a time reads as the latest time, so that tokens count as expired.
#[test]
fn a_broken_clock_reads_as_the_latest_time() {
    let rows = [
        (0.0, 0),
        (999.0, 0),
        (1_000.0, 1),
        (1_799_999_999_999.0, 1_799_999_999),
        (-1.0, -1),
        (f64::NAN, i64::MAX),
        (f64::INFINITY, i64::MAX),
        (f64::NEG_INFINITY, i64::MAX),
        (1e300, i64::MAX),
    ];
    table(rows, |milliseconds| UnixSeconds::from_milliseconds(*milliseconds).get());
}

#[test]
fn additions_saturate_instead_of_overflowing() {
    let long = Seconds::new(u32::MAX);
    assert_eq!(long.plus(long).get(), u32::MAX);
    assert_eq!(UnixSeconds::new(i64::MAX).plus(long).get(), i64::MAX);
    assert_eq!(UnixSeconds::new(i64::MIN).plus(long).get(), i64::MIN + i64::from(u32::MAX));
    // At the latest time every token has expired. At the earliest time none is valid yet.
    let gate = gate(json!({ "leeway": 300, "max_age": 31_536_000 }));
    let token = crate::kit::Signer::hs256().signed(crate::kit::payload(&[
        ("exp", "9007199254740991"),
        ("iat", "0"),
        ("nbf", "0"),
    ]));
    let call = crate::kit::Call::get("/").bearer(&token);
    let at =
        |seconds| gate.trace(&call, UnixSeconds::new(seconds)).1.unwrap_err().code().to_string();
    assert_eq!(at(i64::MAX), "expired");
    assert_eq!(at(i64::MIN), "not_yet_valid");
}
