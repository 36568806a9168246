//! Presets: an issuer in the words of its provider, written out as ordinary policy.
//!
//! A preset is a shorthand and nothing else: it becomes the keys that an operator would have
//! written, before the issuer is compiled, and `cargo xtask check` shows them. What stands beside
//! it replaces what it gives, or is added to it (`claims`, `require`); whose tokens they are and
//! where the keys come from is what a preset is for, so that those cannot be replaced.

mod parameters;
mod providers;

use self::parameters::Parameters;
use self::providers::PROVIDERS;
use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::json::Object;
use serde_json::Value;

/// An issuer that a preset has written out.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Where the issuer stands in the policy, such as `issuers[0]`.
    pub path: String,
    /// The preset's name.
    pub name: &'static str,
    /// The issuer as the ordinary policy that takes effect.
    pub issuer: Value,
}

/// The key that names a preset.
const KEY: &str = "preset";

/// What a preset gives and nobody else may.
const ESSENCE: [&str; 3] = ["issuer", "tenants", "keys"];

/// What is added to, where a preset gives it.
const LISTS: [&str; 2] = ["claims", "require"];

/// Writes out an issuer that names a preset; `None` where it names none. `known` are the keys of
/// any issuer.
///
/// Parameters with faults are stood in for, so that the rest of the issuer can be judged.
pub(super) fn write_out(
    issuer: &Value,
    path: &str,
    known: &[&str],
    faults: &mut Faults,
) -> Result<Option<Preset>, Faulty> {
    let Value::Object(members) = issuer else { return Ok(None) };
    let Some(name) = members.get(KEY) else { return Ok(None) };
    let Some(provider) = PROVIDERS.iter().find(|one| name.as_str() == Some(one.name)) else {
        let names: Vec<_> = PROVIDERS.iter().map(|one| one.name).collect();
        faults.fault(
            format!("{path}.{KEY}"),
            "not the name of a preset",
            format!("choose among {}", names.join(", ")),
        );
        return Err(Faulty);
    };
    let all: Vec<_> = known.iter().chain(provider.parameters).copied().chain([KEY]).collect();
    let table = Table::open(issuer, path.to_owned(), &all, faults).ok_or(Faulty)?;
    for key in ESSENCE.into_iter().filter(|key| table.has(key)) {
        faults.fault(
            table.at(key),
            format!("the preset {} gives it", provider.name),
            "leave it out, or leave the preset out and write the whole issuer",
        );
    }
    let mut written = (provider.issuer)(&mut Parameters::new(&table, faults));
    written.entry("name").or_insert_with(|| provider.name.into());
    for (key, value) in members {
        if known.contains(&key.as_str()) && !ESSENCE.contains(&key.as_str()) {
            complete(&mut written, key, value);
        }
    }
    Ok(Some(Preset { path: path.to_owned(), name: provider.name, issuer: Value::Object(written) }))
}

/// Puts what the operator wrote before or in the place of what the preset gives.
fn complete(written: &mut Object, key: &str, value: &Value) {
    let mut value = value.clone();
    if LISTS.contains(&key)
        && let (Value::Array(items), Some(Value::Array(given))) = (&mut value, written.get(key))
    {
        // The operator's come first, so that a fault in one of them names the place where it
        // stands.
        items.extend(given.iter().cloned());
    }
    written.insert(key.to_owned(), value);
}
