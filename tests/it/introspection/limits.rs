//! What limits the calls of an endpoint.

use super::{
    Asking, OPAQUE, active, at, gate, json_response, opaque_issuer, opaque_issuer_with, response,
    verdict_of, verdict_on,
};
use crate::kit::{Call, Gate};
use portcullis::budget;
use portcullis::introspection::{Endpoint, Lease};
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn url() -> Endpoint {
    Endpoint::Url("https://i/introspect".to_owned())
}

/// Evaluates a request with this token, and takes the lease that it needs. Returns the verdict if
/// it needs none.
fn lease(gate: &Gate, token: &str, endpoint: &Endpoint, seconds: i64) -> Result<Lease, String> {
    let call = Call::get("/").bearer(token);
    let mut asking = Asking::new(gate, &call);
    let verdict = asking.run(at(seconds));
    let Some(request) = asking.needed else { return Err(verdict) };
    Ok(gate.memory.introspections.take_lease(&request, endpoint, at(seconds)))
}

/// Counts the calls that tokens cause which all arrive within one second.
fn calls(gate: &Gate, tokens: impl IntoIterator<Item = String>, seconds: i64) -> usize {
    let leases = tokens.into_iter().map(|token| lease(gate, &token, &url(), seconds));
    leases.filter(|lease| *lease == Ok(Lease::Taken)).count()
}

fn made_up(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("made-up-{number}"))
}

#[test]
fn one_request_asks_about_a_token_and_the_others_wait() {
    let gate = gate(opaque_issuer());
    assert_eq!(lease(&gate, OPAQUE, &url(), 0), Ok(Lease::Taken));
    for _ in 0..100 {
        assert_eq!(lease(&gate, OPAQUE, &url(), 0), Ok(Lease::Elsewhere));
    }
    assert_eq!(lease(&gate, "another", &url(), 0), Ok(Lease::Taken));
    // The request that asked has died.
    assert_eq!(lease(&gate, OPAQUE, &url(), 5), Ok(Lease::Elsewhere));
    assert_eq!(lease(&gate, OPAQUE, &url(), 6), Ok(Lease::Taken));
}

#[test]
fn attack_introspection_a_flood_of_made_up_tokens_causes_a_limited_number_of_calls() {
    let gate = gate(opaque_issuer());
    assert_eq!(calls(&gate, made_up(10_000), 0), budget::INTROSPECTIONS_IN_FLIGHT);
    let refused = lease(&gate, "another", &url(), 0);
    assert_eq!(refused, Err("503 introspection_unavailable".to_owned()));
    // Leases end, and the next calls may begin.
    assert_eq!(calls(&gate, made_up(10_000), 6), budget::INTROSPECTIONS_IN_FLIGHT);
}

#[test]
fn attack_introspection_an_endpoint_that_answers_at_once_gets_a_limited_number_of_calls() {
    let gate = gate(opaque_issuer());
    let inactive = json_response(&json!({ "active": false }));
    let mut verdicts = std::collections::BTreeMap::new();
    for token in made_up(10_000) {
        *verdicts.entry(verdict_of(&gate, &token, &inactive, 0).unwrap()).or_insert(0) += 1;
    }
    // `verdict_of` takes no leases, so that only the memory of rejected tokens is at work here.
    assert_eq!(verdicts, [("401 inactive_token".to_owned(), 10_000)].into());
    let shown = format!("{:?}", gate.memory.introspections);
    let held: usize =
        shown.rsplit("rejected: ").next().unwrap().trim_end_matches([' ', '}']).parse().unwrap();
    assert!(held <= budget::TOKENS_REJECTED, "{shown}");
    assert_eq!(calls(&gate, (0..200).map(|number| format!("new-{number}")), 1), 32);
}

#[test]
fn calls_per_second_are_limited() {
    let gate = gate(opaque_issuer());
    let inactive = json_response(&json!({ "active": false }));
    let mut taken = 0;
    for token in made_up(200) {
        let call = Call::get("/").bearer(&token);
        let mut asking = Asking::new(&gate, &call);
        asking.run(at(0));
        let Some(request) = &asking.needed else { continue };
        if gate.memory.introspections.take_lease(request, &url(), at(0)) == Lease::Taken {
            taken += 1;
            assert!(asking.answer(&inactive, at(0), at(0)).is_ok());
        }
    }
    assert_eq!(taken, budget::INTROSPECTIONS_PER_SECOND);
}

/// Good tokens are still answered during a flood: those in the cache, and those whose answers are
/// no longer fresh.
#[test]
fn attack_introspection_a_flood_does_not_use_up_the_calls_for_tokens_that_were_active() {
    let gate = gate(opaque_issuer());
    assert_eq!(verdict_on(&gate, &json_response(&active())), Ok("200".to_owned()));
    calls(&gate, made_up(10_000), 59);
    assert_eq!(lease(&gate, OPAQUE, &url(), 59), Err("200".to_owned()));
    calls(&gate, made_up(10_000), 60);
    assert_eq!(lease(&gate, OPAQUE, &url(), 60), Ok(Lease::Taken));
}

#[test]
fn a_rejected_token_is_remembered_for_a_minute_at_most() {
    let gate = gate(opaque_issuer_with(json!({ "cache": 3600 })));
    let inactive = json_response(&json!({ "active": false }));
    assert_eq!(verdict_on(&gate, &inactive), Ok("401 inactive_token".to_owned()));
    assert_eq!(lease(&gate, OPAQUE, &url(), 59), Err("401 inactive_token".to_owned()));
    assert_eq!(lease(&gate, OPAQUE, &url(), 60), Ok(Lease::Taken));
}

/// The token's own provider has vouched for a token of another API, so it is not asked again.
#[test]
fn an_active_token_that_is_rejected_is_remembered_as_well() {
    let gate = gate(opaque_issuer());
    let other = json_response(&crate::kit::with(active(), json!({ "aud": "other" })));
    assert_eq!(verdict_on(&gate, &other), Ok("401 wrong_audience".to_owned()));
    assert_eq!(lease(&gate, OPAQUE, &url(), 59), Err("401 wrong_audience".to_owned()));
}

/// Fails a call for a token, and returns how long the gate then waits before the next call for a
/// token that it does not know.
fn pause_after_failures(failures: usize) -> i64 {
    let gate = gate(opaque_issuer());
    let broken = response(500, "text/plain", "");
    let mut seconds = 0;
    for _ in 0..failures {
        assert!(verdict_of(&gate, OPAQUE, &broken, seconds).is_err());
        let began = seconds;
        while lease(&gate, "another", &url(), seconds).is_err() {
            seconds += 1;
        }
        // The lease that was just taken ends.
        seconds += 6;
        if failures == 0 {
            return seconds - began;
        }
    }
    assert!(verdict_of(&gate, OPAQUE, &broken, seconds).is_err());
    let began = seconds;
    while lease(&gate, "another", &url(), seconds).is_err() {
        seconds += 1;
    }
    seconds - began
}

#[test]
fn failures_in_a_row_pause_the_calls_for_longer_and_longer() {
    let pauses: Vec<_> = (0..8).map(pause_after_failures).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
}

#[test]
fn an_answer_ends_the_pause() {
    let gate = gate(opaque_issuer());
    let broken = response(500, "text/plain", "");
    for seconds in [0, 10, 20] {
        assert!(verdict_of(&gate, OPAQUE, &broken, seconds).is_err());
    }
    assert!(lease(&gate, "another", &url(), 21).is_err());
    assert_eq!(verdict_of(&gate, OPAQUE, &json_response(&active()), 24), Ok("200".to_owned()));
    assert!(verdict_of(&gate, "another", &broken, 24).is_err());
    assert!(lease(&gate, "another", &url(), 24).is_err());
    assert_eq!(lease(&gate, "another", &url(), 25), Ok(Lease::Taken));
}

/// A made-up token that makes the endpoint fail holds up only tokens that the gate does not know.
#[test]
fn attack_introspection_a_made_up_token_that_breaks_the_endpoint_holds_up_only_new_tokens() {
    let gate = gate(opaque_issuer());
    let broken = response(500, "text/plain", "");
    assert_eq!(verdict_on(&gate, &json_response(&active())), Ok("200".to_owned()));
    assert!(verdict_of(&gate, "breaks-it", &broken, 60).is_err());
    assert!(lease(&gate, "another", &url(), 60).is_err());
    assert_eq!(lease(&gate, OPAQUE, &url(), 60), Ok(Lease::Taken));
    // A failure with a token that was active before is the endpoint's.
    assert!(verdict_of(&gate, OPAQUE, &broken, 66).is_err());
    assert!(lease(&gate, OPAQUE, &url(), 66).is_err());
    assert!(lease(&gate, "another", &url(), 66).is_err());
}

#[test]
fn calls_that_fail_at_the_same_time_count_once() {
    let gate = gate(opaque_issuer());
    let tokens: Vec<_> = made_up(10).collect();
    let calls: Vec<_> = tokens.iter().map(|token| Call::get("/").bearer(token)).collect();
    let mut all: Vec<_> = calls.iter().map(|call| Asking::new(&gate, call)).collect();
    for asking in &mut all {
        asking.run(at(0));
    }
    for asking in &all {
        gate.memory.introspections.failed(asking.needed.as_ref().unwrap(), at(0), at(5));
    }
    assert!(lease(&gate, "another", &url(), 5).is_err());
    assert_eq!(lease(&gate, "another", &url(), 6), Ok(Lease::Taken));
}

/// Metadata is fetched once, however many tokens arrive at the same time.
#[test]
fn one_request_discovers_the_endpoint() {
    let gate = gate(opaque_issuer());
    let discovered = Endpoint::Discovery("https://i".to_owned());
    assert_eq!(lease(&gate, "a", &discovered, 0), Ok(Lease::Taken));
    assert_eq!(lease(&gate, "b", &discovered, 0), Ok(Lease::Later));
    let endpoint = portcullis::keys::cache::Dated {
        value: "https://i/introspect".to_owned(),
        fetched: at(0),
        fresh_for: portcullis::time::Seconds::new(600),
    };
    let issuer = gate.policy.issuers()[0].id();
    gate.memory.introspections.discovered(issuer, endpoint);
    assert_eq!(lease(&gate, "b", &discovered, 0), Ok(Lease::Taken));
}

#[test]
fn debug_output_shows_no_token() {
    let gate = gate(opaque_issuer());
    let call = Call::get("/").bearer("opaque-c1a1");
    let mut asking = Asking::new(&gate, &call);
    asking.run(at(0));
    let inactive = json_response(&json!({ "active": false, "sub": "claim-c1a1" }));
    let _ = gate.memory.introspections.take_lease(asking.needed.as_ref().unwrap(), &url(), at(0));
    let before = format!("{:?} {:#?}", asking.needed, gate.memory);
    assert!(asking.answer(&inactive, at(0), at(0)).is_ok());
    let shown = format!("{before} {:?} {:#?}", gate.memory, gate.policy);
    assert!(!shown.contains("c1a1"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}
