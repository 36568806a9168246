//! Report mode, and shadow mode with a candidate policy.

use crate::kit::{
    Call, Gate, Held, Sent, Signer, hs_issuer, keys, payload, policy, table, warnings, with,
};
use portcullis::shadow::Difference;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn raw(mode: &str) -> Value {
    let mut raw = policy(hs_issuer());
    raw["token"] =
        json!({ "sources": ["authorization", { "cookie": "__Host-t" }, { "query": "t" }] });
    raw["forward"] = json!({
        "claims": { "X-Subject": "/sub" },
        "payload": "X-Payload",
        "proof": { "secret": "HOP" },
    });
    raw["routes"] = json!([
        { "path": "/api/*", "mode": mode, "methods": ["GET", "POST"] },
        { "path": "/admin", "mode": mode, "scopes": ["admin"], "acr": ["gold"] },
        { "path": "/roles", "mode": mode, "roles": ["root"] },
        { "path": "/optional", "mode": mode, "access": "optional" },
        { "path": "/strict" },
    ]);
    raw
}

fn held() -> Held {
    Held::usual().value("HOP", "what-the-gate-and-its-origin-share-and-nobody-else")
}

fn gate(mode: &str) -> Gate {
    Gate::bound(&raw(mode), &held())
}

fn sign(changes: &[(&str, &str)]) -> String {
    Signer::hs256().signed(payload(changes))
}

fn forged() -> String {
    Signer::hmac(256, keys::OTHER_SECRET).signed(payload(&[]))
}

/// Checks that the gate sets no identity headers on a request that only report mode lets through.
fn assert_anonymous(sent: &Sent) {
    assert!(sent.anonymous);
    let names: Vec<_> = sent.set.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["X-Forwarded-Host", "X-Forwarded-Proto"]);
    assert!(sent.no_store);
}

#[test]
fn report_mode_forwards_requests_with_missing_invalid_or_insufficient_tokens() {
    let rows = [
        (Call::get("/api/x"), "missing_token"),
        (Call::get("/api/x").bearer("x"), "malformed_token"),
        (Call::get("/api/x").bearer(&forged()), "bad_signature"),
        (Call::get("/api/x").bearer(&sign(&[("exp", "1")])), "expired"),
        (Call::get("/api/x").bearer(&sign(&[("aud", "17")])), "invalid_claim"),
        (Call::get("/api/x").bearer(&sign(&[("iss", r#""https://z""#)])), "unknown_issuer"),
        (Call::get("/admin").bearer(&sign(&[])), "insufficient_scope"),
        (
            Call::get("/admin").bearer(&sign(&[("scope", r#""admin""#)])),
            "insufficient_user_authentication",
        ),
        (Call::get("/roles").bearer(&sign(&[])), "claim_not_allowed"),
        (Call::get("/optional").bearer(&forged()), "bad_signature"),
    ];
    let (reporting, enforcing) = (gate("report"), gate("enforce"));
    for (call, code) in rows {
        let sent = reporting.ask(&call).unwrap();
        assert_eq!(sent.reported.as_deref(), Some(code), "{call:?}");
        assert_anonymous(&sent);
        assert_eq!(enforcing.ask(&call).unwrap_err().code().as_str(), code);
    }
}

/// Report mode does not excuse a 400, 404, 405 or 5xx, or a cross-site request with a cookie. A
/// route in report mode does not change other routes.
#[test]
fn report_mode_still_refuses_malformed_and_cross_site_requests() {
    let gate = gate("report");
    let long = "x".repeat(20_000);
    let cookie = format!("__Host-t={}", sign(&[]));
    let rows = [
        (Call::get("/api//x"), "400 ambiguous_path"),
        (Call::get("/api/%2e%2e/x"), "400 ambiguous_path"),
        (Call::get("/api/x").bearer("a").bearer("b"), "400 multiple_tokens"),
        (Call::get("/api/x").header("Authorization", "Bearer"), "400 malformed_authorization"),
        (Call::get("/api/x").bearer(&long), "400 token_too_large"),
        (Call::get("/nowhere"), "404 no_route"),
        (Call::new("PUT", "/api/x"), "405 method_not_allowed"),
        (Call::new("POST", "/api/x").header("Cookie", &cookie), "403 cross_site"),
        (Call::get("/strict"), "401 missing_token"),
        (Call::get("/strict").bearer(&forged()), "401 bad_signature"),
    ];
    table(rows, |call| gate.verdict(call));
}

#[test]
fn report_mode_does_not_change_admitted_requests() {
    let gate = gate("report");
    let sent = gate.ask(&Call::get("/api/x").bearer(&sign(&[]))).unwrap();
    assert_eq!((sent.reported.as_deref(), sent.header("X-Subject")), (None, Some("u")));
    let sent = gate.ask(&Call::get("/optional")).unwrap();
    assert_eq!(sent.reported, None);
}

/// The token is always removed from the query, and from a header or cookie if the policy strips it.
#[test]
fn report_mode_removes_a_rejected_token_like_an_accepted_one() {
    let reporting = gate("report");
    let sent = reporting.ask(&Call::get(&format!("/api/x?a=b&t={}", forged()))).unwrap();
    assert_eq!(sent.url, "https://origin.example/api/x?a=b");
    let mut raw = raw("report");
    raw["forward"]["authorization"] = json!("strip");
    let stripping = Gate::bound(&raw, &held());
    let sent = stripping.ask(&Call::get("/api/x").bearer(&forged())).unwrap();
    assert_eq!(sent.removed, ["Authorization"]);
    let cookies = format!("a=b; __Host-t={}", forged());
    let sent = stripping.ask(&Call::get("/api/x").header("Cookie", &cookies)).unwrap();
    assert_eq!(sent.header("Cookie"), Some("a=b"));
}

#[test]
fn report_mode_of_an_issuer_applies_only_to_tokens_that_it_signed() {
    let new = with(
        hs_issuer(),
        json!({
            "name": "new", "issuer": "https://new", "mode": "report",
            "keys": { "secret": "OTHER_SECRET" },
        }),
    );
    let mut raw = policy(hs_issuer());
    raw["issuers"].as_array_mut().unwrap().push(new);
    raw["routes"] = json!([{ "path": "/*" }, { "path": "/old", "issuers": ["i"] }]);
    let gate = Gate::new(&raw);
    let of_new = [("iss", r#""https://new""#)];
    let good = Signer::hmac(256, keys::OTHER_SECRET).signed(payload(&of_new));
    let rows = [
        (Call::get("/").bearer(&good), Ok(None)),
        // The signature must verify under the issuer's keys. An `iss` alone proves nothing.
        (Call::get("/").bearer(&sign(&of_new)), Err("bad_signature")),
        (
            Call::get("/").bearer(
                &Signer::hmac(256, keys::OTHER_SECRET)
                    .signed(payload(&[("iss", r#""https://new""#), ("exp", "1")])),
            ),
            Ok(Some("expired")),
        ),
        // The token has no usable identity, and the issuer has signed it all the same.
        (
            Call::get("/").bearer(
                &Signer::hmac(256, keys::OTHER_SECRET)
                    .signed(payload(&[("iss", r#""https://new""#), ("aud", r#""other""#)])),
            ),
            Ok(Some("wrong_audience")),
        ),
        (
            Call::get("/").bearer(
                &Signer::hmac(256, keys::OTHER_SECRET)
                    .signed(payload(&[("iss", r#""https://new""#), ("sub", "17")])),
            ),
            Ok(Some("invalid_claim")),
        ),
        // Report mode does not apply to the other issuer's tokens or to requests without a token.
        (Call::get("/").bearer(&forged()), Err("bad_signature")),
        (Call::get("/"), Err("missing_token")),
        (Call::get("/").bearer("x"), Err("malformed_token")),
        // This route does not accept the issuer.
        (Call::get("/old").bearer(&good), Err("unknown_issuer")),
    ];
    for (call, expected) in rows {
        let actual = gate.ask(&call);
        let actual = match &actual {
            Ok(sent) => Ok(sent.reported.as_deref()),
            Err(refusal) => Err(refusal.code().as_str()),
        };
        assert_eq!(actual, expected, "{call:?}");
    }
    assert!(warnings(&raw, &Held::usual()).iter().any(|one| one.path == "issuers[1].mode"));
}

#[test]
fn reports_a_candidate_whose_verdict_code_or_identity_differs() {
    let base = raw("enforce");
    let candidate = |changes: Value| Gate::bound(&with(base.clone(), changes), &held());
    let enforced = Gate::bound(&base, &held());
    let reporting = gate("report");
    let public = candidate(json!({ "routes": [{ "path": "/*", "access": "public" }] }));
    let header = candidate(json!({ "forward": { "claims": { "X-Other": "/sub" } } }));
    let audience = candidate(json!({ "issuers": [with(hs_issuer(), json!({ "audience": "b" }))] }));
    let good = || Call::get("/api/x").bearer(&sign(&[]));
    let bad = || Call::get("/api/x").bearer(&forged());
    let row = |enforced: &str, candidate: &str, identity: bool| {
        let (enforced, candidate) = (enforced.to_owned(), candidate.to_owned());
        Some(Difference { enforced, candidate, identity })
    };
    let rows = [
        (&enforced, good(), None),
        (&enforced, bad(), None),
        (&reporting, good(), None),
        (&reporting, bad(), row("refused: bad_signature", "reported: bad_signature", false)),
        (&public, good(), row("admitted", "admitted", true)),
        (&public, bad(), row("refused: bad_signature", "admitted", false)),
        (&header, good(), row("admitted", "admitted", true)),
        (&header, Call::get("/optional"), None),
        (&audience, good(), row("admitted", "refused: wrong_audience", false)),
        (&audience, Call::get("/api/x"), None),
        (&public, Call::get("/nowhere"), row("refused: no_route", "admitted", false)),
    ];
    for (candidate, call, expected) in rows {
        let difference = Difference::between(&enforced.decision(&call), &candidate.decision(&call));
        assert_eq!(difference, expected, "{call:?}");
    }
}
