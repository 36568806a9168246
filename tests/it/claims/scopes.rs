//! Attack 21: scopes and roles.

use super::ADMITTED;
use crate::kit::{Call, Gate, Signer, hs_issuer, payload, policy, table, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const LACKING: &str = "403 insufficient_scope";
const NOT_ALLOWED: &str = "403 claim_not_allowed";

/// A gate with a single route that has these requirements, and with these settings of its issuer.
fn gate(route: Value, issuer: Value) -> Gate {
    let mut raw = policy(with(hs_issuer(), issuer));
    raw["routes"] = json!([with(json!({ "path": "/*" }), route)]);
    Gate::new(&raw)
}

fn check<'r>(gate: &Gate, claim: &str, rows: impl IntoIterator<Item = (&'r str, &'r str)>) {
    table(rows, |raw| gate.token(&Signer::hs256().signed(payload(&[(claim, raw)]))));
}

#[test]
fn attack_21_matches_whole_scopes() {
    let rows = [
        (r#""read""#, ADMITTED),
        (r#""read write""#, ADMITTED),
        (r#""write read""#, ADMITTED),
        (r#""read read""#, ADMITTED),
        (r#"["read"]"#, ADMITTED),
        (r#"["write","read"]"#, ADMITTED),
        ("", LACKING),
        ("null", LACKING),
        (r#""""#, LACKING),
        ("[]", LACKING),
        (r#""readwrite""#, LACKING),
        (r#""read:all""#, LACKING),
        (r#""rea""#, LACKING),
        (r#""READ""#, LACKING),
        (r#""read,write""#, LACKING),
        (r#""write""#, LACKING),
        (r#"["read:all"]"#, LACKING),
        (r#"["write"]"#, LACKING),
        // RFC 6749 section 3.3 allows only scope-tokens that are separated by single spaces.
        (r#""write  read""#, LACKING),
        (r#"" read""#, LACKING),
        (r#""read ""#, LACKING),
        (r#"" ""#, LACKING),
        (r#""write\tread""#, LACKING),
        (r#""write\nread""#, LACKING),
        (r#""write\u00a0read""#, LACKING),
        (r#""write\u0000read""#, LACKING),
        (r#""read \"x\"""#, LACKING),
        (r#""read \\x""#, LACKING),
        (r#""read é""#, LACKING),
        (r#"["read write"]"#, LACKING),
        (r#"["write","read "]"#, LACKING),
        (r#"["read",""]"#, LACKING),
        (r#"["read",1]"#, LACKING),
        (r#"["read",null]"#, LACKING),
        (r#"["read",["write"]]"#, LACKING),
        (r#"{"read":true}"#, LACKING),
        ("true", LACKING),
        ("1", LACKING),
    ];
    let gate = gate(json!({ "scopes": ["read"] }), json!({}));
    check(&gate, "scope", rows);
    check(&gate, "scp", rows);
}

#[test]
fn attack_21_rejects_scope_and_scp_that_disagree() {
    let gate = gate(json!({ "scopes": ["read"] }), json!({}));
    let rows = [
        ((r#""read write""#, r#"["read","write"]"#), ADMITTED),
        ((r#""read write""#, r#"["write","read"]"#), ADMITTED),
        ((r#""read""#, r#""read""#), ADMITTED),
        ((r#""read""#, r#"["read","write"]"#), LACKING),
        ((r#""read write""#, r#"["read"]"#), LACKING),
        ((r#""read""#, "[]"), LACKING),
        ((r#""""#, r#"["read"]"#), LACKING),
        ((r#""write""#, r#"["read"]"#), LACKING),
        ((r#""read""#, "null"), ADMITTED),
        (("null", r#""read""#), ADMITTED),
        ((r#""read""#, "17"), LACKING),
        (("17", r#"["read"]"#), LACKING),
    ];
    table(rows, |(scope, scp)| {
        gate.token(&Signer::hs256().signed(payload(&[("scope", scope), ("scp", scp)])))
    });
}

/// If no rule reads the scopes, their type and syntax are not checked.
#[test]
fn attack_21_ignores_scopes_that_no_rule_reads() {
    let gate = gate(json!({}), json!({}));
    check(&gate, "scope", [("17", ADMITTED), (r#"" ""#, ADMITTED), ("null", ADMITTED)]);
}

#[test]
fn requires_all_of_scopes_and_one_of_any_scope() {
    let gate = gate(json!({ "scopes": ["a", "b"], "any_scope": ["x", "y"] }), json!({}));
    check(
        &gate,
        "scope",
        [
            (r#""a b x""#, ADMITTED),
            (r#""y b a""#, ADMITTED),
            (r#""a b""#, LACKING),
            (r#""a x""#, LACKING),
            (r#""x y""#, LACKING),
        ],
    );
    let token = Signer::hs256().signed(payload(&[("scope", r#""a""#)]));
    let answer = gate.response(&Call::get("/").bearer(&token));
    let challenge = answer.headers.iter().find(|(name, _)| *name == "WWW-Authenticate").unwrap();
    assert!(challenge.1.ends_with(r#", scope="a b x y""#), "{}", challenge.1);
}

#[test]
fn reads_scopes_from_the_configured_claim() {
    let gate = |place: &str| gate(json!({ "scopes": ["read"] }), json!({ "scopes_claim": place }));
    check(
        &gate("permissions"),
        "permissions",
        [
            (r#"["read"]"#, ADMITTED),
            (r#""read""#, ADMITTED),
            (r#"["readx"]"#, LACKING),
            ("", LACKING),
            ("17", LACKING),
        ],
    );
    check(
        &gate("/a/b"),
        "a",
        [
            (r#"{"b":"read"}"#, ADMITTED),
            (r#"{"b":["read"]}"#, ADMITTED),
            (r#"{"c":"read"}"#, LACKING),
            (r#""read""#, LACKING),
            ("[]", LACKING),
        ],
    );
    // The default claims are then not read.
    check(&gate("permissions"), "scope", [(r#""read""#, LACKING)]);
    // RFC 6901 section 3: ~1 stands for a slash and ~0 for a tilde.
    check(&gate("/https:~1~1x.example~1s~0"), "https://x.example/s~", [(r#""read""#, ADMITTED)]);
    check(&gate("https://x.example/s"), "https://x.example/s", [(r#""read""#, ADMITTED)]);
}

#[test]
fn attack_21_matches_whole_roles() {
    let rows = [
        (r#""admin""#, ADMITTED),
        (r#"["admin"]"#, ADMITTED),
        (r#"["x","admin"]"#, ADMITTED),
        (r#"["x y","admin"]"#, ADMITTED),
        ("", NOT_ALLOWED),
        ("null", NOT_ALLOWED),
        ("[]", NOT_ALLOWED),
        (r#""""#, NOT_ALLOWED),
        (r#""admin user""#, NOT_ALLOWED),
        (r#""administrator""#, NOT_ALLOWED),
        (r#""Admin""#, NOT_ALLOWED),
        (r#"["Admin"]"#, NOT_ALLOWED),
        // A number in the list of roles once made a gateway panic.
        (r#"["admin",1]"#, NOT_ALLOWED),
        (r#"[1,"admin"]"#, NOT_ALLOWED),
        (r#"["admin",null]"#, NOT_ALLOWED),
        (r#"[["admin"]]"#, NOT_ALLOWED),
        (r#"{"admin":true}"#, NOT_ALLOWED),
        ("1", NOT_ALLOWED),
    ];
    check(&gate(json!({ "roles": ["admin"] }), json!({})), "roles", rows);
    check(&gate(json!({ "any_role": ["admin", "root"] }), json!({})), "roles", rows);
    let all = gate(json!({ "roles": ["a", "b"], "any_role": ["x", "y"] }), json!({}));
    check(
        &all,
        "roles",
        [
            (r#"["a","b","y"]"#, ADMITTED),
            (r#"["a","b"]"#, NOT_ALLOWED),
            (r#"["a","x"]"#, NOT_ALLOWED),
        ],
    );
}

#[test]
fn reads_roles_from_the_configured_claim() {
    let place = json!({ "roles_claim": "/realm_access/roles" });
    let gate = gate(json!({ "roles": ["admin"] }), place);
    check(
        &gate,
        "realm_access",
        [
            (r#"{"roles":["admin"]}"#, ADMITTED),
            (r#"{"roles":["user"]}"#, NOT_ALLOWED),
            (r#"{"roles":[17]}"#, NOT_ALLOWED),
            (r#"{"roles":null}"#, NOT_ALLOWED),
            (r#"{"Roles":["admin"]}"#, NOT_ALLOWED),
            (r#"["admin"]"#, NOT_ALLOWED),
            ("", NOT_ALLOWED),
        ],
    );
    // Zitadel: https://zitadel.com/docs/guides/integrate/retrieve-user-roles
    check(
        &gate,
        "realm_access",
        [
            (r#"{"roles":{"admin":{"1":"a.example"},"user":{}}}"#, ADMITTED),
            (r#"{"roles":{"user":{"admin":"a.example"}}}"#, NOT_ALLOWED),
            (r#"{"roles":{}}"#, NOT_ALLOWED),
            // A member that is not an object may as well say that the user lacks the role.
            (r#"{"roles":{"admin":false}}"#, NOT_ALLOWED),
            (r#"{"roles":{"admin":true}}"#, NOT_ALLOWED),
            (r#"{"roles":{"admin":null}}"#, NOT_ALLOWED),
            (r#"{"roles":{"admin":{},"user":false}}"#, NOT_ALLOWED),
        ],
    );
    check(&gate, "roles", [(r#"["admin"]"#, NOT_ALLOWED)]);
}
