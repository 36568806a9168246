//! The keys of a route.

use super::{ByRequest, Evidence, added, either, path, token};
use crate::kit::{Call, hs_issuer};
use serde_json::{Value, json};

pub(super) fn rows() -> Vec<(&'static str, Evidence)> {
    let claims = "/routes/0/claims";
    let mut second = hs_issuer();
    second["name"] = json!("j");
    second["issuer"] = json!("https://j");
    let issuers = |names: Value| json!({ "/issuers/1": second, "/routes/0/issuers": names });
    let azp = || token(&[("azp", "\"x\"")]);
    vec![
        ("routes[].path", added("/routes/0/path", json!("/other"), token(&[]))),
        ("routes[].methods", added("/routes/0/methods", json!(["POST"]), token(&[]))),
        ("routes[].access", added("/routes/0/access", json!("optional"), Call::get("/api/x"))),
        ("routes[].issuers", ByRequest(issuers(json!(["i"])), issuers(json!(["j"])), token(&[]))),
        ("routes[].scopes", added("/routes/0/scopes", json!(["read"]), token(&[]))),
        ("routes[].any_scope", added("/routes/0/any_scope", json!(["a", "b"]), token(&[]))),
        ("routes[].roles", added("/routes/0/roles", json!(["ops"]), token(&[]))),
        ("routes[].any_role", added("/routes/0/any_role", json!(["a", "b"]), token(&[]))),
        ("routes[].acr", added("/routes/0/acr", json!(["mfa"]), token(&[]))),
        (
            "routes[].max_auth_age",
            added("/routes/0/max_auth_age", json!(60), token(&[("auth_time", "1799999900")])),
        ),
        ("routes[].mode", added("/routes/0/mode", json!("report"), token(&[("exp", "1")]))),
        (
            "routes[].encoded_slash",
            added("/routes/0/encoded_slash", json!("allow"), path("/api/a%2Fb")),
        ),
        (
            "routes[].path_parameters",
            added("/routes/0/path_parameters", json!("allow"), path("/api/a;b=c")),
        ),
        ("routes[].cache", added("/routes/0/cache", json!("origin"), token(&[]))),
        (
            "routes[].claims[].path",
            either(
                claims,
                json!([{ "path": "azp", "equals": "x" }]),
                json!([{ "path": "other", "equals": "x" }]),
                azp(),
            ),
        ),
        (
            "routes[].claims[].equals",
            either(
                claims,
                json!([{ "path": "azp", "equals": "x" }]),
                json!([{ "path": "azp", "equals": "y" }]),
                azp(),
            ),
        ),
        (
            "routes[].claims[].one_of",
            either(
                claims,
                json!([{ "path": "azp", "one_of": ["w", "x"] }]),
                json!([{ "path": "azp", "one_of": ["y", "z"] }]),
                azp(),
            ),
        ),
        (
            "routes[].claims[].contains",
            either(
                claims,
                json!([{ "path": "groups", "contains": "x" }]),
                json!([{ "path": "groups", "contains": "y" }]),
                token(&[("groups", "[\"x\"]")]),
            ),
        ),
        (
            "routes[].claims[].starts_with",
            either(
                claims,
                json!([{ "path": "azp", "starts_with": "x" }]),
                json!([{ "path": "azp", "starts_with": "y" }]),
                azp(),
            ),
        ),
        (
            "routes[].claims[].if_present",
            either(
                claims,
                json!([{ "path": "other", "equals": "x" }]),
                json!([{ "path": "other", "equals": "x", "if_present": true }]),
                azp(),
            ),
        ),
    ]
}
