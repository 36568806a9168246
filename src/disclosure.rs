//! What a deployment tells of its policy to the console's page.
//!
//! The policy as it is written, and public keys. No binding's text is ever in it: a key is told by the
//! typed key that was imported, and of a secret no more than its binding's name.

use crate::keys::{Key, KeyCaches, KeySet};
use crate::policy::{Issuer, Policy};
use serde_json::{Map, Value, json};

/// `{ policy, secrets, keys }` for a policy that has compiled: itself, with key sets that stand in it as
/// public keys or, where they are secrets, as a made-up binding's name; the names of the bindings that are
/// withheld; by their issuers' names the public keys, held or published.
#[must_use]
pub fn of(mut raw: Value, policy: &Policy, published: &KeyCaches) -> Value {
    let mut told = Told::default();
    let written = raw.get_mut("issuers").and_then(Value::as_array_mut).into_iter().flatten();
    for (issuer, written) in policy.issuers().iter().zip(written) {
        told.issuer(issuer, written, published);
    }
    let proof = raw.pointer("/forward/proof/secret").and_then(Value::as_str);
    told.secrets.extend(proof.map(str::to_owned));
    json!({ "policy": raw, "secrets": told.secrets, "keys": told.keys })
}

#[derive(Default)]
struct Told {
    secrets: Vec<String>,
    keys: Map<String, Value>,
}

impl Told {
    fn issuer(&mut self, issuer: &Issuer, written: &mut Value, published: &KeyCaches) {
        let inline = written.pointer_mut("/keys/jwks").filter(|jwks| jwks.is_object());
        if issuer.algorithms().iter().any(|algorithm| algorithm.is_symmetric()) {
            if let Some(set) = inline {
                *set = Value::String(format!("issuers[{}].keys.jwks", issuer.place()));
            }
            let named = |source| written.pointer(source);
            match named("/keys/secret").or_else(|| named("/keys/jwks")) {
                Some(Value::String(name)) => self.secrets.push(name.clone()),
                Some(Value::Array(names)) => {
                    self.secrets.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
                }
                _ => {}
            }
            return;
        }
        let cache = published.get(issuer.place()).filter(|_| issuer.remote().is_some());
        let held = cache.and_then(|cache| cache.held());
        let Some(set) = issuer.keys().or(held.map(|held| &held.value)) else { return };
        let public = public(set);
        let skipped = set.skipped().iter();
        let skipped: Vec<_> = skipped
            .map(|one| json!({ "index": one.index, "why": one.fault.to_string() }))
            .collect();
        let found = cache.and_then(|cache| cache.found());
        let told = json!({
            "jwks": public,
            "skipped": skipped,
            "url": found.map(|found| found.value.as_str()),
            "fetched": held.map(|held| held.fetched.get()),
            "fresh_for": held.map(|held| held.fresh_for.get()),
        });
        if let Some(set) = inline {
            *set = public;
        }
        self.keys.insert(issuer.name().to_owned(), told);
    }
}

fn public(set: &KeySet) -> Value {
    let keys: Vec<_> = set.keys().iter().filter_map(Key::to_public_jwk).collect();
    json!({ "keys": keys })
}
