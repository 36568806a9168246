//! A JWK Set, key by key.

use super::report::IssuerReport;
use portcullis::alg::{Algorithm, Curve};
use portcullis::budget::KEYS_TRIED;
use portcullis::json::Object;
use portcullis::keys::jwk::{self, Provenance};
use portcullis::keys::{Key, KeySet, Material};
use serde_json::Value;
use std::collections::BTreeMap;

/// Members that only a private key has (RFC 7518 section 6; `priv` of AKP).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"];

/// Imports a fetched set as the gate does, and notes what is wrong with it.
pub(crate) fn import(
    set: &Object,
    allowed: &[Algorithm],
    path: &str,
    report: &mut IssuerReport,
) -> Option<KeySet> {
    let single = [Value::Object(set.clone())];
    let members = match set.get("keys") {
        Some(Value::Array(members)) => members.as_slice(),
        _ => &single,
    };
    for (index, member) in members.iter().enumerate() {
        let Some(what) = exposure(member) else { continue };
        report.fault(
            path,
            format!("{} is {what}, which everybody can fetch and sign with", named(index, member)),
            "have the provider replace it at once; the gate does not use it",
        );
    }
    compare_names(members, path, report);
    let keys = match jwk::import(set, allowed, Provenance::Network) {
        Ok(keys) => keys,
        Err(fault) => {
            report.fault(path, fault.to_string(), suggestion(members));
            return None;
        }
    };
    for skipped in keys.skipped() {
        let Some(member) = members.get(skipped.index) else { continue };
        let name = named(skipped.index, member);
        let able = abilities(member);
        if is_for_encryption(member) {
            report.facts.push(format!("{name} is for encryption, and not used"));
        } else if exposure(member).is_some() {
            // Worse than not used, and said already.
        } else if !able.is_empty() {
            report.warning(
                path,
                format!("{name} is not used: {}", skipped.fault),
                format!("if tokens are signed with it, list its algorithm, of {}", list(&able)),
            );
        } else if is_of_another_kind(member) {
            let problem = format!("{name} is not used: {}", skipped.fault);
            report.warning(path, problem, "nothing, unless tokens are signed with it");
        } else {
            let problem = format!("{name} is not used: {}", skipped.fault);
            let remedy = "have the provider replace it: a token signed with it is refused";
            report.fault(path, problem, remedy);
        }
    }
    let serves =
        |algorithm: &Algorithm| keys.keys().iter().any(|key| key.algorithms().contains(algorithm));
    for algorithm in allowed.iter().filter(|algorithm| !serves(algorithm)) {
        let problem = format!("the policy lists {algorithm}, and no key of the set serves it");
        report.warning(path, problem, format!("leave {algorithm} out of algorithms"));
    }
    for algorithm in allowed {
        let nameless =
            |key: &&Value| key.get("kid").is_none() && abilities(key).contains(algorithm);
        let count = members.iter().filter(nameless).count();
        if count > KEYS_TRIED {
            let problem = format!(
                "{count} keys without a kid serve {algorithm}, and at most {KEYS_TRIED} are tried: \
                 every such token is refused"
            );
            report.fault(path, problem, "have the provider give each key a kid");
        }
    }
    report.keys.extend(keys.keys().iter().map(described));
    Some(keys)
}

/// A key in words.
pub(crate) fn described(key: &Key) -> String {
    let kind = match key.material() {
        Material::Secret(_) => "a shared secret".to_owned(),
        Material::Rsa(rsa) => format!("RSA, {} bits", rsa.bits()),
        Material::Ec(ec) => ec.curve().name().to_owned(),
        Material::Edwards(_) => "Ed25519".to_owned(),
        Material::Lattice(_) => "ML-DSA".to_owned(),
    };
    format!("{} ({kind}): {}", key.name(), list(key.algorithms()))
}

/// What a member of a published set should never be.
fn exposure(member: &Value) -> Option<&'static str> {
    if PRIVATE.iter().any(|name| member.get(name).is_some()) {
        Some("a private key")
    } else if member.get("kty").and_then(Value::as_str) == Some("oct") {
        Some("a shared secret")
    } else {
        None
    }
}

/// Keys are told apart by `kid` (RFC 7517 section 4.5).
fn compare_names(members: &[Value], path: &str, report: &mut IssuerReport) {
    let signing: Vec<(usize, &Value)> =
        members.iter().enumerate().filter(|(_, member)| !is_for_encryption(member)).collect();
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, member) in &signing {
        match member.get("kid").and_then(Value::as_str) {
            Some(kid) => by_name.entry(kid).or_default().push(*index),
            None if signing.len() > 1 => {
                let problem = format!(
                    "keys[{index}] has no kid beside others: every token may be tried with it"
                );
                report.warning(path, problem, "have the provider give each key a kid");
            }
            None => {}
        }
    }
    for (kid, indices) in by_name.into_iter().filter(|(_, indices)| indices.len() > 1) {
        let places: Vec<String> = indices.iter().map(|index| format!("keys[{index}]")).collect();
        let problem = format!("{} have the same kid {kid}: all are tried", places.join(" and "));
        report.warning(path, problem, "have the provider give each key a kid of its own");
    }
}

/// The algorithms that a key could serve if the policy listed them; none for a key that is broken.
fn abilities(member: &Value) -> Vec<Algorithm> {
    let Value::Object(member) = member else { return Vec::new() };
    let every: Vec<Algorithm> =
        Algorithm::ALL.iter().copied().filter(|algorithm| !algorithm.is_symmetric()).collect();
    jwk::import(member, &every, Provenance::Network)
        .map(|keys| keys.keys().iter().flat_map(Key::algorithms).copied().collect())
        .unwrap_or_default()
}

/// What the algorithms would have to be for the set to be of use.
fn suggestion(members: &[Value]) -> String {
    let mut able: Vec<Algorithm> =
        members.iter().filter(|member| !is_for_encryption(member)).flat_map(abilities).collect();
    able.sort_unstable();
    able.dedup();
    if able.is_empty() {
        "ask the provider for keys that the gate can use".to_owned()
    } else {
        format!("list in algorithms what tokens are signed with; its keys can do {}", list(&able))
    }
}

fn list(algorithms: &[Algorithm]) -> String {
    let names: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
    names.join(", ")
}

fn named(index: usize, member: &Value) -> String {
    match member.get("kid").and_then(Value::as_str) {
        Some(kid) => format!("keys[{index}] ({kid})"),
        None => format!("keys[{index}]"),
    }
}

fn is_for_encryption(member: &Value) -> bool {
    member.get("use").and_then(Value::as_str) == Some("enc")
}

/// Whether the key is sound as far as can be told, but nothing that the gate knows.
fn is_of_another_kind(member: &Value) -> bool {
    let text = |name| member.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("kty") {
        "RSA" | "oct" | "AKP" => false,
        "EC" => Curve::ALL.iter().all(|curve| curve.name() != text("crv")),
        "OKP" => text("crv") != "Ed25519",
        _ => true,
    }
}
