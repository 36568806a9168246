//! The reference of the policy: every key with its type, default, unit and bounds.

use crate::{policy_schema, referred};
use serde_json::Value;

const HEAD: &str = include_str!("reference/head.md");

/// The definitions of the tables in the order of the page, each with its path in the policy.
const TABLES: [(&str, &str); 18] = [
    ("Policy", ""),
    ("Issuer", "issuers[]"),
    ("Keys", "issuers[].keys"),
    ("ClaimRule", "issuers[].claims[], routes[].claims[]"),
    ("Route", "routes[]"),
    ("Token", "token"),
    ("NamedSource", "token.sources[]"),
    ("Forward", "forward"),
    ("Proof", "forward.proof"),
    ("Identity", "forward.identity"),
    ("Cors", "cors"),
    ("Resource", "resource, resource[]"),
    ("Dpop", "dpop"),
    ("ReplayObject", "dpop.replay"),
    ("Mtls", "mtls"),
    ("Revocation", "revocation"),
    ("Log", "log"),
    ("RateLimit", "rate_limit"),
];

/// Returns the contents of `docs/reference.md`.
#[must_use]
pub fn reference() -> String {
    let root = policy_schema();
    let mut text = HEAD.to_owned();
    for (name, place) in TABLES.into_iter().chain([("Errors", "errors")]) {
        let table = match name {
            "Policy" => Some(&root),
            _ => root.get("definitions").and_then(|tables| tables.get(name)),
        };
        let Some(table) = table else { continue };
        let title = if place.is_empty() { "Top level" } else { place };
        let title = title.split(", ").map(|part| match part {
            "Top level" => part.to_owned(),
            _ => format!("`{part}`"),
        });
        let title: Vec<_> = title.collect();
        text.push_str(&format!("\n## {}\n\n", title.join(" and ")));
        if !place.is_empty() {
            text.push_str(&format!("{}\n\n", described(table)));
        }
        rows(&root, table, false, &mut text);
        if name == "Issuer" {
            text.push_str("\nParameters of the presets ([presets.md](presets.md)):\n\n");
            rows(&root, table, true, &mut text);
        }
    }
    text
}

fn rows(root: &Value, table: &Value, of_presets: bool, text: &mut String) {
    text.push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
    let required = table.get("required").and_then(Value::as_array);
    let is_required = |key: &str| required.is_some_and(|keys| keys.iter().any(|one| one == key));
    for (key, schema) in table.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if schema.get("x-preset").is_some() != of_presets {
            continue;
        }
        let default = match schema.get("default") {
            Some(default) => format!("`{default}`"),
            None if is_required(key) => "required".to_owned(),
            None => String::new(),
        };
        let row = [format!("`{key}`"), kind(root, schema), default, described(schema)];
        text.push_str(&format!("| {} |\n", row.map(|cell| cell.replace('|', "\\|")).join(" | ")));
    }
}

fn described(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.replace('\n', " ")
}

/// Returns the type in words, with its unit and bounds.
fn kind(root: &Value, schema: &Value) -> String {
    let number = |name: &str| schema.get(name).map(Value::to_string);
    if let Some((name, target)) = referred(root, schema) {
        return match name {
            "Text" => "string".to_owned(),
            "OneOrMany" => "string or list of strings".to_owned(),
            "Scalar" => "string, number or boolean".to_owned(),
            "Jwks" => "string or table".to_owned(),
            "Source" => "string or table".to_owned(),
            "Resources" => "table or list of tables".to_owned(),
            _ => match target.get("enum").and_then(Value::as_array) {
                Some(words) => {
                    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                    words.join(", ")
                }
                None => "table".to_owned(),
            },
        };
    }
    match schema.get("type").and_then(Value::as_str).unwrap_or_default() {
        "array" => {
            let inner = schema.get("items").map(|items| kind(root, items)).unwrap_or_default();
            format!("list: {inner}")
        }
        "object" => "table".to_owned(),
        "integer" => {
            let unit = schema.get("x-unit").and_then(Value::as_str).unwrap_or_default();
            let (least, most) = (number("minimum"), number("maximum"));
            let bounds = format!("{} to {}", least.unwrap_or_default(), most.unwrap_or_default());
            format!("whole number, {bounds} {unit}").trim_end().to_owned()
        }
        other => other.to_owned(),
    }
}
