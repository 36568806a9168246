//! Reads a raw policy key by key, and keeps track of the path, so that every fault has one.
//!
//! Each isolate reads its policy once. The functions are not inlined, because the size of the
//! upload matters more than their speed.

use super::fault::Faults;
use crate::json::Object;
use crate::json::text::to_text;
use crate::time::Seconds;
use serde_json::Value;
use std::ops::RangeInclusive;

/// A value cannot be compiled, and the reason has been added to [`Faults`]. The caller goes on with
/// the next value, so that all faults are reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faulty;

/// A table of the policy. Its unknown keys have been reported.
pub(super) struct Table<'v> {
    path: String,
    members: &'v Object,
}

/// What to write instead of a key that is not known: the known one that it resembles, or else one
/// of all.
#[must_use]
pub fn remedy_for_unknown_key(name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|one| (strsim::osa_distance(one, name), one))
        .min()
        .filter(|(distance, one)| *distance <= one.len().max(4).div_ceil(3));
    match nearest {
        Some((_, one)) => format!("did you mean {one}?"),
        None => format!("the known keys are {}", known.join(", ")),
    }
}

impl<'v> Table<'v> {
    /// Opens a value as a table, and reports every key that is not in `known`.
    #[inline(never)]
    pub(super) fn open(
        value: &'v Value,
        path: String,
        known: &[&str],
        faults: &mut Faults,
    ) -> Option<Self> {
        let Value::Object(members) = value else {
            faults.fault(path, format!("{}, not a table", kind(value)), "write a table");
            return None;
        };
        let table = Self { path, members };
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            faults.fault(table.at(name), "unknown key", remedy_for_unknown_key(name, known));
        }
        Some(table)
    }

    /// The path of a key of this table.
    #[inline(never)]
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn get(&self, key: &str) -> Option<&'v Value> {
        self.members.get(key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.members.contains_key(key)
    }

    /// Returns the value of a required key, or reports that the key is missing.
    #[inline(never)]
    pub(super) fn require<T>(
        &self,
        key: &str,
        found: Result<Option<T>, Faulty>,
        remedy: &str,
        faults: &mut Faults,
    ) -> Result<T, Faulty> {
        found?.ok_or_else(|| {
            faults.fault(self.at(key), "missing", remedy);
            Faulty
        })
    }

    #[inline(never)]
    pub(super) fn text(&self, key: &str, faults: &mut Faults) -> Result<Option<&'v str>, Faulty> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                faults.fault(
                    self.at(key),
                    format!("{}, not a string", kind(other)),
                    "write a string",
                );
                Err(Faulty)
            }
        }
    }

    /// A non-empty list of non-empty strings. If `or_single`, a string is accepted as a list of
    /// one.
    #[inline(never)]
    pub(super) fn texts(
        &self,
        key: &str,
        or_single: bool,
        faults: &mut Faults,
    ) -> Result<Option<Vec<&'v str>>, Faulty> {
        let remedy = if or_single {
            "write a string or a list of strings"
        } else {
            "write a list of strings"
        };
        let items = match self.get(key) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(Value::String(single)) if or_single && !single.is_empty() => {
                return Ok(Some(vec![single]));
            }
            Some(other) => {
                let problem = if other.as_str() == Some("") {
                    "an empty string".to_owned()
                } else {
                    format!("{}, not a list", kind(other))
                };
                faults.fault(self.at(key), problem, remedy);
                return Err(Faulty);
            }
        };
        if items.is_empty() {
            faults.fault(
                self.at(key),
                "an empty list",
                "write at least one value, or remove the key",
            );
            return Err(Faulty);
        }
        let mut texts = Vec::new();
        let mut outcome = Ok(());
        for (index, item) in items.iter().enumerate() {
            match item.as_str().filter(|text| !text.is_empty()) {
                Some(text) => texts.push(text),
                None => {
                    let path = format!("{}[{index}]", self.at(key));
                    faults.fault(path, "not a string, or an empty string", remedy);
                    outcome = Err(Faulty);
                }
            }
        }
        outcome.map(|()| Some(texts))
    }

    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&str, T)],
        faults: &mut Faults,
    ) -> Result<Option<T>, Faulty> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let index = self.choice_of(key, &names, faults)?;
        Ok(index.and_then(|index| choices.get(index)).map(|(_, choice)| *choice))
    }

    /// The index of the name that the value is.
    #[inline(never)]
    fn choice_of(
        &self,
        key: &str,
        names: &[&str],
        faults: &mut Faults,
    ) -> Result<Option<usize>, Faulty> {
        let Some(text) = self.text(key, faults)? else { return Ok(None) };
        let index = names.iter().position(|name| *name == text);
        if index.is_none() {
            let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
            faults.fault(
                self.at(key),
                format!("\"{text}\" is not an accepted value"),
                format!("write {}", names.join(" or ")),
            );
        }
        index.map(Some).ok_or(Faulty)
    }

    #[inline(never)]
    pub(super) fn flag(&self, key: &str, faults: &mut Faults) -> Result<Option<bool>, Faulty> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => {
                let problem = format!("{}, not true or false", kind(other));
                faults.fault(self.at(key), problem, "write true or false");
                Err(Faulty)
            }
        }
    }

    /// A whole number of seconds within bounds.
    #[inline(never)]
    pub(super) fn seconds(
        &self,
        key: &str,
        bounds: RangeInclusive<u32>,
        faults: &mut Faults,
    ) -> Result<Option<Seconds>, Faulty> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let whole = value.as_f64().filter(|number| number.fract() == 0.0).and_then(|_| {
            // A policy that has passed through JavaScript may contain 60 as 60.0.
            let text = to_text(value);
            text.strip_suffix(".0").unwrap_or(&text).parse::<u32>().ok()
        });
        match whole.filter(|seconds| bounds.contains(seconds)) {
            Some(seconds) => Ok(Some(Seconds::new(seconds))),
            None => {
                faults.fault(
                    self.at(key),
                    "not a whole number of seconds in the accepted range",
                    format!("write a whole number from {} to {}", bounds.start(), bounds.end()),
                );
                Err(Faulty)
            }
        }
    }

    #[inline(never)]
    pub(super) fn table(
        &self,
        key: &str,
        known: &[&str],
        faults: &mut Faults,
    ) -> Result<Option<Table<'v>>, Faulty> {
        let Some(value) = self.get(key) else { return Ok(None) };
        Table::open(value, self.at(key), known, faults).map(Some).ok_or(Faulty)
    }

    /// A list of tables. An absent key is an empty list.
    #[inline(never)]
    pub(super) fn tables(
        &self,
        key: &str,
        known: &[&str],
        faults: &mut Faults,
    ) -> Result<Vec<Table<'v>>, Faulty> {
        let mut tables = Vec::new();
        let mut outcome = Ok(());
        for (path, item) in self.items(key, faults)? {
            match Table::open(item, path, known, faults) {
                Some(table) => tables.push(table),
                None => outcome = Err(Faulty),
            }
        }
        outcome.map(|()| tables)
    }

    /// The items of a list that should contain tables, each with its path. They are not checked
    /// yet.
    #[inline(never)]
    pub(super) fn items(
        &self,
        key: &str,
        faults: &mut Faults,
    ) -> Result<Vec<(String, &'v Value)>, Faulty> {
        let items = match self.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => {
                faults.fault(
                    self.at(key),
                    format!("{}, not a list of tables", kind(other)),
                    format!("write [[vars.POLICY.{}]]", self.at(key)),
                );
                return Err(Faulty);
            }
        };
        let place = |index| format!("{}[{index}]", self.at(key));
        Ok(items.iter().enumerate().map(|(index, item)| (place(index), item)).collect())
    }

    /// The entries of a table whose keys the operator chooses: name, path and value.
    #[inline(never)]
    pub(super) fn entries(
        &self,
        key: &str,
        faults: &mut Faults,
    ) -> Result<Vec<(String, String, &'v Value)>, Faulty> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let Value::Object(members) = value else {
            faults.fault(self.at(key), format!("{}, not a table", kind(value)), "write a table");
            return Err(Faulty);
        };
        let entry = |(name, value): (&String, &'v Value)| {
            (name.clone(), format!("{}.{name}", self.at(key)), value)
        };
        Ok(members.iter().map(entry).collect())
    }
}

/// Names the type of a value for a fault. The value itself is not shown, because it may be a
/// misplaced secret.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}
