//! The rate limit: which refusals count, and how the gate identifies a client.

use crate::kit::{Held, answered, faults, hs_issuer, policy, respond, table, with};
use portcullis::error_response::ErrorResponses;
use portcullis::policy::Policy;
use portcullis::rate_limit::{client_key, counts, refusal};
use portcullis::refusal::{Code, Refusal};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn counts_only_refusals_that_may_be_guesses() {
    let rows = [
        (Code::MultipleTokens, true),
        (Code::MalformedAuthorization, true),
        (Code::TokenTooLarge, true),
        (Code::MalformedToken, true),
        (Code::UnsupportedCritical, true),
        (Code::AlgorithmNotAllowed, true),
        (Code::UnknownKey, true),
        (Code::BadSignature, true),
        (Code::UnknownIssuer, true),
        (Code::WrongAudience, true),
        (Code::WrongType, true),
        (Code::MissingClaim, true),
        (Code::InvalidClaim, true),
        (Code::NotYetValid, true),
        (Code::TooOld, true),
        (Code::MissingToken, false),
        (Code::Expired, false),
        (Code::InsufficientUserAuthentication, false),
        (Code::InsufficientScope, false),
        (Code::ClaimNotAllowed, false),
        (Code::CrossSite, false),
        (Code::AmbiguousPath, false),
        (Code::NoRoute, false),
        (Code::MethodNotAllowed, false),
        (Code::LoopDetected, false),
        (Code::ClaimTooLarge, false),
        (Code::RateLimited, false),
        (Code::Misconfigured, false),
        (Code::KeysUnavailable, false),
        (Code::OriginUnreachable, false),
        (Code::OriginTimeout, false),
    ];
    table(rows, |code| counts(&Refusal::new(*code, "because")));
}

#[test]
fn identifies_a_client_by_ipv4_address_or_ipv6_network() {
    let rows = [
        ("192.0.2.1", Some("192.0.2.1")),
        (" 192.0.2.1 ", Some("192.0.2.1")),
        ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2::/64")),
        ("2001:DB8:1:2::", Some("2001:db8:1:2::/64")),
        ("2001:db8:1:3::1", Some("2001:db8:1:3::/64")),
        ("::1", Some("0:0:0:0::/64")),
        ("::ffff:192.0.2.1", Some("192.0.2.1")),
        ("", None),
        ("192.0.2.1, 192.0.2.2", None),
        ("192.0.2.01", None),
        ("192.0.2.1:80", None),
        ("localhost", None),
        ("fe80::1%eth0", None),
    ];
    table(rows.map(|(text, key)| (text, key.map(str::to_owned))), |address| client_key(address));
}

#[test]
fn the_response_has_retry_after_and_no_challenge() {
    let answer = respond(&ErrorResponses::default(), &refusal(), None);
    assert_eq!(answer.status, 429);
    assert_eq!(answered(&answer, "Retry-After"), Some("60"));
    assert_eq!(answered(&answer, "WWW-Authenticate"), None);
}

#[test]
fn requires_an_existing_rate_limiting_binding() {
    let raw = |limit: Value| with(policy(hs_issuer()), json!({ "rate_limit": limit }));
    let bindings = Held::usual().limiter("FAILURES");
    let good = raw(json!({ "binding": "FAILURES" }));
    let compiled = Policy::compile(&good, &bindings).outcome.unwrap();
    assert_eq!(compiled.rate_limit(), Some("FAILURES"));
    let rows = [
        (json!({ "binding": "OTHER" }), "rate_limit.binding", "no Rate Limiting binding OTHER"),
        (json!({ "binding": "SECRET" }), "rate_limit.binding", "no Rate Limiting binding SECRET"),
        (json!({}), "rate_limit.binding", "missing"),
        (json!({ "binding": 1 }), "rate_limit.binding", "a number"),
        (json!("FAILURES"), "rate_limit", "a string, not a table"),
    ];
    for (limit, path, problem) in rows {
        let found = faults(&raw(limit), &bindings);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, path);
        assert!(found[0].problem.contains(problem), "{}", found[0]);
    }
}
