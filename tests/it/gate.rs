//! The whole gate: the order of its steps, and that it fails closed if anything is wrong.

use crate::kit::{
    Call, Gate, Held, Signer, faults, hs_issuer, now, payload, policy, rs_issuer, table, with,
};
use portcullis::gate::warm_up;
use portcullis::policy::Policy;
use portcullis::refusal::Code;
use portcullis::time::UnixSeconds;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn gate() -> Gate {
    let mut raw = policy(hs_issuer());
    raw["routes"] = json!([
        { "path": "/public/*", "access": "public" },
        { "path": "/optional/*", "access": "optional" },
        { "path": "/admin/*", "methods": ["POST"], "scopes": ["admin"], "roles": ["root"] },
        { "path": "/api/*" },
    ]);
    Gate::new(&raw)
}

/// Each request passes one step more than the request before it.
#[test]
fn reports_the_first_step_that_a_request_fails() {
    let gate = gate();
    let sign = |changes: &[(&str, &str)]| Signer::hs256().signed(payload(changes));
    let attacker = Signer::hmac(256, crate::kit::keys::OTHER_SECRET);
    let expired = [("exp", "1")];
    let lacking = sign(&[("scope", r#""read""#)]);
    let no_role = sign(&[("scope", r#""admin""#)]);
    let good = sign(&[("scope", r#""admin""#), ("roles", r#"["root"]"#)]);
    let two = |call: Call| call.bearer("a").bearer("b");
    let rows = [
        (two(Call::get("/admin//")), "400 ambiguous_path"),
        (two(Call::get("/nowhere")), "404 no_route"),
        (two(Call::get("/admin")), "405 method_not_allowed"),
        (two(Call::new("POST", "/admin")), "400 multiple_tokens"),
        (Call::new("POST", "/admin"), "401 missing_token"),
        (Call::new("POST", "/admin").bearer("x"), "401 malformed_token"),
        (
            Call::new("POST", "/admin").bearer(&attacker.signed(payload(&expired))),
            "401 bad_signature",
        ),
        (Call::new("POST", "/admin").bearer(&sign(&expired)), "401 expired"),
        (Call::new("POST", "/admin").bearer(&lacking), "403 insufficient_scope"),
        (Call::new("POST", "/admin").bearer(&no_role), "403 claim_not_allowed"),
        (Call::new("POST", "/admin").bearer(&good), "200"),
    ];
    table(rows, |call| gate.verdict(call));
}

#[test]
fn the_trace_records_the_steps_that_a_request_reached() {
    let gate = gate();
    let good = Signer::hs256().signed(payload(&[]));
    let forged = Signer::hmac(256, crate::kit::keys::OTHER_SECRET).signed(payload(&[]));
    let expired = Signer::hs256().signed(payload(&[("exp", "1")]));
    let calls = [
        (Call::get("/nowhere"), [false; 4]),
        (Call::get("/api"), [true, false, false, false]),
        (Call::get("/api").bearer("x"), [true, false, false, false]),
        (Call::get("/api").bearer(&forged), [true, true, true, false]),
        (Call::get("/api").bearer(&expired), [true; 4]),
        (Call::get("/api").bearer(&good), [true; 4]),
        (Call::get("/public").bearer(&good), [true, false, false, false]),
        (Call::get("/optional"), [true, false, false, false]),
    ];
    table(calls, |call| {
        let trace = gate.trace(call, now()).0;
        [
            trace.route.is_some(),
            trace.algorithm.is_some(),
            trace.issuer.is_some(),
            trace.key.is_some(),
        ]
    });
}

#[test]
fn the_verdict_depends_on_the_given_time() {
    let gate = gate();
    let call = Call::get("/api").bearer(&Signer::hs256().signed(payload(&[("nbf", "1800000000")])));
    let code = |at| match gate.trace(&call, UnixSeconds::new(at)).1 {
        Ok(_) => "200".to_owned(),
        Err(refusal) => refusal.code().to_string(),
    };
    let rows = [
        (0, "not_yet_valid"),
        (1_799_999_999, "not_yet_valid"),
        (1_800_000_000, "200"),
        (1_800_086_399, "200"),
        (1_800_086_400, "expired"),
        (i64::MAX, "expired"),
    ];
    table(rows, |at| code(*at));
}

#[test]
fn a_verdict_does_not_depend_on_earlier_requests() {
    let gate = gate();
    let good = Call::get("/api").bearer(&Signer::hs256().signed(payload(&[])));
    let forged = Signer::hmac(256, crate::kit::keys::OTHER_SECRET).signed(payload(&[]));
    let bad = [
        Call::get("/api").bearer(&forged),
        Call::get("/api").bearer("x"),
        Call::get("/api//"),
        Call::get("/api"),
    ];
    for bad in bad {
        let first = gate.verdict(&bad);
        assert_eq!(gate.verdict(&good), "200");
        assert_eq!(gate.verdict(&bad), first);
        assert_eq!(gate.verdict(&good), "200");
    }
}

#[test]
fn reports_the_route_and_whether_a_request_is_anonymous() {
    let gate = gate();
    let call = Call::get("/api/x").bearer(&Signer::hs256().signed(payload(&[])));
    let (trace, sent) = gate.trace(&call, now());
    assert_eq!(trace.route.unwrap().pattern().as_str(), "/api/*");
    assert!(!sent.unwrap().anonymous);
    for call in [Call::get("/public/x"), Call::get("/optional/x")] {
        assert!(gate.ask(&call).unwrap().anonymous);
    }
}

/// A made-up token must reach the signature check, or warming up would leave the slowest code cold.
#[test]
fn warming_up_rejects_a_made_up_token_of_every_issuer_with_keys_for_its_signature() {
    let remote = with(
        rs_issuer(),
        json!({
            "name": "remote",
            "issuer": "https://remote.example",
            "keys": { "jwks_uri": "https://remote.example/jwks" },
        }),
    );
    let mut raw = policy(hs_issuer());
    raw["issuers"] = json!([hs_issuer(), with(rs_issuer(), json!({ "name": "rs" })), remote]);
    raw["routes"] = json!([{ "path": "/a", "access": "public" }, { "path": "/b/{id}:run/*" }]);
    let policy = Policy::compile(&raw, &Held::usual()).outcome.unwrap();
    assert_eq!(warm_up(&policy), [Code::BadSignature; 2]);
}

#[test]
fn warming_up_judges_nothing_if_every_route_is_public() {
    let mut raw = policy(hs_issuer());
    raw["routes"] = json!([{ "path": "/*", "access": "public" }]);
    let policy = Policy::compile(&raw, &Held::usual()).outcome.unwrap();
    assert_eq!(warm_up(&policy), []);
}

/// Without a compiled policy, the gate cannot forward any request.
#[test]
fn a_policy_with_a_fault_does_not_compile() {
    let good = gate_policy();
    for (key, value) in [
        ("unknown", json!(1)),
        ("realm", json!("\"")),
        ("log", json!({ "decisions": "?" })),
        ("origin_timeout", json!(-1)),
    ] {
        let raw = with(good.clone(), json!({ key: value }));
        assert!(!faults(&raw, &Held::usual()).is_empty());
        assert!(Policy::compile(&raw, &Held::usual()).outcome.is_err());
    }
    assert!(Policy::compile(&good, &Held::default()).outcome.is_err());
}

fn gate_policy() -> Value {
    with(policy(hs_issuer()), json!({ "routes": [{ "path": "/*", "access": "public" }] }))
}

/// Random requests without a valid token are admitted only on public and optional routes.
#[test]
fn no_request_makes_the_gate_panic() {
    const PIECES: [&str; 22] = [
        "/public",
        "/api",
        "/optional",
        "/admin",
        "/",
        "//",
        "..",
        "%2e",
        "?",
        "#",
        "\\",
        "Bearer ",
        "bearer",
        ", ",
        "e30",
        ".",
        "=",
        "\"",
        "\0",
        "é",
        "eyJhbGciOiJIUzI1NiJ9",
        " ",
    ];
    let gate = gate();
    let mut random = fastrand::Rng::with_seed(0x9a7e);
    let mut text = |most: usize| -> String {
        (0..random.usize(..most)).map(|_| PIECES[random.usize(..PIECES.len())]).collect()
    };
    for _ in 0..20_000 {
        let mut call = Call::new(["GET", "POST", "get"][text(3).len() % 3], &text(5));
        if text(2).is_empty() {
            call.url = text(6);
        }
        call = call.header("Authorization", &text(8)).header(&text(2), &text(2));
        if let (trace, Ok(sent)) = gate.trace(&call, now()) {
            assert!(sent.anonymous);
            let route = trace.route.unwrap().pattern().as_str();
            assert!(route.starts_with("/public") || route.starts_with("/optional"), "{call:?}");
        }
    }
}
