//! What a deployment tells the console's page about its policy: the policy as written, and public
//! keys.
//!
//! The text of a binding is never part of it. A public key is written from the typed key that was
//! imported, and of a secret the page learns only the binding's name.

use crate::issuer::Issuer;
use crate::json;
use crate::json::text::{ObjectText, array, quoted, to_text};
use crate::keys::{Key, KeyCaches, KeySet};
use crate::policy::{BindingReference, Policy, Purpose};
use serde_json::Value;

/// Writes three members about a compiled policy: `policy`, the policy itself, in which an inline
/// key set is replaced by its public keys or, if it contains secrets, by the name of a binding that
/// does not exist; `secrets`, the names of the bindings that hold secrets; and `keys`, the public
/// keys by the names of their issuers.
pub fn tell(told: &mut ObjectText, mut raw: Value, policy: &Policy, published: &KeyCaches) {
    let mut keys = ObjectText::new();
    let written = raw.get_mut("issuers").and_then(Value::as_array_mut).into_iter().flatten();
    for (issuer, written) in policy.issuers().iter().zip(written) {
        if is_symmetric(issuer) {
            withhold(issuer, written);
        } else {
            disclose(issuer, written, published, &mut keys);
        }
    }
    let secrets: Vec<_> = Policy::binding_references(&raw)
        .iter()
        .filter(|reference| is_secret(reference, policy))
        .map(|reference| quoted(&reference.binding))
        .collect();
    told.json("policy", &to_text(&raw));
    told.array("secrets", &secrets);
    told.json("keys", &keys.finish());
}

fn is_symmetric(issuer: &Issuer) -> bool {
    issuer.algorithms().iter().any(|algorithm| algorithm.is_symmetric())
}

/// Whether a binding holds a secret. A JWK Set does if its issuer's algorithms are symmetric.
fn is_secret(reference: &BindingReference, policy: &Policy) -> bool {
    match reference.purpose {
        Purpose::Secret | Purpose::PrivateKey => true,
        Purpose::PublicKey => {
            reference.issuer.and_then(|id| policy.issuer(id)).is_some_and(is_symmetric)
        }
    }
}

/// Replaces a JWK Set of secrets in the policy by the name of a binding that does not exist.
fn withhold(issuer: &Issuer, written: &mut Value) {
    if let Some(set) = inline_set(written) {
        *set = Value::String(format!("issuers[{}].keys.jwks", issuer.id().index()));
    }
}

/// Writes the public keys of an issuer.
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
        told.number("fetched", held.fetched.get());
        told.number("fresh_for", held.fresh_for.get().into());
    }
    keys.json(issuer.name(), &told.finish());
}

fn inline_set(written: &mut Value) -> Option<&mut Value> {
    written.pointer_mut("/keys/jwks").filter(|jwks| jwks.is_object())
}

fn public(set: &KeySet) -> String {
    let keys: Vec<_> = set.keys().iter().filter_map(Key::to_public_jwk).collect();
    format!("{{\"keys\":{}}}", array(&keys))
}
