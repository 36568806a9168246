//! What about the routes may surprise whoever wrote them.

use super::changed;
use crate::kit::Gate;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The problems of these routes, each of which must hold what is expected of it.
fn check(routes: Value, expected: &[&str]) {
    let found = Gate::new(&changed(json!({ "routes": routes }))).policy.surprises();
    let problems: Vec<_> = found.iter().map(|one| one.problem.as_str()).collect();
    assert_eq!(problems.len(), expected.len(), "{routes}: {problems:?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.contains(expected), "{routes}: {problem} lacks {expected}");
    }
    assert!(found.iter().all(|one| !one.remedy.is_empty() && one.path == "routes"));
}

#[test]
fn attack_29_a_public_pattern_that_admits_a_guarded_path_in_other_letters() {
    let public = |path: &str| json!({ "path": path, "access": "public" });
    let guarded = |path: &str| json!({ "path": path });
    check(json!([public("/*"), guarded("/admin/*")]), &["/* is public and admits /ADMIN/REST"]);
    check(json!([public("/{page}"), guarded("/admin")]), &["/{page} is public and admits /ADMIN"]);
    check(
        json!([public("/{a}/list"), guarded("/admin/list")]),
        &["/{a}/list is public and admits /ADMIN/list"],
    );
    check(
        json!([public("/{page}"), guarded("/admin/*")]),
        &["/{page} is public and admits /ADMIN"],
    );
    check(json!([public("/Admin"), guarded("/admin")]), &["/Admin is public and admits /Admin"]);
    check(json!([public("/admin"), guarded("/ADMIN")]), &["/admin is public and admits /admin"]);
    check(
        json!([public("/caf\u{e9}/*"), guarded("/caf\u{e9}/admin")]),
        &["admits /caf%C3%A9/ADMIN"],
    );
    // Nothing of another spelling, or nothing public where it leads.
    check(json!([public("/public/*"), guarded("/admin/*")]), &[]);
    check(json!([public("/*"), guarded("/123")]), &[]);
    check(json!([guarded("/*"), public("/public/*")]), &[]);
    check(json!([public("/*")]), &[]);
    let optional = json!({ "path": "/me", "access": "optional" });
    check(json!([public("/*"), optional]), &["/* is public and admits /ME"]);
    // By the method that is guarded.
    let read = json!({ "path": "/*", "access": "public", "methods": ["GET"] });
    check(json!([read, { "path": "/admin", "methods": ["POST"] }]), &["never falls to /*"]);
}

#[test]
fn attack_29_a_public_pattern_that_admits_a_guarded_path_with_an_encoded_slash() {
    let things = json!({ "path": "/things/{name}", "access": "public", "encoded_slash": "allow" });
    check(
        json!([things, { "path": "/things/007/*" }]),
        &["/things/{name} is public, allows encoded slashes and admits /things/007%2Frest"],
    );
    check(json!([things, { "path": "/others/secret/*" }]), &[]);
    let refusing = json!({ "path": "/things/{name}", "access": "public" });
    check(json!([refusing, { "path": "/things/007/*" }]), &[]);
}

#[test]
fn a_pattern_that_keeps_methods_from_a_wider_one() {
    check(
        json!([{ "path": "/api/*" }, { "path": "/api/health", "methods": ["GET"] }]),
        &[
            "/api/health takes GET, HEAD alone: every other method on it is a 405, and never falls to /api/*",
        ],
    );
    check(
        json!([
            { "path": "/api/*", "methods": ["GET", "PUT"] },
            { "path": "/api/{x}", "methods": ["GET"] },
            { "path": "/api/{x}", "methods": ["POST"] },
        ]),
        &["/api/{x} takes GET, HEAD, POST alone"],
    );
    check(
        json!([{ "path": "/api/*", "methods": ["GET"] }, { "path": "/api/x", "methods": ["GET", "POST"] }]),
        &[],
    );
    check(
        json!([
            { "path": "/api/*" },
            { "path": "/api/x", "methods": ["GET"] },
            { "path": "/other/x", "methods": ["GET"] },
        ]),
        &["/api/x takes"],
    );
    check(json!([{ "path": "/api/*" }, { "path": "/api/x" }]), &[]);
}

#[test]
fn a_route_where_the_metadata_stands() {
    let raw = |path: &str| {
        let mut raw = changed(json!({ "routes": [{ "path": path }] }));
        raw["resource"] = json!({
            "identifier": "https://api.example/v1",
            "authorization_servers": ["https://issuer.example/"],
        });
        Gate::new(&raw).policy.surprises().len()
    };
    assert_eq!(raw("/.well-known/oauth-protected-resource/v1"), 1);
    assert_eq!(raw("/.well-known/oauth-protected-resource/v1/"), 1);
    assert_eq!(raw("/.well-known/*"), 0);
}
