//! Replay (RFC 9449 section 11.1).

use super::{Proof, call, gate, gate_with, jkt, jwk, key, proved, token_with};
use crate::kit::{Call, Gate, NOW, now};
use p256::ecdsa::SigningKey;
use portcullis::budget;
use portcullis::gate::{Decision, Evaluation, Need};
use portcullis::possession::{ProofUse, ReplayCheck};
use portcullis::time::UnixSeconds;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const REPLAYED: &str = "401 proof_replayed";

fn verdict_at(gate: &Gate, seconds: i64, call: &Call) -> String {
    match gate.trace(call, UnixSeconds::new(seconds)).1 {
        Ok(_) => "200".to_owned(),
        Err(refusal) => format!("{} {}", refusal.code().status(), refusal.code()),
    }
}

#[test]
fn attack_46_a_proof_is_used_once_in_an_isolate() {
    let gate = gate();
    let proof = proved(&Proof::new().text());
    assert_eq!(gate.verdict(&proof), "200");
    for _ in 0..10_000 {
        assert_eq!(gate.verdict(&proof), REPLAYED);
    }
    // Another isolate has a memory of its own.
    assert_eq!(super::gate().verdict(&proof), "200");
}

/// A `jti` counts with its `iat`: a client that repeats one a minute later is not punished.
#[test]
fn the_same_identifier_with_another_signature_or_url_is_a_replay() {
    let gate = gate();
    assert_eq!(gate.verdict(&proved(&Proof::new().text())), "200");
    let rewritten = Proof::new().claim("htu", "HTTPS://gate.example/api").claim("more", 1).text();
    assert_eq!(gate.verdict(&proved(&rewritten)), REPLAYED);
    assert_eq!(gate.verdict(&proved(&Proof::new().claim("jti", "other").text())), "200");
}

#[test]
fn attack_46_a_proof_stays_used_for_its_whole_window() {
    let gate = gate();
    // Dated ahead, it is valid for twice as long.
    let ahead = proved(&Proof::new().claim("iat", NOW + 60).text());
    assert_eq!(verdict_at(&gate, NOW, &ahead), "200");
    for seconds in [NOW, NOW + 1, NOW + 60, NOW + 61, NOW + 119, NOW + 120] {
        assert_eq!(verdict_at(&gate, seconds, &ahead), REPLAYED);
        // Other proofs cause expired ones to be forgotten, but not this one.
        let other = Proof::new().claim("iat", seconds).claim("jti", seconds.to_string()).text();
        assert_eq!(verdict_at(&gate, seconds, &proved(&other)), "200");
    }
    assert_eq!(verdict_at(&gate, NOW + 121, &ahead), "401 invalid_proof");
    // If the clock goes back, a forgotten proof is not accepted again.
    let fresh = Proof::new().claim("iat", NOW + 200).claim("jti", "x").text();
    assert_eq!(verdict_at(&gate, NOW + 200, &proved(&fresh)), "200");
    assert_eq!(verdict_at(&gate, NOW + 100, &ahead), REPLAYED);
}

/// A proof is recorded last, so an invalid request with the same `jti` cannot use it up.
#[test]
fn attack_47_a_rejected_proof_is_not_recorded() {
    let gate = gate();
    for bad in [
        Proof::new().claim("htm", "PUT"),
        Proof::new().claim("ath", "x"),
        Proof::new().claim("htu", "https://gate.example/"),
        Proof::of(&super::other_key(), &super::token()),
    ] {
        assert_eq!(gate.verdict(&proved(&bad.text())), "401 invalid_proof");
    }
    assert_eq!(gate.verdict(&proved(&Proof::new().text())), "200");
}

#[test]
fn two_keys_may_use_the_same_identifier() {
    let gate = gate();
    for scalar in 1..20 {
        let (call, _) = of_key(scalar, "same", NOW);
        assert_eq!(gate.verdict(&call), "200");
        assert_eq!(gate.verdict(&call), REPLAYED);
    }
}

/// A request with a key of its own.
fn of_key(scalar: u16, id: &str, issued: i64) -> (Call, String) {
    let mut bytes = [1; 32];
    bytes[30..].copy_from_slice(&scalar.to_be_bytes());
    let key = SigningKey::from_slice(&bytes).unwrap();
    let token = token_with(&json!({ "jkt": jkt(&jwk(&key)) }));
    let proof = Proof::of(&key, &token).claim("jti", id).claim("iat", issued).text();
    (call(&token).header("DPoP", &proof), token)
}

/// The memory is bounded. No bound makes the gate accept a second use.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn attack_48_a_client_with_many_proofs_loses_its_own_oldest_only() {
    use portcullis::possession::{ProofMemory, Settings, Thumbprint, record};
    let memory = ProofMemory::default();
    let max_age = Settings::default().dpop.max_age;
    let owner = |digit: &str| Thumbprint::from_hex(&digit.repeat(64)).unwrap();
    let record = |owner: &Thumbprint, id: &str, issued: i64| {
        record(&memory, owner, id, UnixSeconds::new(issued), max_age, now())
    };
    let (quiet, noisy) = (owner("a"), owner("b"));
    assert_eq!(record(&quiet, "one", NOW - 50), ProofUse::First);
    for count in 0..budget::PROOFS {
        let issued = NOW - 60 + i64::try_from(count % 120).unwrap();
        let used = record(&noisy, &count.to_string(), issued);
        assert_ne!(used, ProofUse::Repeated, "{count}");
    }
    assert_eq!(record(&quiet, "one", NOW - 50), ProofUse::Repeated);
    assert_eq!(record(&quiet, "two", NOW - 50), ProofUse::First);
    // The noisy client's older half was forgotten, so that old proofs of it are not accepted.
    assert_eq!(record(&noisy, "0", NOW - 60), ProofUse::Unknown);
    assert_eq!(record(&noisy, "new and old", NOW - 60), ProofUse::Unknown);
    assert_eq!(record(&noisy, "119", NOW + 59), ProofUse::Repeated);
    assert_eq!(record(&noisy, "new", NOW + 59), ProofUse::First);
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn attack_48_many_keys_displace_none_whose_proof_would_be_accepted_again() {
    use portcullis::possession::{ProofMemory, Settings, Thumbprint, record};
    let memory = ProofMemory::default();
    let max_age = Settings::default().dpop.max_age;
    let owner = |count: usize| Thumbprint::from_hex(&format!("{count:064x}")).unwrap();
    let record = |count: usize, issued: i64| {
        record(&memory, &owner(count), "x", UnixSeconds::new(issued), max_age, now())
    };
    let issued = |count: usize| NOW - 60 + i64::try_from(count % 121).unwrap();
    let all = 3 * budget::PROOF_OWNERS;
    let firsts: Vec<bool> =
        (0..all).map(|count| record(count, issued(count)) == ProofUse::First).collect();
    assert!(firsts[..budget::PROOF_OWNERS].iter().all(|first| *first));
    for count in 0..all {
        assert_ne!(record(count, issued(count)), ProofUse::First, "{count}");
    }
    // Once all of them have expired, there is room again.
    let later = UnixSeconds::new(NOW + 1000);
    let proof = portcullis::possession::record(&memory, &owner(all), "x", later, max_age, later);
    assert_eq!(proof, ProofUse::First);
}

/// Runs a request until the gate needs the Durable Object.
fn asked(gate: &Gate, call: &Call) -> ReplayCheck {
    let mut evaluation = Evaluation::new(&gate.policy, call.request());
    match evaluation.run(&gate.memory, now()) {
        Err(Need::Replay(check)) => check,
        other => panic!("the Durable Object is not needed: {other:?}"),
    }
}

fn single_use() -> Gate {
    gate_with(json!({ "dpop": { "replay": { "durable_object": "REPLAY" } } }))
}

#[test]
fn the_durable_object_of_the_key_decides() {
    for (answer, expected) in [
        (Some(ProofUse::First), "200"),
        (Some(ProofUse::Repeated), "401 proof_replayed"),
        (Some(ProofUse::Unknown), "503 replay_unavailable"),
        (None, "503 replay_unavailable"),
    ] {
        let gate = single_use();
        let call = proved(&Proof::new().text());
        let mut evaluation = Evaluation::new(&gate.policy, call.request());
        let Err(Need::Replay(check)) = evaluation.run(&gate.memory, now()) else {
            panic!("the Durable Object is not needed")
        };
        assert_eq!(check.binding, "REPLAY");
        assert_eq!(check.object, jkt(&jwk(&key())));
        assert_eq!(check.proof.len(), 32);
        assert_eq!(check.expires, UnixSeconds::new(NOW + 60));
        if let Some(answer) = answer {
            evaluation.proof_recorded(answer);
        }
        let found = match evaluation.run(&gate.memory, now()).unwrap() {
            Decision::Forward(_) => "200".to_owned(),
            Decision::Refuse(refusal) => {
                format!("{} {}", refusal.code().status(), refusal.code())
            }
            Decision::Respond(_) => panic!("the gate responds itself"),
        };
        assert_eq!(found, expected);
    }
}

/// The answer about one request is not the answer about another, also with the same proof.
#[test]
fn attack_46_the_answer_belongs_to_one_request() {
    let gate = single_use();
    let call = proved(&Proof::new().text());
    let mut first = Evaluation::new(&gate.policy, call.request());
    assert!(matches!(first.run(&gate.memory, now()), Err(Need::Replay(_))));
    // Within one isolate, the second use is noticed without another call.
    assert_eq!(gate.verdict(&call), REPLAYED);
    first.proof_recorded(ProofUse::First);
    assert!(matches!(first.run(&gate.memory, now()), Ok(Decision::Forward(_))));
    assert_eq!(gate.verdict(&call), REPLAYED);
    // Another isolate asks the same object about the same proof.
    assert_eq!(asked(&single_use(), &call), asked(&single_use(), &call));
}

/// An answer that nobody asked for does not replace the proof.
#[test]
fn attack_46_an_answer_without_a_question_has_no_effect() {
    for gate in [gate(), single_use()] {
        let without = call(&super::token());
        let mut evaluation = Evaluation::new(&gate.policy, without.request());
        evaluation.proof_recorded(ProofUse::First);
        let Ok(Decision::Refuse(refusal)) = evaluation.run(&gate.memory, now()) else {
            panic!("the request is not refused")
        };
        assert_eq!(refusal.code().as_str(), "missing_proof");
    }
}

#[test]
fn what_the_durable_object_is_asked_differs_by_key_and_identifier() {
    let of = |call: &Call| asked(&single_use(), call);
    let base = of(&proved(&Proof::new().text()));
    let other_id = of(&proved(&Proof::new().claim("jti", "other").text()));
    assert_eq!(base.object, other_id.object);
    assert_ne!(base.proof, other_id.proof);
    let other_key = of(&of_key(7, "e1j3V_bKic8-LAEB", NOW).0);
    assert_ne!(base.object, other_key.object);
    assert_eq!(base.proof, other_key.proof);
    let ahead = of(&proved(&Proof::new().claim("iat", NOW + 60).text()));
    assert_eq!(ahead.expires, UnixSeconds::new(NOW + 120));
}

/// A request that waits for its keys or for the revocation store does not find its own proof used.
#[test]
fn a_request_that_is_judged_again_does_not_meet_its_own_proof() {
    let raw = json!({ "revocation": { "kv": "KV" } });
    let raw = crate::kit::with(crate::kit::policy(super::issuer("accepted")), raw);
    let mut gate = Gate::bound(&raw, &super::held().namespace("KV"));
    let call = proved(&Proof::new().text());
    let policy = std::mem::replace(&mut gate.policy, Gate::hs().policy);
    let mut evaluation = Evaluation::new(&policy, call.request());
    let Err(Need::Revocations(entries)) = evaluation.run(&gate.memory, now()) else {
        panic!("no revocation is needed")
    };
    for entry in entries {
        let standing = entry.meaning(None);
        gate.memory.revocations.remember(entry, standing, now());
    }
    assert!(matches!(evaluation.run(&gate.memory, now()), Ok(Decision::Forward(_))));
}
