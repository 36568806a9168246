//! The policy's keys `sender_constrained`, `dpop` and `mtls`.

use super::{held, issuer};
use crate::kit::{assert_faults, hs_issuer, policy, with};
use portcullis::policy::Policy;
use portcullis::possession::{ReplayStore, Trust};
use portcullis::time::Seconds;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn compiled(more: Value) -> Policy {
    let raw = with(policy(issuer("accepted")), more);
    Policy::compile(&raw, &held()).outcome.unwrap()
}

fn check(more: Value, expected: &[(&str, &str)]) {
    assert_faults(&with(policy(issuer("accepted")), more), &held(), expected);
}

#[test]
fn the_defaults() {
    let policy = compiled(json!({}));
    let settings = policy.possession();
    assert!(settings.is_used);
    assert_eq!(settings.algorithm_names(), "ES256 EdDSA");
    assert_eq!(settings.dpop.max_age, Seconds::new(60));
    assert!(settings.dpop.nonces.is_none());
    assert_eq!(settings.dpop.replay, ReplayStore::Isolate);
    assert_eq!(settings.mtls.trust, Trust::Ca);
    assert!(!settings.mtls.is_advertised);
}

#[test]
fn every_key_takes_effect() {
    let policy = compiled(json!({
        "dpop": {
            "algorithms": ["ES384", "ES384", "RS256"], "max_age": 5, "nonce": "NONCE",
            "replay": { "durable_object": "REPLAY" },
        },
        "mtls": { "trust": "any" },
    }));
    let settings = policy.possession();
    assert_eq!(settings.algorithm_names(), "ES384 RS256");
    assert_eq!(settings.dpop.max_age, Seconds::new(5));
    assert!(settings.dpop.nonces.is_some());
    assert_eq!(settings.dpop.replay, ReplayStore::DurableObject("REPLAY".to_owned()));
    assert_eq!(settings.mtls.trust, Trust::Any);
    assert!(settings.mtls.is_advertised);
    compiled(json!({ "dpop": { "replay": "isolate" }, "mtls": { "trust": "ca" } }));
}

#[test]
fn rejects_values_that_mean_nothing() {
    check(json!({ "dpop": { "algorithms": [] } }), &[("dpop.algorithms", "empty list")]);
    check(
        json!({ "dpop": { "algorithms": ["HS256", "none", "ES256"] } }),
        &[("dpop.algorithms[0]", "shared secret"), ("dpop.algorithms[1]", "does not support")],
    );
    for max_age in [json!(4), json!(301), json!(0), json!(1.5), json!("60")] {
        check(json!({ "dpop": { "max_age": max_age } }), &[("dpop.max_age", "")]);
    }
    check(json!({ "dpop": { "replay": "everywhere" } }), &[("dpop.replay", "everywhere")]);
    check(json!({ "dpop": { "replay": 1 } }), &[("dpop.replay", "a number")]);
    check(json!({ "dpop": { "replay": {} } }), &[("dpop.replay.durable_object", "missing")]);
    check(json!({ "dpop": { "replays": "isolate" } }), &[("dpop.replays", "unknown key")]);
    check(json!({ "mtls": { "trust": "all" } }), &[("mtls.trust", "all")]);
    check(json!({ "mtls": true }), &[("mtls", "not a table")]);
    check(json!({ "dpop": { "nonce": true } }), &[("dpop.nonce", "not a string")]);
}

#[test]
fn rejects_missing_bindings_and_says_what_to_write() {
    let raw = with(
        policy(issuer("accepted")),
        json!({ "dpop": { "replay": { "durable_object": "ABSENT" }, "nonce": "NO_SECRET" } }),
    );
    let faults = crate::kit::faults(&raw, &held());
    let [object, nonce] = &faults[..] else { panic!("{faults:?}") };
    assert_eq!(object.path, "dpop.replay.durable_object");
    for words in ["durable_objects.bindings", "ABSENT", "ProofReplay", "new_sqlite_classes"] {
        assert!(object.remedy.contains(words), "{}", object.remedy);
    }
    assert_eq!(nonce.path, "dpop.nonce");
}

#[test]
fn the_secret_of_nonces_is_used_for_nothing_else() {
    check(json!({ "dpop": { "nonce": "SECRET" } }), &[("dpop.nonce", "for something else")]);
    let short = held().value("NONCE", "too short");
    let raw = with(policy(issuer("accepted")), json!({ "dpop": { "nonce": "NONCE" } }));
    assert_faults(&raw, &short, &[("dpop.nonce", "at least 32")]);
}

#[test]
fn rejects_settings_without_an_issuer_that_accepts_bound_tokens() {
    let raw = with(policy(hs_issuer()), json!({ "dpop": {}, "mtls": {} }));
    assert_faults(&raw, &held(), &[("dpop", "no effect"), ("mtls", "no effect")]);
    let raw = policy(issuer("maybe"));
    assert_faults(&raw, &held(), &[("issuers[0].sender_constrained", "maybe")]);
}

#[test]
fn a_proof_is_never_accepted_as_a_token() {
    let types = with(issuer("accepted"), json!({ "types": ["at+jwt", "application/DPoP+JWT"] }));
    assert_faults(&policy(types), &held(), &[("issuers[0].types", "DPoP proofs")]);
}

#[test]
fn the_header_of_proofs_is_reserved() {
    check(
        json!({ "forward": { "claims": { "DPoP": "/sub" } } }),
        &[("forward.claims.DPoP", "meaning")],
    );
    check(
        json!({ "token": { "sources": [{ "header": "DPoP" }] } }),
        &[("token.sources[0].header", "DPoP")],
    );
    check(
        json!({ "token": { "sources": [{ "scheme": "DPoP" }] } }),
        &[("token.sources[0].scheme", "not bearer")],
    );
}
