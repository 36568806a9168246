//! Rules for single claims: of a route, and those that an issuer requires.

use super::{ADMITTED, INVALID, MISSING};
use crate::kit::{Gate, Signer, hs_issuer, payload, policy, table, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOT_ALLOWED: &str = "403 claim_not_allowed";

/// The verdicts of a route with one rule, on the claim `x` of the base token.
fn check<'r>(rule: Value, rows: impl IntoIterator<Item = (&'r str, &'r str)>) {
    let mut raw = policy(hs_issuer());
    raw["routes"] = json!([{ "path": "/*", "claims": [rule] }]);
    let gate = Gate::new(&raw);
    table(rows, |raw| gate.token(&Signer::hs256().signed(payload(&[("x", raw)]))));
}

#[test]
fn a_claim_that_equals_a_text() {
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
                (r#"["acme"]"#, NOT_ALLOWED),
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
fn a_claim_that_equals_a_number() {
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
            ("[7]", NOT_ALLOWED),
            ("9007199254740991", NOT_ALLOWED),
            // Beyond 2^53 - 1 two identities would become one.
            ("9007199254740992", INVALID),
            ("9007199254740993", INVALID),
            ("-9007199254740993", INVALID),
            ("18446744073709551616", INVALID),
            ("1e300", INVALID),
        ],
    );
}

#[test]
fn a_claim_that_equals_a_truth() {
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
fn a_claim_that_equals_one_of_several() {
    check(
        json!({ "path": "x", "one_of": ["acme", 7, true] }),
        [
            (r#""acme""#, ADMITTED),
            ("7", ADMITTED),
            ("true", ADMITTED),
            (r#""Acme""#, NOT_ALLOWED),
            (r#""7""#, NOT_ALLOWED),
            ("8", NOT_ALLOWED),
            (r#"["acme"]"#, NOT_ALLOWED),
            ("null", NOT_ALLOWED),
            ("", NOT_ALLOWED),
            ("9007199254740993", INVALID),
        ],
    );
}

#[test]
fn an_array_that_contains_a_text() {
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
            // A text holds nothing: a part of it is no member.
            (r#""ops""#, NOT_ALLOWED),
            (r#""dev ops""#, NOT_ALLOWED),
            (r#"{"ops":true}"#, NOT_ALLOWED),
            ("null", NOT_ALLOWED),
            ("", NOT_ALLOWED),
        ],
    );
    check(
        json!({ "path": "/x", "contains": 7 }),
        [
            ("[1,7.0]", ADMITTED),
            (r#"["7"]"#, NOT_ALLOWED),
            ("[9007199254740993]", INVALID),
            ("[7,9007199254740993]", INVALID),
        ],
    );
}

/// RFC 6901: a path that starts with a slash walks, any other is a name.
#[test]
fn rfc6901_paths() {
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

/// An issuer's rules are about who may be believed, so that a token that breaks one is no token of
/// the issuer's: 401, on every route, where a route's rule is a 403.
#[test]
fn the_rules_of_an_issuer() {
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
        ((r#"["access"]"#, r#""one""#, r#"{"d":[7]}"#), INVALID),
        (("", r#""one""#, r#"{"d":[7]}"#), INVALID),
        ((r#""access""#, r#""three""#, r#"{"d":[7]}"#), INVALID),
        ((r#""access""#, r#"["one","two"]"#, r#"{"d":[7]}"#), INVALID),
        ((r#""access""#, "", r#"{"d":[7]}"#), INVALID),
        ((r#""access""#, r#""one""#, r#"{"d":7}"#), INVALID),
        ((r#""access""#, r#""one""#, r#"{"d":[9007199254740993]}"#), INVALID),
        ((r#""access""#, r#""one""#, ""), INVALID),
    ];
    table(rows, |(a, b, c)| {
        gate.token(&Signer::hs256().signed(payload(&[("a", a), ("b", b), ("c", c)])))
    });
}

#[test]
fn required_claims() {
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
