//! The TypeScript types: one interface per table.

use crate::{policy_schema, referred};
use serde_json::Value;

const HEAD: &str = "\
// Generated from schema/src/policy.rs by `UPDATE=1 cargo test --package policy-schema`.
";

/// Returns the contents of `policy.d.ts`.
#[must_use]
pub fn types() -> String {
    let root = policy_schema();
    let mut text = HEAD.to_owned();
    declare(&root, "Policy", &root, &mut text);
    for (name, schema) in root.get("definitions").and_then(Value::as_object).into_iter().flatten() {
        declare(&root, name, schema, &mut text);
    }
    text
}

fn declare(root: &Value, name: &str, schema: &Value, text: &mut String) {
    text.push('\n');
    comment(schema, "", text);
    let Some(members) = schema.get("properties").and_then(Value::as_object) else {
        text.push_str(&format!("export type {name} = {};\n", kind(root, schema)));
        return;
    };
    text.push_str(&format!("export interface {name} {{\n"));
    let required = schema.get("required").and_then(Value::as_array);
    for (key, member) in members {
        comment(member, "  ", text);
        let is_required = required.is_some_and(|keys| keys.iter().any(|one| one == key));
        let mark = if is_required { "" } else { "?" };
        text.push_str(&format!("  {key}{mark}: {};\n", kind(root, member)));
    }
    text.push_str("}\n");
}

fn comment(schema: &Value, indent: &str, text: &mut String) {
    let described = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let mut lines: Vec<String> = described.lines().map(str::to_owned).collect();
    let unit = schema.get("x-unit").and_then(Value::as_str);
    if let (Some(unit), Some(least), Some(most)) =
        (unit, schema.get("minimum"), schema.get("maximum"))
    {
        lines.push(format!("In {unit}, {least} to {most}."));
    }
    if let Some(default) = schema.get("default") {
        lines.push(format!("@default {default}"));
    }
    match lines.as_slice() {
        [] => {}
        [line] => text.push_str(&format!("{indent}/** {line} */\n")),
        lines => {
            text.push_str(&format!("{indent}/**\n"));
            for line in lines {
                text.push_str(&format!("{indent} * {line}\n"));
            }
            text.push_str(&format!("{indent} */\n"));
        }
    }
}

fn kind(root: &Value, schema: &Value) -> String {
    if let Some((name, _)) = referred(root, schema) {
        return name.to_owned();
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<_> = words.iter().map(Value::to_string).collect();
        return words.join(" | ");
    }
    if let Some(word) = schema.get("const") {
        return word.to_string();
    }
    if let Some(several) =
        schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array)
    {
        let several: Vec<_> = several.iter().map(|one| kind(root, one)).collect();
        return several.join(" | ");
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => match schema.get("items") {
            Some(items) => format!("({})[]", kind(root, items)),
            None => "unknown[]".to_owned(),
        },
        Some("object") => {
            let values = schema.get("additionalProperties").filter(|values| values.is_object());
            let values = values.map_or_else(|| "unknown".to_owned(), |one| kind(root, one));
            format!("Record<string, {values}>")
        }
        Some("integer" | "number") => "number".to_owned(),
        Some(other) => other.to_owned(),
        None => "unknown".to_owned(),
    }
}
