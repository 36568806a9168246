//! For every key of the policy's schema, a request that shows the key's effect.

mod issuers;
mod presets;
mod rest;
mod routes;

use crate::kit::{Call, Held, Signer, hs_issuer, keys, now, payload};
use portcullis::gate::{Decision, Evaluation, Memory, Need};
use portcullis::keys::cache::Dated;
use portcullis::keys::jwk::{self, Provenance};
use portcullis::policy::Policy;
use portcullis::time::Seconds;
use serde_json::{Value, json};
use std::collections::BTreeSet;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SCHEMA: &str = include_str!("../../policy.schema.json");

/// A secret that is long enough for every algorithm, whether it is read as text or as hexadecimal.
const LONG: &str = "f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f\
                    00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// How the tests show that a key has an effect.
enum Evidence {
    /// Two policies that differ in the key, and a request whose outcome differs between them.
    ByRequest(Value, Value, Call),
    /// The text of a test file and the title of a test in it, for keys that have their effect at
    /// the edge or over time.
    ByTest(&'static str, &'static str),
}

use Evidence::{ByRequest, ByTest};

/// Returns the usual policy with values added at these JSON Pointers.
fn policy(changes: &Value) -> Value {
    let mut policy = json!({
        "origin": "https://origin.example",
        "issuers": [hs_issuer()],
        "routes": [{ "path": "/api/{id}" }],
    });
    for (place, value) in changes.as_object().unwrap() {
        let (table, key) = place.rsplit_once('/').unwrap();
        match policy.pointer_mut(table).unwrap() {
            Value::Array(items) => items.push(value.clone()),
            table => table[key] = value.clone(),
        }
    }
    policy
}

/// Returns the outcome of a request before and after the keys have been fetched.
fn outcome(changes: &Value, call: &Call) -> [String; 2] {
    let bindings = Held::usual()
        .value("LONG", LONG)
        .value("HOP", "a-secret-for-proofs-of-the-gate-0123456789")
        .value("IDENTITY_KEY", keys::ED25519_PRIVATE)
        .value("OTHER_IDENTITY_KEY", keys::P256_PRIVATE)
        .value("OTHER_HOP", "another-secret-for-proofs-of-the-gate-0123456789")
        .namespace("REVOKED")
        .service("KEYS");
    let raw = policy(changes);
    let policy = Policy::compile(&raw, &bindings).outcome;
    let policy = policy.unwrap_or_else(|faults| panic!("{raw:#} has faults: {faults:#?}"));
    let request = call.request();
    let mut memory = Memory::new(&policy);
    let ask = |memory: &Memory| {
        let mut evaluation = Evaluation::new(&policy, request);
        let mut needs = Vec::new();
        let decision = loop {
            match evaluation.run(memory, now()) {
                Ok(decision) => break decision,
                Err(need) => needs.push(need),
            }
        };
        let issuer = evaluation.trace().issuer;
        let chosen = policy.issuers().iter().find(|one| Some(one.name()) == issuer);
        let needs_keys = needs.iter().any(|need| matches!(need, Need::Keys(_)));
        let fetched = chosen.filter(|_| needs_keys).map(|one| one.remote());
        let shown = match decision {
            Decision::Respond(response) => format!("{response:?}"),
            Decision::Forward(out) => {
                let proof = out.proof(&out.url, &call.method, now);
                let reported = out.reported().map(|refusal| refusal.code());
                let (url, remove, set) = (&out.url, &out.remove, &out.set);
                let signed = out.signed_identity(now, || [0; 16]);
                let forwarded = format!("{url} {remove:?} {set:?} {proof:?} {signed:?}");
                format!("{forwarded} {reported:?} {}", out.no_store)
            }
            Decision::Refuse(refusal) => {
                let responses = policy.error_responses();
                let response = responses.respond(&refusal, &request, None);
                format!("{} {response:?}", refusal.code())
            }
        };
        format!("{shown} {issuer:?} {fetched:?} {needs:?}")
    };
    let unfetched = ask(&memory);
    let set = json!({ "keys": [keys::rsa_jwk(keys::RSA_PRIVATE)] });
    for issuer in policy.issuers().iter().filter(|issuer| issuer.remote().is_some()) {
        let value = jwk::import(set.as_object().unwrap(), issuer.algorithms(), Provenance::Network);
        let fetched = Dated { value: value.unwrap(), fetched: now(), fresh_for: Seconds::new(600) };
        memory.keys.get_mut(issuer.id()).unwrap().succeeded(fetched);
    }
    [unfetched, ask(&memory)]
}

fn path(path: &str) -> Call {
    Call::get(path).bearer(&Signer::hs256().signed(payload(&[])))
}

/// A request with the base token, with some claims changed.
fn token(claims: &[(&str, &str)]) -> Call {
    Call::get("/api/x").bearer(&Signer::hs256().signed(payload(claims)))
}

/// Compares the usual policy with the same policy plus this value.
fn added(place: &str, value: Value, call: Call) -> Evidence {
    ByRequest(json!({}), json!({ place: value }), call)
}

/// Compares two policies with different values.
fn either(place: &str, one: Value, other: Value, call: Call) -> Evidence {
    ByRequest(json!({ place: one }), json!({ place: other }), call)
}

/// Returns the path of every key of the schema, except for keys that only contain other keys.
fn described() -> BTreeSet<String> {
    let root: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut keys = BTreeSet::new();
    walk(&root, &root, "", &mut keys);
    keys
}

fn walk(root: &Value, table: &Value, place: &str, keys: &mut BTreeSet<String>) {
    for (key, schema) in table["properties"].as_object().unwrap() {
        let key = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        let (items, place) = match schema.get("items") {
            Some(items) => (items, format!("{key}[]")),
            None => (schema, key.clone()),
        };
        let inner = tables(root, items);
        // A key whose value is a table or a list of tables only contains other keys. The sources
        // may also be strings, so their key counts as well.
        if inner.is_empty() || place == "token.sources[]" {
            keys.insert(key);
        }
        inner.into_iter().for_each(|inner| walk(root, inner, &place, keys));
    }
}

/// Returns the schemas of the tables that a value may be.
fn tables<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    let refers = |schema: &'s Value| {
        let target = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref"))?.as_str()?;
        root.pointer(target.strip_prefix('#')?)
    };
    let Some(target) = refers(schema) else { return Vec::new() };
    if target.get("properties").is_some() {
        return vec![target];
    }
    let several = target.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    several.flat_map(|one| tables(root, one)).collect()
}

fn rows() -> Vec<(&'static str, Evidence)> {
    [issuers::rows(), presets::rows(), routes::rows(), rest::rows()].into_iter().flatten().collect()
}

#[test]
fn covers_every_key_of_the_schema() {
    let shown: Vec<String> = rows().into_iter().map(|(key, _)| key.to_owned()).collect();
    let once: BTreeSet<String> = shown.iter().cloned().collect();
    assert_eq!(shown.len(), once.len(), "a key has two rows");
    assert_eq!(described(), once);
}

#[test]
fn every_key_has_an_effect() {
    let mut idle = Vec::new();
    for (key, shown) in rows() {
        match shown {
            ByRequest(one, other, call) => {
                let one = outcome(&one, &call);
                if one == outcome(&other, &call) {
                    idle.push(format!("{key} changes nothing: {one:#?}"));
                }
            }
            ByTest(file, title) if !file.contains(title) => {
                idle.push(format!("{key}: there is no test \"{title}\""));
            }
            ByTest(..) => {}
        }
    }
    assert!(idle.is_empty(), "{}", idle.join("\n"));
}
