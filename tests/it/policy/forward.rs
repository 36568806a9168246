//! The table `forward`.

use super::{changed, check};
use crate::kit::Gate;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn forward(forward: Value) -> Value {
    changed(json!({ "forward": forward }))
}

#[test]
fn rejects_invalid_names_of_headers_and_claims() {
    check([
        (
            forward(
                json!({ "claims": { "X-A": "/a", "X-B": "b", "x_c": "/c/0" }, "payload": "X-P" }),
            ),
            vec![],
        ),
        (
            forward(json!({ "claims": { "X A": "/a", "": "/a", "X-É": "/a", "X:": "/a" } })),
            vec![
                ("forward.claims.X A", "not a header name", "hyphens"),
                ("forward.claims.", "not a header name", "hyphens"),
                ("forward.claims.X-É", "not a header name", "hyphens"),
                ("forward.claims.X:", "not a header name", "hyphens"),
            ],
        ),
        (
            forward(json!({ "claims": { "X-A": "", "X-B": 1, "X-C": ["/c"], "X-D": null } })),
            vec![
                ("forward.claims.X-A", "not the name of a claim", "JSON Pointer"),
                ("forward.claims.X-B", "not the name of a claim", "JSON Pointer"),
                ("forward.claims.X-C", "not the name of a claim", "JSON Pointer"),
                ("forward.claims.X-D", "not the name of a claim", "JSON Pointer"),
            ],
        ),
        (
            forward(json!({ "claims": ["X-A"] })),
            vec![("forward.claims", "a list, not a table", "")],
        ),
        (forward(json!({ "payload": 1 })), vec![("forward.payload", "a number", "")]),
        (forward(json!("keep")), vec![("forward", "a string, not a table", "")]),
    ]);
}

/// Servers may treat the two spellings as the same header.
#[test]
fn attack_31_rejects_two_spellings_of_one_header() {
    check([
        (
            forward(json!({ "claims": { "X-A": "/a", "x_a": "/b" } })),
            vec![("forward.claims.x_a", "twice", "once")],
        ),
        (
            forward(json!({ "claims": { "X-A": "/a" }, "payload": "x-a" })),
            vec![("forward.payload", "twice", "once")],
        ),
        (forward(json!({ "claims": { "X-A": "/a", "X-AA": "/a" } })), vec![]),
    ]);
}

#[test]
fn keeps_or_strips_authorization() {
    for (word, strip) in [("keep", false), ("strip", true)] {
        let gate = Gate::new(&forward(json!({ "authorization": word })));
        assert_eq!(gate.policy.forwarding().strip_authorization, strip);
    }
    check([
        (
            forward(json!({ "authorization": "remove" })),
            vec![("forward.authorization", "\"remove\" is not an accepted value", "\"strip\"")],
        ),
        (
            forward(json!({ "authorization": false })),
            vec![("forward.authorization", "true or false, not a string", "")],
        ),
    ]);
}
