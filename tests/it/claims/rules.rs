//! Rules for single claims, of routes and of issuers.

use super::{ADMITTED, INVALID, MISSING};
use crate::kit::{
    Call, Gate, Held, Signer, assert_faults, hs_issuer, payload, policy, table, warnings, with,
};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOT_ALLOWED: &str = "403 claim_not_allowed";

/// Checks the verdict of a route with this rule on the base token with each raw value of the claim
/// `x`.
fn check<'r>(rule: Value, rows: impl IntoIterator<Item = (&'r str, &'r str)>) {
    let mut raw = policy(hs_issuer());
    raw["routes"] = json!([{ "path": "/*", "claims": [rule] }]);
    let gate = Gate::new(&raw);
    table(rows, |raw| gate.token(&Signer::hs256().signed(payload(&[("x", raw)]))));
}

#[test]
fn equals_matches_only_the_same_string() {
    for path in ["x", "/x"] {
        check(
            json!({ "path": path, "equals": "acme" }),
            [
                (r#""acme""#, ADMITTED),
                (r#""\u0061cme""#, ADMITTED),
                (r#""Acme""#, NOT_ALLOWED),
                (r#""acme ""#, NOT_ALLOWED),
                (r#""acme\u0000""#, NOT_ALLOWED),
                (r#""""#, NOT_ALLOWED),
                (r#"["acme"]"#, ADMITTED),
                (r#"["acme","acme"]"#, NOT_ALLOWED),
                (r#"["acme","other"]"#, NOT_ALLOWED),
                (r#"[["acme"]]"#, NOT_ALLOWED),
                ("[]", NOT_ALLOWED),
                (r#"{"acme":true}"#, NOT_ALLOWED),
                ("null", NOT_ALLOWED),
                ("true", NOT_ALLOWED),
                ("0", NOT_ALLOWED),
                ("", NOT_ALLOWED),
            ],
        );
    }
}

#[test]
fn equals_compares_numbers_by_value() {
    check(
        json!({ "path": "x", "equals": 7 }),
        [
            ("7", ADMITTED),
            ("7.0", ADMITTED),
            ("7e0", ADMITTED),
            ("0.7e1", ADMITTED),
            ("7.1", NOT_ALLOWED),
            ("-7", NOT_ALLOWED),
            ("70", NOT_ALLOWED),
            (r#""7""#, NOT_ALLOWED),
            ("true", NOT_ALLOWED),
            ("[7]", ADMITTED),
            ("[7,8]", NOT_ALLOWED),
            ("9007199254740991", NOT_ALLOWED),
            // Beyond 2^53 - 1, parsers that use doubles read different integers as the same number.
            ("9007199254740992", NOT_ALLOWED),
            ("9007199254740993", NOT_ALLOWED),
            ("-9007199254740993", NOT_ALLOWED),
            ("18446744073709551616", NOT_ALLOWED),
            ("1e300", NOT_ALLOWED),
        ],
    );
}

#[test]
fn equals_matches_only_the_same_boolean() {
    check(
        json!({ "path": "x", "equals": true }),
        [
            ("true", ADMITTED),
            ("false", NOT_ALLOWED),
            (r#""true""#, NOT_ALLOWED),
            ("1", NOT_ALLOWED),
            ("null", NOT_ALLOWED),
            ("", NOT_ALLOWED),
        ],
    );
    check(
        json!({ "path": "x", "equals": false }),
        [("false", ADMITTED), ("0", NOT_ALLOWED), ("null", NOT_ALLOWED), ("", NOT_ALLOWED)],
    );
}

#[test]
fn one_of_matches_any_listed_value() {
    check(
        json!({ "path": "x", "one_of": ["acme", 7, true] }),
        [
            (r#""acme""#, ADMITTED),
            ("7", ADMITTED),
            ("true", ADMITTED),
            (r#""Acme""#, NOT_ALLOWED),
            (r#""7""#, NOT_ALLOWED),
            ("8", NOT_ALLOWED),
            (r#"["acme"]"#, ADMITTED),
            (r#"["acme",7]"#, NOT_ALLOWED),
            ("null", NOT_ALLOWED),
            ("", NOT_ALLOWED),
            ("9007199254740993", NOT_ALLOWED),
        ],
    );
}

#[test]
fn contains_matches_only_whole_values() {
    check(
        json!({ "path": "/x", "contains": "ops" }),
        [
            (r#"["ops"]"#, ADMITTED),
            (r#"["dev","ops"]"#, ADMITTED),
            (r#"[1,null,"ops"]"#, ADMITTED),
            (r#"["devops"]"#, NOT_ALLOWED),
            (r#"["OPS"]"#, NOT_ALLOWED),
            (r#"[["ops"]]"#, NOT_ALLOWED),
            (r#"[{"ops":1}]"#, NOT_ALLOWED),
            ("[]", NOT_ALLOWED),
            (r#""ops""#, ADMITTED),
            // `contains` does not search strings or objects.
            (r#""dev ops""#, NOT_ALLOWED),
            (r#""ops ""#, NOT_ALLOWED),
            (r#"{"ops":true}"#, NOT_ALLOWED),
            ("null", NOT_ALLOWED),
            ("", NOT_ALLOWED),
        ],
    );
    check(
        json!({ "path": "/x", "contains": 7 }),
        [
            ("[1,7.0]", ADMITTED),
            ("7", ADMITTED),
            (r#"["7"]"#, NOT_ALLOWED),
            ("[9007199254740993]", NOT_ALLOWED),
            ("[7,9007199254740993]", NOT_ALLOWED),
        ],
    );
}

/// RFC 7519 section 4.1.3: an audience may be a string or a list of one, and providers change it.
#[test]
fn rfc7519_section_4_1_3_a_single_value_is_a_list_of_one_in_every_rule() {
    for rule in ["equals", "one_of", "contains"] {
        let expected = if rule == "one_of" { json!(["api"]) } else { json!("api") };
        let mut raw = policy(hs_issuer());
        raw["routes"] = json!([{ "path": "/*", "claims": [{ "path": "aud", rule: expected }] }]);
        let gate = Gate::new(&raw);
        for aud in [r#""api""#, r#"["api"]"#] {
            let token = Signer::hs256().signed(payload(&[("aud", aud)]));
            assert_eq!(gate.token(&token), ADMITTED, "{rule} {aud}");
        }
        let token = Signer::hs256().signed(payload(&[("aud", r#"["api","other"]"#)]));
        let verdict = if rule == "contains" { ADMITTED } else { NOT_ALLOWED };
        assert_eq!(gate.token(&token), verdict, "{rule}");
    }
}

#[test]
fn starts_with_compares_the_beginning_of_a_string() {
    check(
        json!({ "path": "x", "starts_with": "repo:acme/" }),
        [
            (r#""repo:acme/api:ref""#, ADMITTED),
            (r#""repo:acme/""#, ADMITTED),
            (r#"["repo:acme/api"]"#, ADMITTED),
            (r#""repo:acme""#, NOT_ALLOWED),
            (r#""repo:acme-evil/api""#, NOT_ALLOWED),
            (r#""Repo:acme/api""#, NOT_ALLOWED),
            (r#"" repo:acme/api""#, NOT_ALLOWED),
            (r#"["repo:acme/api","x"]"#, NOT_ALLOWED),
            (r#"{"repo:acme/":1}"#, NOT_ALLOWED),
            ("1", NOT_ALLOWED),
            ("null", NOT_ALLOWED),
            ("", NOT_ALLOWED),
        ],
    );
}

/// Some providers leave a claim out, such as `azp` for tokens that no browser asked for.
#[test]
fn if_present_admits_tokens_without_the_claim() {
    let rule = json!({ "path": "x", "one_of": ["https://app.example"], "if_present": true });
    let rows = [
        ("", ADMITTED),
        ("null", ADMITTED),
        (r#""https://app.example""#, ADMITTED),
        (r#""https://evil.example""#, NOT_ALLOWED),
        (r#""""#, NOT_ALLOWED),
        ("[]", NOT_ALLOWED),
        ("false", NOT_ALLOWED),
    ];
    check(rule, rows);
    let rule = json!({ "path": "/x/y", "equals": "a", "if_present": true });
    check(rule, [("", ADMITTED), ("{}", ADMITTED), (r#"{"y":"b"}"#, NOT_ALLOWED)]);
    let rule = json!({ "path": "x", "equals": "a", "if_present": false });
    check(rule, [("", NOT_ALLOWED), (r#""a""#, ADMITTED)]);
}

#[test]
fn rejects_malformed_conditions_and_warns_of_wildcards() {
    let raw = |rule: Value| {
        let mut raw = policy(hs_issuer());
        raw["routes"] = json!([{ "path": "/*", "claims": [rule] }]);
        raw
    };
    let place = "routes[0].claims[0]";
    for (rule, path, problem) in [
        (json!({ "path": "x", "starts_with": "" }), ".starts_with", "empty string"),
        (json!({ "path": "x", "starts_with": 1 }), ".starts_with", "not a string"),
        (json!({ "path": "x", "starts_with": "a", "equals": "a" }), "", "exactly one condition"),
        (json!({ "path": "x", "if_present": true }), "", "exactly one condition"),
        (json!({ "path": "x", "equals": "a", "if_present": 1 }), ".if_present", "true or false"),
    ] {
        let path = format!("{place}{path}");
        assert_faults(&raw(rule), &Held::usual(), &[(path.as_str(), problem)]);
    }
    for (key, value) in [
        ("equals", json!("repo:acme/*")),
        ("one_of", json!(["a", "https://*.example"])),
        ("contains", json!("*")),
        ("starts_with", json!("repo:*/")),
    ] {
        let found = warnings(&raw(json!({ "path": "x", key: value })), &Held::usual());
        let path = format!("{place}.{key}");
        assert!(found.len() == 1 && found[0].path == path, "{key}: {found:#?}");
        assert!(found[0].problem.contains("literally"), "{key}: {found:#?}");
    }
}

/// A path that starts with a slash is a JSON Pointer. Any other path is the name of a claim.
#[test]
fn rfc6901_a_path_with_a_leading_slash_is_a_json_pointer() {
    check(
        json!({ "path": "/x/groups/0/name", "equals": "a" }),
        [
            (r#"{"groups":[{"name":"a"},{"name":"b"}]}"#, ADMITTED),
            (r#"{"groups":[{"name":"b"},{"name":"a"}]}"#, NOT_ALLOWED),
            (r#"{"groups":{"0":{"name":"a"}}}"#, ADMITTED),
            (r#"{"groups":[]}"#, NOT_ALLOWED),
            (r#"{"groups":"a"}"#, NOT_ALLOWED),
            ("null", NOT_ALLOWED),
        ],
    );
    for path in
        ["/x/00", "/x/+0", "/x/-0", "/x/-", "/x/1", "/x/ 0", "/x/18446744073709551616", "/x/"]
    {
        check(json!({ "path": path, "equals": "a" }), [(r#"["a"]"#, NOT_ALLOWED)]);
    }
    check(json!({ "path": "/x/", "equals": "a" }), [(r#"{"":"a"}"#, ADMITTED)]);
    check(json!({ "path": "/x/~01", "equals": "a" }), [(r#"{"~1":"a"}"#, ADMITTED)]);
    check(json!({ "path": "x/y", "equals": "a" }), [(r#"{"y":"a"}"#, NOT_ALLOWED)]);
    check(json!({ "path": "x.y", "equals": "a" }), [(r#"{"y":"a"}"#, NOT_ALLOWED)]);
}

#[test]
fn every_rule_must_hold() {
    let mut raw = policy(hs_issuer());
    raw["routes"] = json!([{
        "path": "/*",
        "claims": [{ "path": "/a", "equals": 1 }, { "path": "/b", "contains": 2 }],
    }]);
    let gate = Gate::new(&raw);
    let rows = [
        (("1", "[2]"), ADMITTED),
        (("1", "[3]"), NOT_ALLOWED),
        (("0", "[2]"), NOT_ALLOWED),
        (("", "[2]"), NOT_ALLOWED),
        (("1", ""), NOT_ALLOWED),
    ];
    table(rows, |(a, b)| gate.token(&Signer::hs256().signed(payload(&[("a", a), ("b", b)]))));
}

/// An issuer's rules decide which tokens are valid at all, so a token that breaks one is rejected
/// with 401 on every route. A token that breaks a rule of a route is rejected with 403.
#[test]
fn a_token_that_breaks_a_rule_of_its_issuer_is_401() {
    let gate = Gate::new(&policy(with(
        hs_issuer(),
        json!({ "claims": [
            { "path": "/a", "equals": "access" },
            { "path": "b", "one_of": ["one", "two"] },
            { "path": "/c/d", "contains": 7 },
        ] }),
    )));
    let rows = [
        ((r#""access""#, r#""one""#, r#"{"d":[1,7]}"#), ADMITTED),
        ((r#""access""#, r#""two""#, r#"{"d":[7.0]}"#), ADMITTED),
        ((r#""id""#, r#""one""#, r#"{"d":[7]}"#), INVALID),
        ((r#"["access"]"#, r#"["one"]"#, r#"{"d":[7]}"#), ADMITTED),
        ((r#"["access","id"]"#, r#""one""#, r#"{"d":[7]}"#), INVALID),
        (("", r#""one""#, r#"{"d":[7]}"#), INVALID),
        ((r#""access""#, r#""three""#, r#"{"d":[7]}"#), INVALID),
        ((r#""access""#, r#"["one","two"]"#, r#"{"d":[7]}"#), INVALID),
        ((r#""access""#, "", r#"{"d":[7]}"#), INVALID),
        ((r#""access""#, r#""one""#, r#"{"d":7}"#), ADMITTED),
        ((r#""access""#, r#""one""#, r#"{"d":[9007199254740993]}"#), INVALID),
        ((r#""access""#, r#""one""#, ""), INVALID),
    ];
    table(rows, |(a, b, c)| {
        gate.token(&Signer::hs256().signed(payload(&[("a", a), ("b", b), ("c", c)])))
    });
}

#[test]
fn rejects_tokens_without_a_required_claim() {
    let gate = |names: Value| Gate::new(&policy(with(hs_issuer(), json!({ "require": names }))));
    let rows = [
        (r#""y""#, ADMITTED),
        ("0", ADMITTED),
        ("false", ADMITTED),
        (r#""""#, ADMITTED),
        ("[]", ADMITTED),
        ("null", MISSING),
        ("", MISSING),
    ];
    for names in [json!(["x"]), json!(["/x"]), json!(["sub", "x"])] {
        let gate = gate(names);
        table(rows, |raw| gate.token(&Signer::hs256().signed(payload(&[("x", raw)]))));
    }
    let gate = gate(json!(["/x/y/1"]));
    let rows = [
        (r#"{"y":[0,1]}"#, ADMITTED),
        (r#"{"y":[0,null]}"#, MISSING),
        (r#"{"y":[0]}"#, MISSING),
        (r#""y""#, MISSING),
    ];
    table(rows, |raw| gate.token(&Signer::hs256().signed(payload(&[("x", raw)]))));
}

#[test]
fn a_refusal_names_the_rule_the_claim_the_scope_or_the_role() {
    let because = |issuer: Value, route: Value| {
        let mut raw = policy(with(hs_issuer(), issuer));
        raw["routes"] = json!([with(json!({ "path": "/*" }), route)]);
        let call = Call::get("/").bearer(&Signer::hs256().signed(payload(&[])));
        Gate::new(&raw).ask(&call).unwrap_err().because().to_owned()
    };
    let rule = |path: &str| json!({ "claims": [{ "path": path, "equals": "x" }] });
    let none = || json!({});
    let rows = [
        (because(json!({ "require": ["sub", "/a/b", "c"] }), none()), ": /a/b"),
        (because(rule("token_use"), none()), "a claim rule of the issuer does not hold: token_use"),
        (because(none(), rule("/tenant")), "a claim rule of the route does not hold: /tenant"),
        (because(none(), json!({ "scopes": ["a"], "any_scope": ["b", "c"] })), ": a, b, c"),
        (because(none(), json!({ "roles": ["admin"] })), ": admin"),
    ];
    for (because, end) in rows {
        assert!(because.ends_with(end), "{because}");
    }
}
