//! How responses are judged.

use super::{
    Asking, OPAQUE, active, at, both, gate, json_response, opaque_issuer, opaque_issuer_with,
    response, verdict_of, verdict_on,
};
use crate::kit::{Call, Gate, Signer, payload, policy, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn verdict(changes: Value) -> String {
    let gate = gate(opaque_issuer());
    let response = json_response(&with(active(), changes));
    verdict_on(&gate, &response).unwrap_or_else(|failure| format!("failed: {}", failure.problem()))
}

#[test]
fn rfc7662_section_2_2_admits_an_active_token() {
    assert_eq!(verdict(json!({})), "200");
    assert_eq!(verdict(json!({ "username": "u", "token_type": "Bearer", "x": [{}] })), "200");
}

#[test]
fn rfc7662_section_2_2_rejects_an_inactive_token() {
    let gate = gate(opaque_issuer());
    let inactive = json_response(&json!({ "active": false }));
    assert_eq!(verdict_on(&gate, &inactive), Ok("401 inactive_token".to_owned()));
}

#[test]
fn attack_introspection_active_is_exactly_true_or_false() {
    for value in ["\"true\"", "1", "null", "[]", "{}", "\"\"", "0"] {
        let text =
            format!(r#"{{"active":{value},"iss":"https://i","aud":"api","exp":1800086400}}"#);
        let response = response(200, "application/json", text);
        let failure = verdict_on(&gate(opaque_issuer()), &response).unwrap_err();
        assert!(failure.problem().contains("active"), "{value}: {failure}");
    }
    assert!(verdict(json!({ "active": null })).starts_with("failed"));
}

/// The members of a response follow the same rules as the claims of a JWT.
#[test]
fn attack_introspection_members_follow_the_rules_of_claims() {
    for (changes, expected) in [
        (json!({ "iss": "https://j" }), "401 unknown_issuer"),
        (json!({ "iss": null }), "401 missing_claim"),
        (json!({ "iss": 1 }), "401 invalid_claim"),
        (json!({ "aud": "other" }), "401 wrong_audience"),
        (json!({ "aud": null }), "401 wrong_audience"),
        (json!({ "aud": ["other", "api"] }), "200"),
        (json!({ "exp": 1 }), "401 expired"),
        (json!({ "exp": null }), "401 missing_claim"),
        (json!({ "exp": "1800086400" }), "401 invalid_claim"),
        (json!({ "nbf": 1_800_000_100 }), "401 not_yet_valid"),
        (json!({ "iat": 1_800_000_100 }), "401 not_yet_valid"),
        (json!({ "sub": 1 }), "401 invalid_claim"),
        (json!({ "client_id": 1 }), "401 invalid_claim"),
        (json!({ "cnf": { "jkt": "x" } }), "401 invalid_claim"),
    ] {
        assert_eq!(verdict(changes.clone()), expected, "{changes}");
    }
}

#[test]
fn a_missing_aud_or_exp_is_accepted_if_the_policy_says_so() {
    let lenient = with(opaque_issuer(), json!({ "audience": "*", "expiry": "optional" }));
    let response = json_response(&with(active(), json!({ "aud": null, "exp": null })));
    assert_eq!(verdict_on(&gate(lenient), &response), Ok("200".to_owned()));
}

#[test]
fn the_scopes_of_a_response_are_those_that_the_route_requires() {
    for (scope, expected) in [("read", "200"), ("write", "403 insufficient_scope")] {
        let mut raw = policy(opaque_issuer());
        raw["routes"][0]["scopes"] = json!([scope]);
        let gate = Gate::bound(&raw, &super::bindings());
        assert_eq!(verdict_on(&gate, &json_response(&active())), Ok(expected.to_owned()));
    }
}

#[test]
fn the_claims_of_a_response_are_forwarded() {
    let mut raw = policy(opaque_issuer());
    raw["forward"] = json!({ "claims": { "X-Sub": "sub" }, "payload": "X-Payload" });
    let gate = Gate::bound(&raw, &super::bindings());
    assert_eq!(verdict_on(&gate, &json_response(&active())), Ok("200".to_owned()));
    let sent = gate.ask(&Call::get("/").bearer(OPAQUE)).unwrap();
    assert_eq!(sent.header("X-Sub"), Some("u"));
    let payload = sent.header("X-Payload").unwrap();
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let payload: Value =
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(payload).unwrap()).unwrap();
    assert_eq!(payload, active());
}

/// Each failure says what went wrong and what to do, and no failure counts as an answer.
#[test]
fn attack_introspection_anything_but_a_strict_response_is_a_failure() {
    let good = active().to_string();
    let padded = format!("{good}{}", " ".repeat(64 * 1024));
    let json = "application/json";
    let error = r#"{"error":"invalid_client"}"#;
    for (status, content_type, body, problem, remedy) in [
        (200, "text/html", "<html>", "not application/json", "endpoint"),
        (200, "text/html", &good, "not application/json", "endpoint"),
        (200, "application/token-introspection+jwt", "a.b.c", "not application/json", "endpoint"),
        (200, json, "<html>", "HTML", "endpoint"),
        (200, json, "", "empty", "endpoint"),
        (200, json, "eyJhbGciOiJIUzI1NiJ9.e30.AA", "not valid JSON", "endpoint"),
        (200, json, r#"{"active":false,"active":true}"#, "twice", "endpoint"),
        (200, json, "[true]", "not an object", "endpoint"),
        (200, json, &padded, "64 KiB", "fewer claims"),
        (204, json, "", "answered 204", "endpoint"),
        (302, json, &good, "answered 302", "redirects are not followed"),
        (400, json, "{}", "answered 400", "endpoint"),
        (400, json, error, "answered 400", "client_id"),
        (401, json, error, "answered 401", "client_id"),
        (403, json, &good, "answered 403", "client_id"),
        (404, json, "", "answered 404", "endpoint"),
        (429, json, "", "answered 429", "limit"),
        (500, json, &good, "answered 500", "provider"),
        (503, json, "", "answered 503", "provider"),
    ] {
        let response = response(status, content_type, body);
        let gate = gate(opaque_issuer());
        let failure = verdict_on(&gate, &response).expect_err(problem);
        assert!(failure.problem().contains(problem), "{status} {content_type}: {failure}");
        assert!(failure.remedy().contains(remedy), "{status} {content_type}: {failure}");
        // The next request is refused without a call, until the pause is over.
        let call = Call::get("/").bearer("another");
        assert_eq!(Asking::new(&gate, &call).run(at(0)), "503 introspection_unavailable");
    }
}

#[test]
fn a_content_type_may_have_parameters() {
    let response = response(200, "Application/JSON; charset=UTF-8", active().to_string());
    assert_eq!(verdict_on(&gate(opaque_issuer()), &response), Ok("200".to_owned()));
}

#[test]
fn a_response_is_reused_for_cache_seconds_and_never_past_exp() {
    let gate = gate(opaque_issuer_with(json!({ "cache": 60 })));
    let response = json_response(&with(active(), json!({ "exp": crate::kit::NOW + 1000 })));
    assert_eq!(verdict_of(&gate, OPAQUE, &response, 0), Ok("200".to_owned()));
    let ask = |seconds| {
        let call = Call::get("/").bearer(OPAQUE);
        let mut asking = Asking::new(&gate, &call);
        asking.run(at(seconds))
    };
    assert_eq!(ask(59), "200");
    assert_eq!(ask(60), "needs introspection");
    // The clock was set back.
    assert_eq!(ask(-1), "needs introspection");
    let short = json_response(&with(active(), json!({ "exp": crate::kit::NOW + 70 })));
    assert_eq!(verdict_of(&gate, OPAQUE, &short, 60), Ok("200".to_owned()));
    assert_eq!(ask(69), "200");
    assert_eq!(ask(70), "401 expired");
}

#[test]
fn a_token_that_becomes_inactive_is_rejected_within_cache_seconds() {
    let gate = gate(opaque_issuer());
    assert_eq!(verdict_on(&gate, &json_response(&active())), Ok("200".to_owned()));
    let inactive = json_response(&json!({ "active": false }));
    assert_eq!(verdict_of(&gate, OPAQUE, &inactive, 59), Ok("200".to_owned()));
    assert_eq!(verdict_of(&gate, OPAQUE, &inactive, 60), Ok("401 inactive_token".to_owned()));
}

/// Without a cache, an answer is for the requests that have waited for it, however long it took.
#[test]
fn with_cache_0_only_requests_that_waited_use_an_answer() {
    let gate = gate(opaque_issuer_with(json!({ "cache": 0 })));
    let call = Call::get("/").bearer(OPAQUE);
    let (mut first, mut second) = (Asking::new(&gate, &call), Asking::new(&gate, &call));
    assert_eq!(first.run(at(0)), "needs introspection");
    assert_eq!(second.run(at(0)), "needs introspection");
    assert!(first.answer(&json_response(&active()), at(0), at(4)).is_ok());
    assert_eq!(first.run(at(4)), "200");
    assert_eq!(second.run(at(4)), "200");
    assert_eq!(Asking::new(&gate, &call).run(at(4)), "needs introspection");
}

/// The claims are the response's, not the token's.
#[test]
fn tokens_all_takes_the_claims_of_the_response() {
    let mut raw = policy(both(json!({ "tokens": "all" })));
    raw["forward"] = json!({ "claims": { "X-Sub": "sub" } });
    let gate = Gate::bound(&raw, &super::bindings());
    let token = Signer::hs256().signed(payload(&[]));
    let answer = json_response(&with(active(), json!({ "sub": "v" })));
    assert_eq!(verdict_of(&gate, &token, &answer, 0), Ok("200".to_owned()));
    let (trace, sent) = gate.trace(&Call::get("/").bearer(&token), at(1));
    assert_eq!(sent.unwrap().header("X-Sub"), Some("v"));
    assert_eq!(trace.key.as_deref(), Some("secret"));
    let inactive = json_response(&json!({ "active": false }));
    assert_eq!(verdict_of(&gate, &token, &inactive, 60), Ok("401 inactive_token".to_owned()));
}

/// In report mode, only the tokens that the endpoint calls active are reported.
#[test]
fn an_issuer_in_report_mode_reports_active_tokens_only() {
    let reporting = with(opaque_issuer(), json!({ "mode": "report" }));
    let other = json_response(&with(active(), json!({ "aud": "other" })));
    assert_eq!(verdict_on(&gate(reporting.clone()), &other), Ok("200".to_owned()));
    let inactive = json_response(&json!({ "active": false }));
    let verdict = verdict_on(&gate(reporting), &inactive);
    assert_eq!(verdict, Ok("401 inactive_token".to_owned()));
}

/// Tokens of other forms may be short, or share their ends.
#[test]
fn short_and_similar_tokens_are_not_confused() {
    let gate = gate(opaque_issuer());
    let tokens = ["a", "b", "x0123456789abcdef", "y0123456789abcdef", "eyJ", "eyK"];
    for token in tokens {
        let answer = json_response(&with(active(), json!({ "sub": token })));
        assert_eq!(verdict_of(&gate, token, &answer, 0), Ok("200".to_owned()));
    }
    for token in tokens {
        let call = Call::get("/").bearer(token);
        assert_eq!(Asking::new(&gate, &call).run(at(1)), "200", "{token}");
    }
    let call = Call::get("/").bearer("c");
    assert_eq!(Asking::new(&gate, &call).run(at(1)), "needs introspection");
}

/// Another route may ask another issuer about the same token.
#[test]
fn an_answer_counts_only_on_routes_of_its_issuer() {
    let second = with(opaque_issuer(), json!({ "name": "j", "issuer": "https://j" }));
    let mut raw = policy(opaque_issuer());
    raw["issuers"].as_array_mut().unwrap().push(second);
    raw["routes"] = json!([{ "path": "/*", "issuers": ["i"] }, { "path": "/j", "issuers": ["j"] }]);
    let gate = Gate::bound(&raw, &super::bindings());
    assert_eq!(verdict_on(&gate, &json_response(&active())), Ok("200".to_owned()));
    let call = Call::get("/j").bearer(OPAQUE);
    assert_eq!(Asking::new(&gate, &call).run(at(1)), "needs introspection");
    let call = Call::get("/").bearer(OPAQUE);
    assert_eq!(Asking::new(&gate, &call).run(at(1)), "200");
}
