//! The claim rules of an issuer or a route: `claims = [{ path = "…", equals = … }]`.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::rules::{ClaimRule, Condition};
use serde_json::Value;

pub(super) fn compile_all(
    table: &Table<'_>,
    faults: &mut Faults,
) -> Result<Vec<ClaimRule>, Faulty> {
    let rules = table.tables("claims", &["path", "equals", "one_of", "contains"], faults)?;
    // Collected twice, because collecting into a `Result` directly would stop at the first fault.
    let rules: Vec<_> = rules.iter().map(|rule| compile(rule, faults)).collect();
    rules.into_iter().collect()
}

fn compile(rule: &Table<'_>, faults: &mut Faults) -> Result<ClaimRule, Faulty> {
    let found = rule.text("path", faults);
    let path = rule.require("path", found, "write a claim's name or a JSON Pointer", faults);
    let condition = compile_condition(rule, faults);
    Ok(ClaimRule { path: path?.to_owned(), condition: condition? })
}

fn compile_condition(rule: &Table<'_>, faults: &mut Faults) -> Result<Condition, Faulty> {
    let condition = match (rule.get("equals"), rule.get("one_of"), rule.get("contains")) {
        (Some(value), None, None) => Condition::Equals(value.clone()),
        (None, Some(Value::Array(values)), None) if !values.is_empty() => {
            Condition::OneOf(values.clone())
        }
        (None, Some(_), None) => {
            faults.fault(
                rule.at("one_of"),
                "not a list, or an empty list",
                "write one_of = [\"…\", \"…\"], or equals = \"…\"",
            );
            return Err(Faulty);
        }
        (None, None, Some(value)) => Condition::Contains(value.clone()),
        _ => {
            faults.fault(
                rule.path(),
                "a rule needs exactly one condition",
                "write one of equals = …, one_of = […] and contains = …",
            );
            return Err(Faulty);
        }
    };
    let values = match &condition {
        Condition::Equals(value) | Condition::Contains(value) => std::slice::from_ref(value),
        Condition::OneOf(values) => values,
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
