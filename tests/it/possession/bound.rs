//! Bound tokens that are presented in any other way.

use super::{
    Proof, call, gate, gate_with, held, issuer, jkt, jwk, key, other_key, proved, token, token_with,
};
use crate::kit::{Call, Gate, Signer, hs_issuer, payload, policy, table, with};
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A gate that looks for tokens everywhere.
fn everywhere() -> Gate {
    gate_with(json!({ "token": { "sources": [
        "authorization", { "cookie": "__Host-t" }, { "bearer_cookie": "__Host-b" },
        { "header": "X-Token" }, { "query": "t" }, { "scheme": "JWT" }, "websocket-protocol",
        { "subprotocol": "p." },
    ] } }))
}

/// The client's token in every place except `Authorization: DPoP`.
fn elsewhere(token: &str) -> Vec<(&'static str, Call)> {
    let get = |path: &str| Call::get(path).header("Sec-Fetch-Site", "same-origin");
    vec![
        ("Bearer", get("/api").bearer(token)),
        ("bearer in lower case", get("/api").header("Authorization", &format!("bearer {token}"))),
        ("another scheme", get("/api").header("Authorization", &format!("JWT {token}"))),
        ("a cookie", get("/api").header("Cookie", &format!("__Host-t={token}"))),
        (
            "a cookie with Bearer",
            get("/api").header("Cookie", &format!("__Host-b=Bearer%20{token}")),
        ),
        ("a header", get("/api").header("X-Token", token)),
        ("the query", get(&format!("/api?t={token}"))),
        (
            "websocket-protocol",
            get("/api").header("Sec-WebSocket-Protocol", &format!("bearer, {token}")),
        ),
        ("a subprotocol", get("/api").header("Sec-WebSocket-Protocol", &format!("p.{token}"))),
        ("DPoP without a proof", call(token)),
    ]
}

#[test]
fn attack_42_a_bound_token_without_a_proof_is_rejected_from_every_source() {
    table(elsewhere(&token()).into_iter().map(|row| (row, "401 missing_proof")), |(_, call)| {
        everywhere().verdict(call)
    });
}

/// The sources themselves work: a token that is bound to nothing passes from each.
#[test]
fn a_token_without_cnf_remains_a_bearer_token() {
    let token = Signer::hs256().signed(payload(&[]));
    for (name, call) in elsewhere(&token) {
        let verdict = everywhere().verdict(&call);
        if name == "DPoP without a proof" {
            assert_eq!(verdict, "401 invalid_proof");
        } else {
            assert_eq!(verdict, "200", "{name}");
        }
    }
}

#[test]
fn attack_42_another_keys_proof_does_not_help() {
    let proof = Proof::of(&other_key(), &token()).text();
    for (name, call) in elsewhere(&token()) {
        let is_bearer = matches!(name, "Bearer" | "bearer in lower case" | "another scheme");
        let code = if is_bearer { "401 missing_proof" } else { "401 invalid_proof" };
        assert_eq!(everywhere().verdict(&call.header("DPoP", &proof)), code, "{name}");
    }
}

/// RFC 9449 section 7.1: `Authorization: DPoP`, and not `Bearer`. Other sources have no scheme.
#[test]
fn rfc9449_section_7_1_a_bound_token_with_its_proof_is_accepted_unless_sent_as_bearer_token() {
    let proof = Proof::new().text();
    for (name, call) in elsewhere(&token()) {
        let is_bearer = matches!(name, "Bearer" | "bearer in lower case" | "another scheme");
        let verdict = if is_bearer { "401 missing_proof" } else { "200" };
        assert_eq!(everywhere().verdict(&call.header("DPoP", &proof)), verdict, "{name}");
    }
}

/// Whichever way a bound token is misused, the response is the same.
#[test]
fn attack_42_all_responses_to_misused_bound_tokens_are_equal() {
    let gate = everywhere();
    let own = Proof::new();
    let mut calls: Vec<Call> = elsewhere(&token()).into_iter().map(|(_, call)| call).collect();
    let other = Proof::of(&other_key(), &token()).text();
    calls.extend(elsewhere(&token()).into_iter().map(|(_, call)| call.header("DPoP", &other)));
    calls.push(proved(&own.clone().claim("htm", "PUT").text()));
    calls.push(proved(&own.clone().claim("iat", 1).text()));
    calls.push(proved("x"));
    assert_eq!(gate.verdict(&proved(&own.text())), "200");
    calls.push(proved(&own.text()));
    let responses: Vec<_> = calls.iter().map(|call| gate.response(call)).collect();
    for (call, response) in calls.iter().zip(&responses) {
        assert_eq!(response, &responses[0], "{call:?}");
    }
    assert_eq!(responses[0].status, 401);
}

#[test]
fn rfc7800_section_3_1_rejects_confirmations_that_it_cannot_check() {
    let good = jkt(&jwk(&key()));
    let rows = [
        json!({}),
        json!(null),
        json!(true),
        json!("x"),
        json!(["jkt"]),
        json!({ "jkt": null }),
        json!({ "jkt": 17 }),
        json!({ "jkt": "" }),
        json!({ "jkt": [good] }),
        json!({ "jkt": format!("{good}=") }),
        json!({ "jkt": &good[..42] }),
        json!({ "jkt": format!("{good}A") }),
        json!({ "jkt": good, "kid": "k" }),
        json!({ "jkt": good, "x5t#S256": null }),
        json!({ "jkt": good, "x5t#S256": "" }),
        json!({ "jkt": good, "osc": {} }),
        json!({ "x5t": good }),
        json!({ "x5t#S512": good }),
        json!({ "jwk": jwk(&key()) }),
        json!({ "jwe": "x" }),
        json!({ "jku": "https://evil.example" }),
        json!({ "kid": "k" }),
        json!({ "JKT": good }),
    ];
    table(rows.map(|cnf| (cnf, "401 invalid_claim")), |cnf| {
        let token = token_with(cnf);
        let proof = Proof::of(&key(), &token).text();
        gate().verdict(&call(&token).header("DPoP", &proof))
    });
}

#[test]
fn an_issuer_refuses_or_requires_bound_tokens_as_the_policy_says() {
    let verdicts = |kind: Option<&str>| {
        let issuer = kind.map_or_else(hs_issuer, issuer);
        // Another issuer makes the gate read `Authorization: DPoP`.
        let other = with(
            hs_issuer(),
            json!({ "name": "o", "issuer": "https://o", "sender_constrained": "accepted" }),
        );
        let raw = with(policy(issuer.clone()), json!({ "issuers": [issuer, other] }));
        let gate = Gate::bound(&raw, &held());
        let unbound = Signer::hs256().signed(payload(&[]));
        [
            gate.verdict(&proved(&Proof::new().text())),
            gate.verdict(&Call::get("/api").bearer(&token())),
            gate.verdict(&Call::get("/api").bearer(&unbound)),
            gate.verdict(&call(&unbound).header("DPoP", &Proof::of(&key(), &unbound).text())),
        ]
    };
    let refused = ["401 invalid_claim", "401 invalid_claim", "200", "401 invalid_proof"];
    assert_eq!(verdicts(None), refused);
    assert_eq!(verdicts(Some("refused")), refused);
    let accepted = ["200", "401 missing_proof", "200", "401 invalid_proof"];
    assert_eq!(verdicts(Some("accepted")), accepted);
    let required = ["200", "401 missing_proof", "401 missing_claim", "401 missing_claim"];
    assert_eq!(verdicts(Some("required")), required);
}

/// A policy that accepts no bound tokens does not know the scheme.
#[test]
fn without_bound_tokens_the_scheme_dpop_counts_as_no_token() {
    let gate = Gate::new(&policy(hs_issuer()));
    assert_eq!(gate.verdict(&proved(&Proof::new().text())), "401 missing_token");
}

#[test]
fn a_request_with_both_schemes_has_two_tokens() {
    let call = Call::get("/api")
        .header("Authorization", &format!("DPoP {}", token()))
        .header("Authorization", &format!("Bearer {}", token()));
    assert_eq!(gate().verdict(&call.header("DPoP", &Proof::new().text())), "400 multiple_tokens");
}

/// The origin gets the proof only if it gets the token.
#[test]
fn the_proof_is_removed_with_the_token() {
    let kept = gate().ask(&proved(&Proof::new().text())).unwrap();
    assert!(kept.removed.is_empty(), "{:?}", kept.removed);
    let strip = gate_with(json!({ "forward": { "authorization": "strip" } }));
    let stripped = strip.ask(&proved(&Proof::new().text())).unwrap();
    assert_eq!(stripped.removed, ["Authorization", "DPoP"]);
    let bearer = Signer::hs256().signed(payload(&[]));
    let sent = strip.ask(&Call::get("/api").bearer(&bearer).header("dpop", "x")).unwrap();
    assert_eq!(sent.removed, ["Authorization", "dpop"]);
}

/// Report mode forwards a request with a misused token as anonymous, like any other refusal.
#[test]
fn report_mode_excuses_a_missing_proof() {
    let gate = gate_with(json!({ "routes": [{ "path": "/*", "mode": "report" }] }));
    let sent = gate.ask(&Call::get("/api").bearer(&token())).unwrap();
    assert_eq!(sent.reported.as_deref(), Some("missing_proof"));
    assert!(sent.anonymous);
}

/// A token in the cache of identities still needs a proof for every request.
#[test]
fn attack_35_a_cached_token_needs_a_proof_for_every_request() {
    let gate = gate();
    for round in 0..4 {
        let proof = Proof::new().claim("jti", round.to_string()).text();
        let (trace, sent) = gate.trace(&proved(&proof), crate::kit::now());
        assert!(sent.is_ok());
        assert_eq!(trace.is_cached, round > 0);
        assert_eq!(gate.verdict(&call(&token())), "401 missing_proof");
        assert_eq!(gate.verdict(&proved(&proof)), "401 proof_replayed");
    }
}

/// Sizes and shapes of values that would crash a careless parser.
#[test]
fn odd_values_of_the_header_are_rejected() {
    let odd: [&str; 6] = ["\u{fffd}", "....", "é.é.é", "\0", "{}", &"a.".repeat(2000)];
    for value in odd {
        assert_eq!(gate().verdict(&proved(value)), "401 invalid_proof", "{value}");
    }
}
