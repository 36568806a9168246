//! Step-up authentication (RFC 9470).

use crate::kit::{Call, Gate, Signer, answered, hs_issuer, payload, policy, table, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ADMITTED: &str = "200";
const STEP_UP: &str = "401 insufficient_user_authentication";
const INVALID: &str = "401 invalid_claim";

fn gate(route: Value) -> Gate {
    let mut raw = policy(with(hs_issuer(), json!({ "leeway": 5 })));
    raw["routes"] = json!([with(json!({ "path": "/*" }), route)]);
    Gate::new(&raw)
}

/// Checks the verdict on a token with each raw JSON value of this claim. An empty value omits the
/// claim.
fn check<'r>(route: Value, name: &str, rows: impl IntoIterator<Item = (&'r str, &'r str)>) {
    let gate = gate(route);
    table(rows, |raw| gate.token(&Signer::hs256().signed(payload(&[(name, raw)]))));
}

#[test]
fn rfc9470_section_3_requires_a_listed_acr() {
    check(
        json!({ "acr": ["urn:mfa", "gold"] }),
        "acr",
        [
            (r#""urn:mfa""#, ADMITTED),
            (r#""gold""#, ADMITTED),
            (r#""silver""#, STEP_UP),
            (r#""GOLD""#, STEP_UP),
            (r#""gold ""#, STEP_UP),
            (r#""urn:mfa gold""#, STEP_UP),
            (r#""""#, STEP_UP),
            ("", STEP_UP),
            (r#"["gold"]"#, STEP_UP),
            ("null", STEP_UP),
            ("2", STEP_UP),
        ],
    );
}

#[test]
fn rfc9470_section_3_requires_a_recent_auth_time() {
    check(
        json!({ "max_auth_age": 300 }),
        "auth_time",
        [
            ("1800000000", ADMITTED),
            ("1799999700", ADMITTED),
            // The leeway is five seconds. Exactly five seconds too old is rejected.
            ("1799999696", ADMITTED),
            ("1799999695", STEP_UP),
            ("1799999695.5", ADMITTED),
            ("0", STEP_UP),
            ("-1", STEP_UP),
            ("", STEP_UP),
            ("1800000005", ADMITTED),
            ("1800000006", STEP_UP),
            ("9007199254740991", STEP_UP),
            (r#""1800000000""#, INVALID),
            ("null", INVALID),
            ("1e300", INVALID),
        ],
    );
    // Without `max_auth_age`, any number is accepted, and the claim may be absent.
    check(json!({}), "auth_time", [("0", ADMITTED), ("", ADMITTED), (r#""0""#, INVALID)]);
}

#[test]
fn rfc9470_section_3_the_challenge_contains_the_required_acr_and_max_age() {
    let start = "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
                 error_description=\"A different authentication level is required\"";
    let rows = [
        (json!({ "acr": ["urn:mfa", "gold"] }), r#", acr_values="urn:mfa gold""#),
        (json!({ "max_auth_age": 300 }), r#", max_age="300""#),
        (json!({ "acr": ["gold"], "max_auth_age": 60 }), r#", acr_values="gold", max_age="60""#),
    ];
    for (route, rest) in rows {
        let gate = gate(route);
        let call = Call::get("/").bearer(&Signer::hs256().signed(payload(&[])));
        let answer = gate.response(&call);
        assert_eq!(answer.status, 401);
        assert_eq!(answered(&answer, "WWW-Authenticate"), Some(format!("{start}{rest}").as_str()));
        // A request without a valid token gets the ordinary challenge.
        for call in [Call::get("/"), Call::get("/").bearer("x")] {
            let answer = gate.response(&call);
            assert!(!answered(&answer, "WWW-Authenticate").unwrap().contains("acr_values"));
        }
    }
}

/// Otherwise users would sign in again only to be denied.
#[test]
fn other_requirements_are_checked_before_step_up() {
    let gate = gate(json!({ "acr": ["gold"], "scopes": ["admin"], "roles": ["root"] }));
    let rows: [(&[(&str, &str)], &str); 4] = [
        (&[], "403 insufficient_scope"),
        (&[("scope", r#""admin""#)], "403 claim_not_allowed"),
        (&[("scope", r#""admin""#), ("roles", r#""root""#)], STEP_UP),
        (&[("scope", r#""admin""#), ("roles", r#""root""#), ("acr", r#""gold""#)], ADMITTED),
    ];
    table(rows, |members| gate.token(&Signer::hs256().signed(payload(members))));
}

#[test]
fn an_optional_route_requires_step_up_only_of_requests_with_a_token() {
    let gate = gate(json!({ "access": "optional", "acr": ["gold"] }));
    assert_eq!(gate.verdict(&Call::get("/")), ADMITTED);
    assert_eq!(gate.token(&Signer::hs256().signed(payload(&[]))), STEP_UP);
}
