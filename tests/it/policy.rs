//! The policy compiler: its faults, each with a path and a remedy.

mod answers;
mod forward;
mod introspection;
mod issuers;
mod origin;
mod presets;
mod references;
mod route_warnings;
mod routes;
mod token;

use crate::kit::{Gate, Held, faults, hs_issuer, policy, table, warnings, with};
use portcullis::policy::{Decisions, Policy};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Checks the faults of each policy: the path of every fault, and some words of its problem and of
/// its remedy.
fn check<'r>(rows: impl IntoIterator<Item = (Value, Vec<(&'r str, &'r str, &'r str)>)>) {
    let rows = rows.into_iter().map(|row| (row, Vec::<String>::new()));
    table(rows, |(raw, expected)| {
        let mut found = faults(raw, &Held::usual());
        let mut differences = Vec::new();
        for (path, problem, remedy) in expected {
            let position = found.iter().position(|fault| {
                fault.path == *path
                    && fault.problem.contains(problem)
                    && fault.remedy.contains(remedy)
            });
            match position {
                Some(position) => drop(found.remove(position)),
                None => differences.push(format!("not reported: {path}: {problem}; {remedy}")),
            }
        }
        differences.extend(found.iter().map(|fault| format!("not expected: {fault}")));
        differences
    });
}

/// A valid policy with some of its keys changed.
fn changed(changes: Value) -> Value {
    with(policy(hs_issuer()), changes)
}

#[test]
fn a_valid_policy_has_no_faults() {
    check([(policy(hs_issuer()), vec![]), (policy(crate::kit::rs_issuer()), vec![])]);
    assert_eq!(warnings(&policy(hs_issuer()), &Held::usual()), []);
}

#[test]
fn rejects_a_policy_that_is_not_a_table() {
    let not_a_table = |kind| vec![("", kind, "write a table")];
    check([
        (json!(null), not_a_table("null, not a table")),
        (json!([]), not_a_table("a list, not a table")),
        (json!("{}"), not_a_table("a string, not a table")),
        (json!(1), not_a_table("a number, not a table")),
        (json!(true), not_a_table("true or false, not a table")),
    ]);
}

#[test]
fn an_empty_policy_lacks_its_required_keys() {
    check([(
        json!({}),
        vec![
            ("origin", "missing", "https://host"),
            ("routes", "has no route", "[[vars.POLICY.routes]]"),
        ],
    )]);
    let without_issuers = json!({ "origin": "echo", "routes": [{ "path": "/*" }] });
    check([
        (without_issuers.clone(), vec![("issuers", "has no issuer", "[[vars.POLICY.issuers]]")]),
        // A policy in which every route is public needs no issuer.
        (
            with(without_issuers, json!({ "routes": [{ "path": "/*", "access": "public" }] })),
            vec![],
        ),
    ]);
}

#[test]
fn suggests_the_nearest_known_key() {
    let rows = [
        ("orgin", "did you mean origin?"),
        ("Origin", "did you mean origin?"),
        ("issuer", "did you mean issuers?"),
        ("isuers", "did you mean issuers?"),
        ("route", "did you mean routes?"),
        ("rotues", "did you mean routes?"),
        ("fowrard", "did you mean forward?"),
        ("logs", "did you mean log?"),
        ("error", "did you mean errors?"),
        ("origin-timeout", "did you mean origin_timeout?"),
        ("originTimeout", "did you mean origin_timeout?"),
        // Not similar to any known key.
        ("x", "the known keys are origin, "),
        ("", "the known keys are origin, "),
        ("something_else", "the known keys are origin, "),
        ("__proto__", "the known keys are origin, "),
    ];
    for (key, remedy) in rows {
        check([(changed(json!({ key: {} })), vec![(key, "unknown key", remedy)])]);
    }
}

#[test]
fn reports_unknown_keys_at_every_level() {
    let mut raw = policy(with(hs_issuer(), json!({ "audiance": "api", "leewey": 1 })));
    raw["issuers"][0]["keys"]["encodng"] = json!("utf8");
    raw["routes"] = json!([
        { "path": "/*", "acces": "public", "claims": [{ "path": "/x", "equal": 1, "equals": 1 }] },
        { "path": "/b", "method": ["GET"] },
    ]);
    raw["forward"] = json!({ "claim": {}, "authorisation": "keep" });
    raw["token"] = json!({ "source": ["authorization"] });
    raw["log"] = json!({ "decision": "all" });
    raw["errors"] = json!({ "details": "none" });
    check([(
        raw,
        vec![
            ("issuers[0].audiance", "unknown key", "did you mean audience?"),
            ("issuers[0].leewey", "unknown key", "did you mean leeway?"),
            ("issuers[0].keys.encodng", "unknown key", "did you mean encoding?"),
            ("routes[0].acces", "unknown key", "did you mean access?"),
            ("routes[0].claims[0].equal", "unknown key", "did you mean equals?"),
            ("routes[1].method", "unknown key", "did you mean methods?"),
            ("token.source", "unknown key", "did you mean sources?"),
            ("forward.claim", "unknown key", "did you mean claims?"),
            ("forward.authorisation", "unknown key", "did you mean authorization?"),
            ("log.decision", "unknown key", "did you mean decisions?"),
            ("errors.details", "unknown key", "did you mean detail?"),
        ],
    )]);
}

#[test]
fn reports_every_fault_at_once() {
    let issuers = json!([
        { "name": "a", "issuer": "https://a", "audience": "api", "algorithms": ["HS256", "XX"],
          "keys": { "secret": "NOWHERE" }, "leeway": 301 },
        { "issuer": 17, "algorithms": [], "keys": { "pem": "PEM", "jwks": "JWKS" } },
    ]);
    let routes = json!([
        { "path": "no-slash", "access": "open" },
        { "path": "/a", "methods": ["get"], "scopes": ["a b"] },
        { "methods": [] },
        { "path": "/b", "claims": [{ "equals": 1, "contains": 1 }] },
    ]);
    let raw = json!({
        "origin": "http://o.example",
        "realm": "\"",
        "origin_timeout": 0,
        "issuers": issuers,
        "routes": routes,
        "forward": {
            "authorization": "drop", "claims": { "Host": "/sub", "X-A": 17 }, "payload": "a b",
        },
        "log": { "decisions": "some" },
        "errors": { "detail": "all" },
        "extra": 1,
    });
    check([(
        raw,
        vec![
            ("extra", "unknown key", ""),
            ("origin", "it is http", "https://host"),
            ("realm", "the WWW-Authenticate header does not allow", "without \" and \\"),
            (
                "origin_timeout",
                "not a whole number of seconds in the accepted range",
                "from 1 to 300",
            ),
            ("issuers[0].algorithms[1]", "XX is not an algorithm", "choose from HS256"),
            (
                "issuers[0].keys.secret",
                "there is no binding NOWHERE",
                "wrangler secret put NOWHERE",
            ),
            (
                "issuers[0].leeway",
                "not a whole number of seconds in the accepted range",
                "from 0 to 300",
            ),
            ("issuers[1].name", "missing", "a short name"),
            ("issuers[1].issuer", "a number, not a list", "a string or a list of strings"),
            ("issuers[1].audience", "missing", "the token's aud"),
            ("issuers[1].algorithms", "an empty list", "write at least one"),
            ("issuers[1].keys", "2 sources of keys", "keys = { secret = \"BINDING\" }"),
            ("routes[0].path", "does not start with a slash", "literal segments"),
            (
                "routes[0].access",
                "\"open\" is not an accepted value",
                "\"required\" or \"optional\" or \"public\"",
            ),
            ("routes[1].methods[0]", "get is not an HTTP method in upper case", "write \"GET\""),
            ("routes[1].scopes[0]", "not a single valid scope", "one scope per entry"),
            ("routes[2].path", "missing", "a pattern"),
            ("routes[2].methods", "an empty list", "write at least one"),
            ("routes[3].claims[0].path", "missing", "a claim's name"),
            ("routes[3].claims[0]", "exactly one condition", "one of equals"),
            ("forward.authorization", "\"drop\" is not an accepted value", "\"keep\" or \"strip\""),
            ("forward.claims.Host", "already has a meaning", "choose another name"),
            ("forward.claims.X-A", "not the name of a claim", "a JSON Pointer"),
            ("forward.payload", "not a header name", "letters, digits and hyphens"),
            (
                "log.decisions",
                "\"some\" is not an accepted value",
                "\"none\" or \"refused\" or \"all\"",
            ),
            ("errors.detail", "\"all\" is not an accepted value", "\"none\" or \"reason\""),
        ],
    )]);
}

#[test]
fn no_fault_hides_faults_of_other_keys() {
    let forward = json!({ "claims": [], "payload": "a b", "authorization": 1 });
    check([
        (
            changed(json!({ "origin": "nowhere", "forward": forward })),
            vec![
                ("origin", "", ""),
                ("forward.claims", "a list, not a table", "write a table"),
                ("forward.payload", "not a header name", ""),
                ("forward.authorization", "a number, not a string", "write a string"),
            ],
        ),
        (
            changed(json!({ "origin": "nowhere", "issuers": [] })),
            vec![("origin", "", ""), ("issuers", "has no issuer", "")],
        ),
        (
            changed(json!({ "realm": "é", "errors": { "detail": 1 }, "log": 1 })),
            vec![
                ("realm", "the WWW-Authenticate header does not allow", ""),
                ("errors.detail", "a number, not a string", ""),
                ("log", "a number, not a table", ""),
            ],
        ),
        (
            policy(with(
                hs_issuer(),
                json!({ "keys": { "secret": ["NOWHERE", "NOR_THERE"], "encoding": "rot13" } }),
            )),
            vec![
                ("issuers[0].keys.encoding", "\"rot13\" is not an accepted value", "\"utf8\""),
                ("issuers[0].keys.secret", "there is no binding NOWHERE", ""),
                ("issuers[0].keys.secret", "there is no binding NOR_THERE", ""),
            ],
        ),
    ]);
}

#[test]
fn rejects_realms_that_a_challenge_cannot_contain() {
    let rows = [
        ("api", true),
        ("The API of Example, Inc.", true),
        ("", false),
        ("a\"b", false),
        ("a\\b", false),
        ("é", false),
        ("a\nb", false),
        ("a\tb", false),
    ];
    table(rows, |realm| faults(&changed(json!({ "realm": realm })), &Held::usual()).is_empty());
    check([
        (changed(json!({ "realm": 1 })), vec![("realm", "a number, not a string", "")]),
        (
            changed(json!({ "realm": "" })),
            vec![("realm", "the WWW-Authenticate header does not allow", "visible ASCII")],
        ),
    ]);
}

#[test]
fn accepts_only_whole_seconds_in_the_range() {
    let rows = [
        (json!(1), true),
        (json!(300), true),
        // A policy that has passed through JavaScript may contain whole numbers as floats.
        (json!(30.0), true),
        (json!(0), false),
        (json!(301), false),
        (json!(-1), false),
        (json!(1.5), false),
        (json!("30"), false),
        (json!(null), false),
        (json!(4_294_967_297_i64), false),
        (json!(1e300), false),
        (json!([30]), false),
    ];
    table(rows, |seconds| {
        let mut raw = policy(hs_issuer());
        raw["origin_timeout"] = seconds.clone();
        faults(&raw, &Held::usual()).is_empty()
    });
}

#[test]
fn has_the_documented_defaults() {
    let gate = Gate::hs();
    let policy = &gate.policy;
    assert_eq!(policy.error_responses().realm, "api");
    assert_eq!(policy.log().decisions, Decisions::Refused);
    assert_eq!(policy.origin_timeout().get(), 30);
    assert!(!policy.forwarding().strip_authorization);
    assert!(policy.forwarding().headers.claims.is_empty());
    let without = crate::kit::policy(with(hs_issuer(), json!({ "leeway": null })));
    assert_eq!(Gate::new(&without).policy.issuers()[0].rules().times.leeway.get(), 60);
    for (word, decisions) in
        [("none", Decisions::None), ("refused", Decisions::Refused), ("all", Decisions::All)]
    {
        let gate = Gate::new(&changed(json!({ "log": { "decisions": word } })));
        assert_eq!(gate.policy.log().decisions, decisions);
    }
}

#[test]
fn rejects_invalid_log_settings() {
    let rows = [
        (json!({ "analytics": "DECISIONS", "server_timing": true }), ""),
        (
            json!({ "analytics": "NONE" }),
            "log.analytics: there is no Analytics Engine binding NONE",
        ),
        (json!({ "analytics": true }), "log.analytics: true or false"),
        (json!({ "server_timing": "yes" }), "log.server_timing: a string, not true or false"),
    ];
    for (log, expected) in rows {
        let faults = faults(&changed(json!({ "log": log })), &Held::usual().dataset("DECISIONS"));
        let shown: Vec<_> = faults.iter().map(ToString::to_string).collect();
        let as_expected = match shown.as_slice() {
            [] => expected.is_empty(),
            [one] => !expected.is_empty() && one.starts_with(expected),
            _ => false,
        };
        assert!(as_expected, "{log}: {shown:?}");
    }
}

#[test]
fn a_fault_reads_as_a_sentence() {
    let shown: Vec<_> = faults(&changed(json!({ "origin": null, "logs": 1 })), &Held::usual())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(shown.contains(&"logs: unknown key; did you mean log?".to_owned()), "{shown:?}");
    assert!(shown.iter().any(|text| text.starts_with("origin: missing; write ")), "{shown:?}");
    assert!(faults(&json!(1), &Held::usual())[0].to_string().starts_with("the policy: a number"));
}

#[test]
fn never_panics() {
    let mut random = fastrand::Rng::with_seed(0x9017);
    let mut counts = [0; 2];
    for _ in 0..3_000 {
        let mut raw =
            with(policy(hs_issuer()), json!({ "forward": { "claims": { "X-A": "/a" } } }));
        for _ in 0..random.usize(1..4) {
            disturb(&mut raw, &mut random);
        }
        match Policy::compile(&raw, &Held::usual()).outcome {
            Ok(_) => counts[0] += 1,
            Err(faults) => {
                counts[1] += 1;
                assert!(!faults.is_empty());
                assert!(
                    !faults.iter().any(|fault| fault.problem == "it cannot be compiled"),
                    "{raw}"
                );
                assert!(faults.iter().all(|fault| !fault.remedy.is_empty()), "{faults:?}");
            }
        }
    }
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
}

/// Replaces a random part of a value.
fn disturb(value: &mut Value, random: &mut fastrand::Rng) {
    let others = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("*"),
        json!("/{x}/*"),
        json!("é\n\0"),
        json!([]),
        json!(["*"]),
        json!([null]),
        json!({}),
        json!({ "": "" }),
        json!([{}]),
        json!("SECRET"),
        json!("HS512"),
        json!("public"),
    ];
    let other = others[random.usize(..others.len())].clone();
    match value {
        Value::Object(members) if !members.is_empty() && random.u8(..5) > 0 => {
            let at = random.usize(..members.len());
            disturb(members.values_mut().nth(at).unwrap(), random);
        }
        Value::Array(items) if !items.is_empty() && random.u8(..5) > 0 => {
            let at = random.usize(..items.len());
            if random.bool() {
                items.push(items[at].clone());
            }
            disturb(&mut items[at], random);
        }
        value => *value = other,
    }
}
