//! Warnings about routes that may not do what the operator expects.

use super::changed;
use crate::kit::Gate;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Checks the warnings about these routes, by some words of each problem.
fn check(routes: Value, expected: &[&str]) {
    let found = Gate::new(&changed(json!({ "routes": routes }))).policy.route_warnings();
    let problems: Vec<_> = found.iter().map(|one| one.problem.as_str()).collect();
    assert_eq!(problems.len(), expected.len(), "{routes}: {problems:?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.contains(expected), "{routes}: {problem} lacks {expected}");
    }
    assert!(found.iter().all(|one| !one.remedy.is_empty() && one.path == "routes"));
}

#[test]
fn attack_29_warns_of_a_public_pattern_that_matches_a_protected_path_in_another_case() {
    let public = |path: &str| json!({ "path": path, "access": "public" });
    let guarded = |path: &str| json!({ "path": path });
    check(json!([public("/*"), guarded("/admin/*")]), &["/* is public and matches /ADMIN/REST"]);
    check(json!([public("/{page}"), guarded("/admin")]), &["/{page} is public and matches /ADMIN"]);
    check(
        json!([public("/{a}/list"), guarded("/admin/list")]),
        &["/{a}/list is public and matches /ADMIN/list"],
    );
    check(
        json!([public("/{page}"), guarded("/admin/*")]),
        &["/{page} is public and matches /ADMIN"],
    );
    check(json!([public("/Admin"), guarded("/admin")]), &["/Admin is public and matches /Admin"]);
    check(json!([public("/admin"), guarded("/ADMIN")]), &["/admin is public and matches /admin"]);
    check(
        json!([public("/caf\u{e9}/*"), guarded("/caf\u{e9}/admin")]),
        &["matches /caf%C3%A9/ADMIN"],
    );
    // There is no other spelling, or no public route matches it.
    check(json!([public("/public/*"), guarded("/admin/*")]), &[]);
    check(json!([public("/*"), guarded("/123")]), &[]);
    check(json!([guarded("/*"), public("/public/*")]), &[]);
    check(json!([public("/*")]), &[]);
    let optional = json!({ "path": "/me", "access": "optional" });
    check(json!([public("/*"), optional]), &["/* is public and matches /ME"]);
    // The public route does not accept the protected method.
    let read = json!({ "path": "/*", "access": "public", "methods": ["GET"] });
    check(json!([read, { "path": "/admin", "methods": ["POST"] }]), &["even if /* accepts them"]);
}

#[test]
fn attack_29_warns_of_a_public_pattern_that_matches_a_protected_path_with_an_encoded_slash() {
    let things = json!({ "path": "/things/{name}", "access": "public", "encoded_slash": "allow" });
    check(
        json!([things, { "path": "/things/007/*" }]),
        &["/things/{name} is public, allows encoded slashes and matches /things/007%2Frest"],
    );
    check(json!([things, { "path": "/others/secret/*" }]), &[]);
    let refusing = json!({ "path": "/things/{name}", "access": "public" });
    check(json!([refusing, { "path": "/things/007/*" }]), &[]);
}

#[test]
fn warns_of_a_pattern_that_hides_methods_of_a_wider_pattern() {
    check(
        json!([{ "path": "/api/*" }, { "path": "/api/health", "methods": ["GET"] }]),
        &["/api/health accepts only GET, HEAD: other methods get a 405, even if /api/* accepts \
             them"],
    );
    check(
        json!([
            { "path": "/api/*", "methods": ["GET", "PUT"] },
            { "path": "/api/{x}", "methods": ["GET"] },
            { "path": "/api/{x}", "methods": ["POST"] },
        ]),
        &["/api/{x} accepts only GET, HEAD, POST"],
    );
    check(
        json!([
            { "path": "/api/*", "methods": ["GET"] },
            { "path": "/api/x", "methods": ["GET", "POST"] },
        ]),
        &[],
    );
    check(
        json!([
            { "path": "/api/*" },
            { "path": "/api/x", "methods": ["GET"] },
            { "path": "/other/x", "methods": ["GET"] },
        ]),
        &["/api/x accepts only"],
    );
    check(json!([{ "path": "/api/*" }, { "path": "/api/x" }]), &[]);
}

#[test]
fn warns_of_a_route_at_the_path_of_the_metadata() {
    let raw = |path: &str| {
        let mut raw = changed(json!({ "routes": [{ "path": path }] }));
        raw["resource"] = json!({
            "identifier": "https://api.example/v1",
            "authorization_servers": ["https://issuer.example/"],
        });
        Gate::new(&raw).policy.route_warnings().len()
    };
    assert_eq!(raw("/.well-known/oauth-protected-resource/v1"), 1);
    assert_eq!(raw("/.well-known/oauth-protected-resource/v1/"), 1);
    assert_eq!(raw("/.well-known/*"), 0);
}
