//! Examines the keys of a JWK Set.

use super::report::IssuerReport;
use portcullis::alg::{Algorithm, Curve};
use portcullis::budget::KEYS_TRIED;
use portcullis::json::Object;
use portcullis::keys::jwk::{self, Provenance};
use portcullis::keys::{Key, KeySet, Material};
use serde_json::Value;
use std::collections::BTreeMap;

/// The members of private keys (RFC 7518 section 6, and `priv` of the key type AKP).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"];

/// Imports a fetched key set as the gate does, and reports its problems.
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
            format!("{} is {what}; everybody can fetch it and sign tokens", named(index, member)),
            "ask the provider to replace it immediately; the gate does not use it",
        );
    }
    check_kids(members, path, report);
    let keys = match jwk::import(set, allowed, Provenance::Network) {
        Ok(keys) => keys,
        Err(fault) => {
            report.fault(path, fault.to_string(), remedy(members));
            return None;
        }
    };
    for skipped in keys.skipped() {
        let Some(member) = members.get(skipped.index) else { continue };
        let name = named(skipped.index, member);
        let algorithms = supported(member);
        if is_for_encryption(member) {
            report.facts.push(format!("{name} is not used, because it is for encryption"));
        } else if exposure(member).is_some() {
            // Already reported as a fault.
        } else if !algorithms.is_empty() {
            report.warning(
                path,
                format!("{name} is not used: {}", skipped.fault),
                format!(
                    "if it signs tokens, add its algorithm to algorithms: {}",
                    list(&algorithms)
                ),
            );
        } else if is_unsupported(member) {
            let problem = format!("{name} is not used: {}", skipped.fault);
            report.warning(path, problem, "nothing to do unless it signs tokens");
        } else {
            let problem = format!("{name} is not used: {}", skipped.fault);
            let remedy = "ask the provider to replace it; tokens signed with it are refused";
            report.fault(path, problem, remedy);
        }
    }
    let serves =
        |algorithm: &Algorithm| keys.keys().iter().any(|key| key.algorithms().contains(algorithm));
    for algorithm in allowed.iter().filter(|algorithm| !serves(algorithm)) {
        let problem = format!("the policy lists {algorithm}, and the set has no key for it");
        report.warning(path, problem, format!("remove {algorithm} from algorithms"));
    }
    for algorithm in allowed {
        let nameless =
            |key: &&Value| key.get("kid").is_none() && supported(key).contains(algorithm);
        let count = members.iter().filter(nameless).count();
        if count > KEYS_TRIED {
            let problem = format!(
                "{count} keys for {algorithm} have no kid, and the gate tries at most \
                 {KEYS_TRIED}: it refuses these tokens"
            );
            report.fault(path, problem, "ask the provider to give each key a kid");
        }
    }
    report.keys.extend(keys.keys().iter().map(described));
    Some(keys)
}

/// Describes a key.
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

/// Returns what the provider has published by mistake: a private key or a shared secret. Returns
/// `None` for a public key.
fn exposure(member: &Value) -> Option<&'static str> {
    if PRIVATE.iter().any(|name| member.get(name).is_some()) {
        Some("a private key")
    } else if member.get("kty").and_then(Value::as_str) == Some("oct") {
        Some("a shared secret")
    } else {
        None
    }
}

/// Reports keys that a `kid` does not identify (RFC 7517 section 4.5).
fn check_kids(members: &[Value], path: &str, report: &mut IssuerReport) {
    let signing: Vec<(usize, &Value)> =
        members.iter().enumerate().filter(|(_, member)| !is_for_encryption(member)).collect();
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, member) in &signing {
        match member.get("kid").and_then(Value::as_str) {
            Some(kid) => by_name.entry(kid).or_default().push(*index),
            None if signing.len() > 1 => {
                let problem =
                    format!("keys[{index}] has no kid, so the gate may try it for every token");
                report.warning(path, problem, "ask the provider to give each key a kid");
            }
            None => {}
        }
    }
    for (kid, indices) in by_name.into_iter().filter(|(_, indices)| indices.len() > 1) {
        let places: Vec<String> = indices.iter().map(|index| format!("keys[{index}]")).collect();
        let problem = format!(
            "{} have the same kid {kid}, so the gate tries all of them",
            places.join(" and ")
        );
        report.warning(path, problem, "ask the provider to give each key a different kid");
    }
}

/// Returns the algorithms that the key supports. Empty if the key is invalid.
fn supported(member: &Value) -> Vec<Algorithm> {
    let Value::Object(member) = member else { return Vec::new() };
    let every: Vec<Algorithm> =
        Algorithm::ALL.iter().copied().filter(|algorithm| !algorithm.is_symmetric()).collect();
    jwk::import(member, &every, Provenance::Network)
        .map(|keys| keys.keys().iter().flat_map(Key::algorithms).copied().collect())
        .unwrap_or_default()
}

/// The remedy for a set without a usable key.
fn remedy(members: &[Value]) -> String {
    let mut algorithms: Vec<Algorithm> =
        members.iter().filter(|member| !is_for_encryption(member)).flat_map(supported).collect();
    algorithms.sort_unstable();
    algorithms.dedup();
    if algorithms.is_empty() {
        "ask the provider for keys that the gate can use".to_owned()
    } else {
        format!("write in algorithms how tokens are signed; the keys support {}", list(&algorithms))
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

/// Whether the gate does not support keys of this kind.
fn is_unsupported(member: &Value) -> bool {
    let text = |name| member.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("kty") {
        "RSA" | "oct" | "AKP" => false,
        "EC" => Curve::ALL.iter().all(|curve| curve.name() != text("crv")),
        "OKP" => text("crv") != "Ed25519",
        _ => true,
    }
}
