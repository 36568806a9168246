//! The claim rules of an issuer or a route: `claims = [{ path = "…", equals = … }]`.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::rules::{ClaimRule, Condition};
use serde_json::Value;

pub(super) fn compile_all(
    table: &Table<'_>,
    faults: &mut Faults,
) -> Result<Vec<ClaimRule>, Faulty> {
    let known = ["path", "equals", "one_of", "contains", "starts_with", "if_present"];
    let rules = table.tables("claims", &known, faults)?;
    // Collected twice, because collecting into a `Result` directly would stop at the first fault.
    let rules: Vec<_> = rules.iter().map(|rule| compile(rule, faults)).collect();
    rules.into_iter().collect()
}

fn compile(rule: &Table<'_>, faults: &mut Faults) -> Result<ClaimRule, Faulty> {
    let found = rule.text("path", faults);
    let path = rule.require("path", found, "write a claim's name or a JSON Pointer", faults);
    let condition = compile_condition(rule, faults);
    let if_present = rule.flag("if_present", faults)?.unwrap_or(false);
    let (path, condition) = (path?.to_owned(), condition?);
    warn_of_wildcards(rule, &condition, faults);
    Ok(ClaimRule { path, condition, if_present })
}

fn warn_of_wildcards(rule: &Table<'_>, condition: &Condition, faults: &mut Faults) {
    let texts = |values: &[Value]| values.iter().filter_map(Value::as_str).any(has_wildcard);
    let (key, is_found) = match condition {
        Condition::Equals(value) => ("equals", texts(std::slice::from_ref(value))),
        Condition::OneOf(values) => ("one_of", texts(values)),
        Condition::Contains(value) => ("contains", texts(std::slice::from_ref(value))),
        Condition::StartsWith(start) => ("starts_with", has_wildcard(start)),
    };
    if is_found {
        warn_of_wildcard(rule.at(key), faults);
    }
}

/// Whether a compared text contains a `*`.
pub(super) fn has_wildcard(text: &str) -> bool {
    text.contains('*')
}

/// Warns of a `*` in a compared value, which stands for nothing but itself.
pub(super) fn warn_of_wildcard(path: String, faults: &mut Faults) {
    faults.warning(
        path,
        "the * is compared literally, it is not a wildcard",
        "write the whole value; for a prefix, write a rule in claims with starts_with = \"…\", \
         without the *",
    );
}

fn compile_condition(rule: &Table<'_>, faults: &mut Faults) -> Result<Condition, Faulty> {
    let named = ["equals", "one_of", "contains", "starts_with"].map(|key| rule.get(key));
    let condition = match named {
        [Some(value), None, None, None] => Condition::Equals(value.clone()),
        [None, Some(Value::Array(values)), None, None] if !values.is_empty() => {
            Condition::OneOf(values.clone())
        }
        [None, None, None, Some(Value::String(start))] if !start.is_empty() => {
            return Ok(Condition::StartsWith(start.clone()));
        }
        [None, None, None, Some(_)] => {
            faults.fault(
                rule.at("starts_with"),
                "not a string, or an empty string, with which every string starts",
                "write starts_with = \"…\"",
            );
            return Err(Faulty);
        }
        [None, Some(_), None, None] => {
            faults.fault(
                rule.at("one_of"),
                "not a list, or an empty list",
                "write one_of = [\"…\", \"…\"], or equals = \"…\"",
            );
            return Err(Faulty);
        }
        [None, None, Some(value), None] => Condition::Contains(value.clone()),
        _ => {
            faults.fault(
                rule.path(),
                "a rule needs exactly one condition",
                "write one of equals = …, one_of = […], contains = … and starts_with = \"…\"",
            );
            return Err(Faulty);
        }
    };
    let values = match &condition {
        Condition::Equals(value) | Condition::Contains(value) => std::slice::from_ref(value),
        Condition::OneOf(values) => values,
        Condition::StartsWith(_) => &[],
    };
    if !values.iter().all(|value| value.is_string() || value.is_number() || value.is_boolean()) {
        faults.fault(
            rule.path(),
            "the condition's value is not a string, number or boolean",
            "write a string, number or boolean; for several values, write one_of = […]",
        );
        return Err(Faulty);
    }
    Ok(condition)
}
