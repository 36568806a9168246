//! Presets: issuers with the settings of well-known providers.
//!
//! A preset is only a shorthand. Before the issuer is compiled, the preset is expanded to the keys
//! that an operator would otherwise write, which `cargo xtask check` shows. Keys that the operator
//! writes next to the preset replace the preset's, or extend them (`claims`, `require`,
//! `introspection`). The
//! operator cannot replace the issuer's name and the source of its keys, because these make up the
//! preset.

mod parameters;
mod providers;

use self::parameters::Parameters;
use self::providers::PROVIDERS;
use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::json::Object;
use serde_json::Value;

/// An issuer that was expanded from a preset.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// The issuer's path in the policy, such as `issuers[0]`.
    pub path: String,
    /// The preset's name.
    pub name: &'static str,
    /// The issuer as it takes effect, without the preset.
    pub issuer: Value,
}

impl Preset {
    /// The names of all presets, each with the names of its parameters.
    pub fn all() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
        PROVIDERS.iter().map(|provider| (provider.name, provider.parameters))
    }
}

/// The key that names a preset.
const KEY: &str = "preset";

/// The keys that only the preset may set.
const SET_BY_PRESET: [&str; 3] = ["issuer", "tenants", "keys"];

/// The key whose table completes that of the preset, which has the endpoint.
const INTROSPECTION: &str = "introspection";

/// The keys whose lists extend those of the preset.
const EXTENDED: [&str; 2] = ["claims", "require"];

/// Expands an issuer that names a preset. Returns `None` if it names none. `known` are the keys
/// that every issuer may have.
///
/// Parameters with faults are replaced by placeholders, so that the rest of the issuer can be
/// checked.
pub(super) fn expand(
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
            format!("choose from {}", names.join(", ")),
        );
        return Err(Faulty);
    };
    let all: Vec<_> = known.iter().chain(provider.parameters).copied().chain([KEY]).collect();
    let table = Table::open(issuer, path.to_owned(), &all, faults).ok_or(Faulty)?;
    for key in SET_BY_PRESET.into_iter().filter(|key| table.has(key)) {
        faults.fault(
            table.at(key),
            format!("the preset {} sets this key", provider.name),
            "remove it, or write the whole issuer without a preset",
        );
    }
    let mut expanded = (provider.issuer)(&mut Parameters::new(&table, faults));
    expanded.entry("name").or_insert_with(|| provider.name.into());
    // An issuer that has keys is introspected only if the operator writes so.
    if expanded.contains_key("keys") && !members.contains_key(INTROSPECTION) {
        expanded.remove(INTROSPECTION);
    }
    for (key, value) in members {
        if known.contains(&key.as_str()) && !SET_BY_PRESET.contains(&key.as_str()) {
            complete(&mut expanded, key, value);
        }
    }
    Ok(Some(Preset { path: path.to_owned(), name: provider.name, issuer: Value::Object(expanded) }))
}

/// Adds what the operator wrote to what the preset sets, or replaces it.
fn complete(expanded: &mut Object, key: &str, value: &Value) {
    let mut value = value.clone();
    if EXTENDED.contains(&key)
        && let (Value::Array(items), Some(Value::Array(given))) = (&mut value, expanded.get(key))
    {
        // The operator's items come first, so that the path of a fault has the index that the
        // operator wrote.
        items.extend(given.iter().cloned());
    }
    if key == INTROSPECTION
        && let (Value::Object(written), Some(Value::Object(given))) =
            (&mut value, expanded.get(key))
        && !written.contains_key("discovery")
    {
        for (name, given) in given {
            written.entry(name).or_insert_with(|| given.clone());
        }
    }
    expanded.insert(key.to_owned(), value);
}
