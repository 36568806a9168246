//! Importing JSON Web Keys and JWK Sets (RFC 7517, RFC 7518 section 6).

#[cfg(feature = "mldsa")]
use super::LatticeKey;
use super::{EcKey, EdwardsKey, Key, KeyFault, KeySet, Material, RsaKey, Secret, SkippedKey};
#[cfg(feature = "mldsa")]
use crate::alg::Family;
use crate::alg::{Algorithm, Curve};
use crate::budget;
use crate::json::{self, Object};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;

/// Where a JWK Set comes from, which decides whether it may contain shared secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// From a binding or the policy itself. It may contain shared secrets.
    Operator,
    /// From the network. A shared secret in it is known to everybody, and is skipped.
    Network,
}

/// Imports a JWK Set (RFC 7517 section 5) or a single JWK.
///
/// Keys that are malformed, weak, for another use or of an unknown kind are skipped and listed in
/// [`KeySet::skipped`]. The other keys are imported.
///
/// # Errors
///
/// [`KeyFault`] if `keys` is not an array or contains more than [`budget::KEYS_HELD`] keys, or if
/// no key can be used.
pub fn import(
    set: &Object,
    allowed: &[Algorithm],
    provenance: Provenance,
) -> Result<KeySet, KeyFault> {
    let single;
    let members = match set.get("keys") {
        Some(Value::Array(members)) => members,
        Some(_) => return Err(KeyFault::new("the JWK Set's \"keys\" is not an array")),
        None if set.contains_key("kty") => {
            single = vec![Value::Object(set.clone())];
            &single
        }
        None => {
            return Err(KeyFault::new("it is neither a JWK Set (\"keys\") nor a JWK (\"kty\")"));
        }
    };
    if members.len() > budget::KEYS_HELD {
        return Err(KeyFault::new(format!(
            "the JWK Set contains {} keys, but at most {} are possible",
            members.len(),
            budget::KEYS_HELD
        )));
    }
    let mut keys = Vec::new();
    let mut skipped = Vec::new();
    for (index, member) in members.iter().enumerate() {
        match import_one(member, allowed, provenance) {
            Ok(key) => keys.push(key),
            Err(fault) => skipped.push(SkippedKey { index, fault }),
        }
    }
    if keys.is_empty() {
        let reasons: Vec<_> =
            skipped.iter().map(|one| format!("keys[{}]: {}", one.index, one.fault)).collect();
        return Err(KeyFault::new(if reasons.is_empty() {
            "the JWK Set is empty".to_owned()
        } else {
            format!("no key in the JWK Set can be used ({})", reasons.join("; "))
        }));
    }
    Ok(KeySet::new(keys, skipped))
}

fn import_one(jwk: &Value, allowed: &[Algorithm], provenance: Provenance) -> Result<Key, KeyFault> {
    let Value::Object(jwk) = jwk else { return Err(KeyFault::new("not a JSON object")) };
    let id = optional_text(jwk, "kid")?;
    let allowed = check_use(jwk, allowed)?;
    Key::new(material(jwk, provenance)?, id.map(str::to_owned), allowed)
}

/// Imports the public key that a DPoP proof contains (RFC 9449 section 4.2). The caller has checked
/// its use.
pub(crate) fn import_public(jwk: &Object, allowed: &[Algorithm]) -> Result<Key, KeyFault> {
    Key::new(material(jwk, Provenance::Network)?, None, allowed)
}

/// Checks that a key is for signatures, and returns those of the algorithms that it is for.
pub(crate) fn check_use<'a>(
    jwk: &Object,
    allowed: &'a [Algorithm],
) -> Result<&'a [Algorithm], KeyFault> {
    if optional_text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(KeyFault::new("\"use\" is not \"sig\""));
    }
    check_operations(jwk)?;
    match optional_text(jwk, "alg")? {
        None => Ok(allowed),
        Some(name) => allowed
            .iter()
            .find(|algorithm| algorithm.name() == name)
            .map(std::slice::from_ref)
            .ok_or_else(|| KeyFault::new("\"alg\" is not one of the issuer's algorithms")),
    }
}

#[cold]
#[inline(never)]
fn material(jwk: &Object, provenance: Provenance) -> Result<Material, KeyFault> {
    Ok(match required_text(jwk, "kty")? {
        "RSA" => {
            refuse_private(jwk, &["d", "p", "q", "dp", "dq", "qi", "oth"])?;
            Material::Rsa(RsaKey::new(&bytes(jwk, "n")?, &bytes(jwk, "e")?)?)
        }
        "oct" if provenance == Provenance::Network => {
            return Err(KeyFault::new("it is a shared secret, which must not be published"));
        }
        "oct" => Material::Secret(Secret::from_bytes(bytes(jwk, "k")?)?),
        "EC" => {
            refuse_private(jwk, &["d"])?;
            let name = required_text(jwk, "crv")?;
            let curve = Curve::ALL
                .iter()
                .find(|curve| curve.name() == name)
                .ok_or_else(|| KeyFault::new("\"crv\" is not a curve that this build supports"))?;
            Material::Ec(EcKey::from_coordinates(*curve, &bytes(jwk, "x")?, &bytes(jwk, "y")?)?)
        }
        "OKP" => {
            refuse_private(jwk, &["d"])?;
            if required_text(jwk, "crv")? != "Ed25519" {
                return Err(KeyFault::new("\"crv\" is not \"Ed25519\""));
            }
            Material::Edwards(EdwardsKey::new(&bytes(jwk, "x")?)?)
        }
        #[cfg(feature = "mldsa")]
        "AKP" => {
            refuse_private(jwk, &["priv"])?;
            let set = match Algorithm::from_name(required_text(jwk, "alg")?).map(Algorithm::family)
            {
                Some(Family::MlDsa(set)) => set,
                _ => return Err(KeyFault::new("\"alg\" is not an algorithm for AKP keys")),
            };
            Material::Lattice(Box::new(LatticeKey::new(set, &bytes(jwk, "pub")?)?))
        }
        _ => return Err(KeyFault::new("\"kty\" is not supported")),
    })
}

/// Whether a key has a private member of any kind of key (RFC 7518 section 6, RFC 8037 section 2).
pub(crate) fn has_private_member(jwk: &Object) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"].iter().any(|name| jwk.contains_key(*name))
}

/// If `key_ops` (RFC 7517 section 4.3) is present, it must contain `verify`.
fn check_operations(jwk: &Object) -> Result<(), KeyFault> {
    match jwk.get("key_ops") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(operations)) if operations.is_empty() => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|one| one == "verify") => Ok(()),
        Some(_) => Err(KeyFault::new("\"key_ops\" does not contain \"verify\"")),
    }
}

/// Refuses a key with a private member. A member that is null or empty is no secret: some libraries
/// write all members that they know, such as `"oth": []`.
fn refuse_private(jwk: &Object, names: &[&str]) -> Result<(), KeyFault> {
    let is_private = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    };
    if names.iter().filter_map(|name| jwk.get(*name)).any(is_private) {
        return Err(KeyFault::new("it is a private key, but the gate needs only the public key"));
    }
    Ok(())
}

fn bytes(jwk: &Object, name: &str) -> Result<Vec<u8>, KeyFault> {
    Base64UrlUnpadded::decode_vec(required_text(jwk, name)?)
        .map_err(|_| KeyFault::new(format!("\"{name}\" is not unpadded base64url")))
}

fn required_text<'j>(jwk: &'j Object, name: &str) -> Result<&'j str, KeyFault> {
    optional_text(jwk, name)?.ok_or_else(|| KeyFault::new(format!("\"{name}\" is missing")))
}

fn optional_text<'j>(jwk: &'j Object, name: &str) -> Result<Option<&'j str>, KeyFault> {
    json::optional_string(jwk, name)
        .map_err(|_| KeyFault::new(format!("\"{name}\" is not a string")))
}
