//! Compact JWS with known verdicts, from the file `jws.jsonl`. The tests read it from the folder in
//! the variable `PORTCULLIS_VECTORS`, or else from `shared/vectors` beside the checkout, and are
//! skipped if it does not exist.

use super::{Tally, report};
use crate::kit::{Call, Gate, Held, NOW, policy};
use portcullis::alg::Algorithm;
use portcullis::keys::jwk::{Provenance, import};
use portcullis::policy::Policy;
use portcullis::signature::verify;
use portcullis::time::UnixSeconds;
use portcullis::token::Unverified;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn rows() -> Option<Vec<Value>> {
    let folder = std::env::var_os("PORTCULLIS_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"),
        PathBuf::from,
    );
    match std::fs::read_to_string(folder.join("jws.jsonl")) {
        Ok(text) => Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()),
        Err(_) => {
            report("jws.jsonl: skipped: not present");
            None
        }
    }
}

/// Returns the row's algorithms, or `None` if this build lacks one of them.
fn algorithms(row: &Value) -> Option<Vec<Algorithm>> {
    let names = row["alg_allowed"].as_array().unwrap();
    names.iter().map(|name| Algorithm::from_name(name.as_str().unwrap())).collect()
}

fn key_set(row: &Value) -> Value {
    row.get("jwks").or_else(|| row.get("jwk")).unwrap().clone()
}

fn has(row: &Value, wanted: &str) -> bool {
    row["traits"].as_array().unwrap().iter().any(|one| one == wanted)
}

fn is_one_repeated_byte(row: &Value) -> bool {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let Some(text) = row["jwk"]["k"].as_str() else { return false };
    let bytes = Base64UrlUnpadded::decode_vec(text).unwrap();
    bytes.iter().all(|byte| *byte == bytes[0])
}

/// Checks the format, the header and the signature of the row's token, given the row's key or key
/// set and these algorithms.
fn is_accepted(row: &Value, allowed: &[Algorithm]) -> bool {
    let set = key_set(row);
    let Ok(keys) = import(set.as_object().unwrap(), allowed, Provenance::Operator) else {
        return false;
    };
    let Ok(token) = Unverified::parse(row["token"].as_str().unwrap()) else { return false };
    if !allowed.contains(&token.header().algorithm) {
        return false;
    }
    keys.pick(token.header()).is_ok_and(|fitting| verify(token, &fitting).is_ok())
}

#[test]
fn signature_verification_agrees_with_the_vectors() {
    let Some(rows) = rows() else { return };
    let mut tallies = BTreeMap::new();
    for row in rows {
        let suite = row["suite"].as_str().unwrap();
        let tally = tallies.entry(suite.to_owned()).or_insert_with(|| Tally::new(suite));
        let Some(allowed) = algorithms(&row) else {
            tally.skipped += 1;
            continue;
        };
        let rule = if has(&row, "short_hmac_key") {
            Some("a key shorter than the hash")
        } else if is_one_repeated_byte(&row) {
            Some("a key of one repeated byte")
        } else {
            None
        };
        let case = row["id"].as_str().unwrap();
        tally.case(case, row["expect"] == "accept", is_accepted(&row, &allowed), rule);
    }
    tallies.into_values().for_each(Tally::finish);
}

/// Returns the status of a gate without rules for issuer and audience, or `None` if its policy does
/// not compile because the key is rejected.
fn status(row: &Value) -> Option<u16> {
    let raw = policy(serde_json::json!({
        "name": "vectors",
        "issuer": "*",
        "audience": "*",
        "expiry": "optional",
        "leeway": 0,
        "algorithms": row["alg_allowed"],
        "keys": { "jwks": key_set(row) },
    }));
    let policy = Policy::compile(&raw, &Held::default()).outcome.ok()?;
    let call = Call::get("/").bearer(row["token"].as_str().unwrap());
    let now = UnixSeconds::new(row["now"].as_i64().unwrap_or(NOW));
    let status = match Gate::of(policy).trace(&call, now).1 {
        Ok(_) => 200,
        Err(refusal) => refusal.code().status(),
    };
    Some(status)
}

#[test]
fn the_whole_gate_agrees_with_the_vectors() {
    let Some(rows) = rows() else { return };
    let mut tallies = BTreeMap::new();
    for row in rows {
        let suite = row["suite"].as_str().unwrap();
        let tally = tallies
            .entry(suite.to_owned())
            .or_insert_with(|| Tally::new(format!("{suite} at the gate")));
        let Some(expected) = row["http"].as_u64().filter(|_| algorithms(&row).is_some()) else {
            tally.skipped += 1;
            continue;
        };
        let token = row["token"].as_str().unwrap();
        let is_b64token = !token.is_empty()
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
        // A credential that is not a b64token gets 400, because it is no token at all.
        let refused = if is_b64token { 401 } else { 400 };
        let status = status(&row);
        assert!(matches!(status, None | Some(200)) || status == Some(refused), "{row}");
        let rule = if status.is_none() {
            Some("a key that is refused")
        } else if has(&row, "typ_other") {
            Some("a token of another type")
        } else {
            None
        };
        tally.case(row["id"].as_str().unwrap(), expected == 200, status == Some(200), rule);
    }
    tallies.into_values().for_each(Tally::finish);
}
