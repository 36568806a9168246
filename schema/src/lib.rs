//! The description of the policy's keys ([`policy`]), and the files that are generated from it: the
//! JSON Schemas, the reference and the TypeScript types. A test fails if a committed file is out of
//! date. `UPDATE=1 cargo test --package policy-schema` writes the files.

#[expect(missing_docs, reason = "the names of the enums' variants say what they are")]
pub mod policy;
#[expect(missing_docs, reason = "the names of the enums' variants say what they are")]
pub mod policy_test;
mod reference;
mod types;

pub use self::reference::reference;
pub use self::types::types;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Returns the JSON Schema of a policy in a file of its own. It is draft 7, which editors support.
#[must_use]
pub fn policy_schema() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<policy::Policy>().to_value();
    without_null(&mut schema);
    if let Some(issuer) = schema.pointer_mut("/definitions/Issuer").and_then(Value::as_object_mut) {
        issuer.extend(by_preset());
    }
    let one = |keys: &[&str]| {
        let alone = keys.iter().map(|key| json!({ "required": [key] }));
        alone.collect::<Vec<_>>()
    };
    for (name, keys) in [
        ("Keys", ["secret", "pem", "jwks", "jwks_uri", "discovery"].as_slice()),
        ("ClaimRule", &["equals", "one_of", "contains", "starts_with"]),
    ] {
        let table =
            schema.pointer_mut(&format!("/definitions/{name}")).and_then(Value::as_object_mut);
        if let Some(table) = table {
            table.insert("oneOf".to_owned(), json!(one(keys)));
        }
    }
    schema
}

/// Returns the JSON Schema of a file with tests of a policy.
#[must_use]
pub fn policy_test_schema() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<policy_test::PolicyTests>().to_value();
    without_null(&mut schema);
    schema
}

/// Returns the keys that an issuer must or must not have, depending on whether it has a preset, and
/// whether it introspects.
fn by_preset() -> Map<String, Value> {
    let none = |keys: [&str; 3]| keys.map(|key| (key.to_owned(), json!(false)));
    let absent: Map<String, Value> = none(["issuer", "tenants", "keys"]).into_iter().collect();
    let conditions = json!({
        "if": { "required": ["preset"] },
        "then": { "properties": absent },
        "else": {
            "required": ["name", "issuer", "audience"],
            "if": { "not": { "required": ["introspection"] } },
            "then": { "required": ["algorithms", "keys"] },
        },
    });
    match conditions {
        Value::Object(conditions) => conditions,
        _ => Map::new(),
    }
}

/// Returns the JSON Schema of `wrangler.toml` and `wrangler.jsonc`. It describes only the policies
/// in them.
#[must_use]
pub fn wrangler_schema() -> Value {
    let mut schema = policy_schema();
    let mut definitions = Map::new();
    let mut policy = Map::new();
    for (name, member) in schema.as_object_mut().into_iter().flatten() {
        match name.as_str() {
            "definitions" => definitions.extend(member.as_object().cloned().unwrap_or_default()),
            "$schema" => {}
            _ => drop(policy.insert(name.clone(), member.take())),
        }
    }
    definitions.insert("Policy".to_owned(), Value::Object(policy));
    let either = json!({ "anyOf": [{ "$ref": "#/definitions/Policy" }, { "type": "string" }] });
    let vars = json!({
        "type": "object",
        "properties": { "POLICY": either, "POLICY_CANDIDATE": either },
    });
    let environment = json!({ "type": "object", "properties": { "vars": vars } });
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of wrangler with a Portcullis policy",
        "type": "object",
        "properties": {
            "vars": vars,
            "env": { "type": "object", "additionalProperties": environment },
        },
        "definitions": definitions,
    })
}

/// Removes `null` from the accepted values, with which schemars marks optional keys.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|one| one != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            let alternatives = members.get_mut("anyOf").and_then(Value::as_array_mut);
            if let Some(alternatives) = alternatives {
                alternatives.retain(|one| one.get("type") != Some(&json!("null")));
                if let [Value::Object(only)] = alternatives.as_slice() {
                    let only = only.clone();
                    members.remove("anyOf");
                    // Draft 7 ignores every keyword next to a `$ref`.
                    members.insert("allOf".to_owned(), json!([only]));
                }
            }
            members.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Returns the name of the definition that a schema refers to, and the definition.
fn referred<'s>(root: &'s Value, schema: &'s Value) -> Option<(&'s str, &'s Value)> {
    let target = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref"))?.as_str()?;
    let name = target.strip_prefix("#/definitions/")?;
    Some((name, root.get("definitions")?.get(name)?))
}
