//! What a deployment tells of its policy to the console's page.
//!
//! The policy as it is written, and public keys. No binding's text is ever in it: a key is told by the
//! typed key that was imported, and of a secret no more than its binding's name.

use crate::issuer::Issuer;
use crate::json;
use crate::json::text::{ObjectText, array, quoted};
use crate::keys::{Key, KeyCaches, KeySet};
use crate::policy::Policy;
use serde_json::Value;

/// Tells of a policy that has compiled: `policy`, itself, with key sets that stand in it as public keys
/// or, where they are secrets, as a made-up binding's name; `secrets`, the names of the bindings that are
/// withheld; `keys`, by their issuers' names the public keys, held or published.
pub fn tell(told: &mut ObjectText, mut raw: Value, policy: &Policy, published: &KeyCaches) {
    let mut secrets = Vec::new();
    let mut keys = ObjectText::new();
    let written = raw.get_mut("issuers").and_then(Value::as_array_mut).into_iter().flatten();
    for (issuer, written) in policy.issuers().iter().zip(written) {
        if issuer.algorithms().iter().any(|algorithm| algorithm.is_symmetric()) {
            withhold(issuer, written, &mut secrets);
        } else {
            disclose(issuer, written, published, &mut keys);
        }
    }
    named(raw.pointer("/forward/proof/secret"), &mut secrets);
    told.json("policy", &raw.to_string());
    told.array("secrets", &secrets);
    told.json("keys", &keys.finish());
}

/// Says which secrets an issuer has.
fn withhold(issuer: &Issuer, written: &mut Value, secrets: &mut Vec<String>) {
    if let Some(set) = inline_set(written) {
        *set = Value::String(format!("issuers[{}].keys.jwks", issuer.id().index()));
    }
    named(written.pointer("/keys/secret"), secrets);
    named(written.pointer("/keys/jwks"), secrets);
}

/// Says which public keys an issuer has.
fn disclose(issuer: &Issuer, written: &mut Value, published: &KeyCaches, keys: &mut ObjectText) {
    let cache = published.get(issuer.id()).filter(|_| issuer.remote().is_some());
    let held = cache.and_then(|cache| cache.held());
    let Some(set) = issuer.keys().or(held.map(|held| &held.value)) else { return };
    let public = public(set);
    if let Some(set) = inline_set(written) {
        *set = json::parse(public.as_bytes()).unwrap_or_default();
    }
    let mut told = ObjectText::new();
    told.json("jwks", &public);
    let skipped = set.skipped().iter().map(|one| {
        let mut told = ObjectText::new();
        told.json("index", &one.index.to_string());
        told.text("why", Some(&one.fault.to_string()));
        told.finish()
    });
    told.array("skipped", &skipped.collect::<Vec<_>>());
    if let Some(found) = cache.and_then(|cache| cache.found()) {
        told.text("url", Some(&found.value));
    }
    if let Some(held) = held {
        told.json("fetched", &held.fetched.get().to_string());
        told.json("fresh_for", &held.fresh_for.get().to_string());
    }
    keys.json(issuer.name(), &told.finish());
}

fn inline_set(written: &mut Value) -> Option<&mut Value> {
    written.pointer_mut("/keys/jwks").filter(|jwks| jwks.is_object())
}

/// A name, or a list of names.
fn named(value: Option<&Value>, names: &mut Vec<String>) {
    match value {
        Some(Value::String(name)) => names.push(quoted(name)),
        Some(Value::Array(several)) => several.iter().for_each(|name| named(Some(name), names)),
        _ => {}
    }
}

fn public(set: &KeySet) -> String {
    let keys: Vec<_> = set.keys().iter().filter_map(Key::to_public_jwk).collect();
    format!("{{\"keys\":{}}}", array(&keys))
}
