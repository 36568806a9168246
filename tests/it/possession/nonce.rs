//! Nonces (RFC 9449 sections 8 and 9).

use super::{Proof, call, gate_with, held, issuer, proved, token};
use crate::kit::{Call, Gate, NOW, answered, b64, policy, with};
use portcullis::gate::{Decision, Evaluation};
use portcullis::time::UnixSeconds;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn gate() -> Gate {
    gate_with(json!({ "dpop": { "nonce": "NONCE" } }))
}

/// Returns the code of a request at a time, and the nonce that the response would contain.
fn at(gate: &Gate, seconds: i64, call: &Call) -> (Option<&'static str>, Option<String>) {
    let mut evaluation = Evaluation::new(&gate.policy, call.request());
    let code = match evaluation.run(&gate.memory, UnixSeconds::new(seconds)).unwrap() {
        Decision::Forward(_) => None,
        Decision::Refuse(refusal) => {
            let response = gate.policy.error_responses().respond(&refusal, &call.request(), None);
            assert_eq!(answered(&response, "DPoP-Nonce"), evaluation.nonce());
            Some(refusal.code().as_str())
        }
        Decision::Respond(_) => panic!("the gate responds itself"),
    };
    (code, evaluation.nonce().map(str::to_owned))
}

/// A proof with a nonce, made at this time. Every nonce makes a proof of its own.
fn with_nonce(seconds: i64, nonce: impl Into<Value>) -> Call {
    let nonce = nonce.into();
    let id = format!("{seconds} {nonce}");
    proved(&Proof::new().claim("iat", seconds).claim("jti", id).claim("nonce", nonce).text())
}

fn issued(gate: &Gate, seconds: i64) -> String {
    let (code, nonce) = at(gate, seconds, &with_nonce(seconds, ""));
    assert_eq!(code, Some("nonce_required"));
    nonce.unwrap()
}

#[test]
fn rfc9449_section_9_a_proof_without_a_nonce_is_told_one() {
    let gate = gate();
    let (code, nonce) = at(&gate, NOW, &proved(&Proof::new().text()));
    assert_eq!(code, Some("nonce_required"));
    assert_eq!(at(&gate, NOW, &with_nonce(NOW, nonce.unwrap())), (None, None));
}

#[test]
fn rfc9449_section_9_the_challenge_is_use_dpop_nonce() {
    let gate = gate();
    let response = gate.response(&proved(&Proof::new().text()));
    assert_eq!(response.status, 401);
    assert_eq!(
        answered(&response, "WWW-Authenticate"),
        Some(
            "DPoP realm=\"api\", error=\"use_dpop_nonce\", error_description=\"The DPoP proof \
             requires a nonce\", algs=\"ES256 EdDSA\""
        )
    );
    assert!(answered(&response, "DPoP-Nonce").is_some());
}

#[test]
fn rfc9449_section_8_2_a_new_nonce_comes_before_the_old_one_expires() {
    let gate = gate();
    let nonce = issued(&gate, NOW);
    for age in [0, 1, 29, 30] {
        assert_eq!(at(&gate, NOW + age, &with_nonce(NOW + age, nonce.clone())), (None, None));
    }
    for age in [31, 59, 60] {
        let (code, renewed) = at(&gate, NOW + age, &with_nonce(NOW + age, nonce.clone()));
        assert_eq!(code, None, "{age}");
        let renewed = renewed.unwrap();
        assert_ne!(renewed, nonce);
        let later = NOW + age + 60;
        assert_eq!(at(&gate, later, &with_nonce(later, renewed)).0, None);
    }
    let (code, _) = at(&gate, NOW + 61, &with_nonce(NOW + 61, nonce));
    assert_eq!(code, Some("nonce_required"));
}

#[test]
fn attack_45_foreign_expired_and_malformed_nonces_are_rejected() {
    let gate = gate();
    let nonce = issued(&gate, NOW);
    let other_secret = Gate::bound(
        &with(policy(issuer("accepted")), json!({ "dpop": { "nonce": "NONCE" } })),
        &held().value("NONCE", "a-secret-of-another-gate-for-its-nonces"),
    );
    let later = issued(&gate, NOW + 1);
    let spliced = format!("{}{}", &later[..11], &nonce[11..]);
    let changed = |at: usize| {
        let other = if nonce.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &nonce[..at], &nonce[at + 1..])
    };
    let bad: Vec<Value> = vec![
        json!(""),
        json!("x"),
        json!(b64([0; 8])),
        json!(b64([0; 40])),
        json!(issued(&other_secret, NOW)),
        json!(issued(&gate, NOW - 61)),
        json!(spliced),
        json!(changed(5)),
        json!(changed(20)),
        json!(&nonce[..nonce.len() - 4]),
        json!(format!("{nonce}AAAA")),
        json!(format!("{nonce}=")),
        json!(nonce.to_lowercase()),
        json!(17),
        json!(null),
        json!([nonce]),
        json!({ "nonce": nonce }),
    ];
    for nonce in bad {
        let (code, told) = at(&gate, NOW, &with_nonce(NOW, nonce.clone()));
        assert_eq!(code, Some("nonce_required"), "{nonce}");
        assert!(told.is_some());
    }
    assert_eq!(at(&gate, NOW, &with_nonce(NOW, nonce)).0, None);
}

/// Two isolates whose clocks differ accept each other's nonces.
#[test]
fn a_nonce_of_an_isolate_whose_clock_is_ahead_is_accepted() {
    let (one, two) = (gate(), gate());
    let nonce = issued(&one, NOW + 2);
    assert_eq!(at(&two, NOW, &with_nonce(NOW, nonce)).0, None);
}

#[test]
fn every_refusal_of_a_proof_contains_a_nonce_and_looks_alike() {
    let gate = gate();
    let nonce = issued(&gate, NOW);
    let proof = |change: fn(Proof) -> Proof| {
        proved(&change(Proof::new().claim("nonce", nonce.clone())).text())
    };
    let calls = [
        call(&token()),
        Call::get("/api").bearer(&token()),
        proved("x"),
        proof(|proof| proof.claim("htm", "PUT")),
        proof(|proof| proof.claim("iat", NOW - 61)),
        proof(|proof| proof.claim("ath", "x")),
    ];
    let responses: Vec<_> = calls.iter().map(|call| gate.response(call)).collect();
    assert!(answered(&responses[0], "DPoP-Nonce").is_some());
    assert!(responses.iter().all(|response| *response == responses[0]), "{responses:#?}");
}

#[test]
fn a_request_without_a_proof_gets_no_nonce() {
    let gate = gate();
    let bearer = crate::kit::Signer::hs256().signed(crate::kit::payload(&[]));
    assert_eq!(at(&gate, NOW, &Call::get("/api").bearer(&bearer)), (None, None));
    assert_eq!(at(&gate, NOW, &Call::get("/api")), (Some("missing_token"), None));
}
