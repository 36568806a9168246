//! Tests of `explain`.

use crate::kit::{CONFIG, Folder};
use serde_json::{Value, json};

/// The states of the steps, in order, as `name state`. The failed step has its code as well.
fn steps(explained: &Value) -> Vec<String> {
    let text = |step: &Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
    let steps = explained["steps"].as_array().unwrap().iter();
    let line =
        |step| format!("{} {} {}", text(step, "name"), text(step, "state"), text(step, "code"));
    steps.map(|step| line(step).trim_end().to_owned()).collect()
}

/// Mints a token, explains it, and checks that the steps contain the expected one.
fn check(mint: &[&str], explain: &[&str], code: i32, expected: &str) -> Value {
    let folder = Folder::with_policy();
    let token = folder.run(&[&["mint"], mint].concat()).ended(0);
    let words = [&["explain", "--json"], explain].concat();
    let explained = folder.run_in("", &words, &token).json(code);
    let found = steps(&explained);
    assert!(found.iter().any(|step| step == expected), "{expected} is not in {found:#?}");
    assert!(!explained.to_string().contains(token.trim()), "the token itself is shown");
    explained
}

#[test]
fn steps_are_shown_up_to_the_one_that_fails() {
    let admitted = check(&[], &[], 0, "signature passed");
    assert_eq!(admitted["verdict"], json!("admitted"));
    assert_eq!(admitted["request"], json!({ "method": "GET", "path": "/api/hello" }));
    assert_eq!(admitted["token"]["claims"]["sub"], json!("demo-user"));
    assert_eq!(admitted["token"]["header"], json!({ "alg": "HS256", "typ": "JWT" }));
    let refused = check(&["--expires-in=-10m"], &[], 1, "time failed expired");
    assert_eq!(refused["steps"][10], json!({ "name": "claims", "state": "not_reached" }));
    assert_eq!(refused["refusal"]["status"], json!(401));
    assert!(refused["refusal"]["remedy"].as_str().unwrap().contains("get a new token"));
    check(&["--aud", "other"], &[], 1, "audience failed wrong_audience");
    check(&["--alg", "HS384"], &[], 1, "key failed algorithm_not_allowed");
    check(&[], &["--url", "/admin/x"], 1, "route failed insufficient_scope");
    check(&["--scope", "admin"], &["--url", "https://a.example/admin/x"], 0, "route passed");
    check(&[], &["--url", "/nowhere"], 1, "path failed no_route");
    check(&[], &["--url", "/a//b"], 1, "path failed ambiguous_path");
    check(&[], &["--url", "/public/x"], 0, "found skipped");
}

/// Only the provider can say what an opaque token means, and this command does not ask it.
#[test]
fn an_opaque_token_is_not_introspected() {
    let folder = Folder::new();
    folder.write(
        "wrangler.toml",
        r#"
[vars.POLICY]
origin = "echo"
routes = [{ path = "/*" }]
[[vars.POLICY.issuers]]
name = "a"
issuer = "https://a.example"
audience = "api"
introspection = { endpoint = "https://a.example/i", client_id = "gate", client_secret = "ABSENT" }
"#,
    );
    let token = "mF_9.B5f-4.1JqM";
    let explained = folder.run_in("", &["explain", "--json"], token).json(1);
    assert_eq!(explained["verdict"], json!("unknown"));
    assert_eq!(explained["credential"], json!("opaque"));
    let found = steps(&explained);
    for expected in ["parsed skipped", "signature skipped", "introspection unknown"] {
        assert!(found.iter().any(|step| step == expected), "{expected} is not in {found:#?}");
    }
    let shown = folder.run_in("", &["explain"], token).ended(1);
    assert!(shown.contains("an opaque token, which only its provider can read"), "{shown}");
    assert!(shown.contains("run `doctor -`"), "{shown}");
}

#[test]
fn a_token_is_found_in_header_lines_and_curl_commands() {
    let folder = Folder::with_policy();
    let token = folder.run(&["mint"]).ended(0);
    let token = token.trim();
    let verdict = |run: crate::kit::Run, code| run.json(code)["verdict"].clone();
    assert_eq!(verdict(folder.run(&["explain", "--json", token]), 0), json!("admitted"));
    let header = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(
        verdict(folder.run_in("", &["explain", "--json", "-"], &header), 0),
        json!("admitted")
    );
    let curl = |path: &str| {
        format!("curl -X POST https://a.example{path} -H 'Authorization: Bearer {token}'")
    };
    let run = folder.run_in("", &["explain", "--json"], &curl("/api/x"));
    let explained = run.json(0);
    assert_eq!(
        explained["request"],
        json!({ "method": "POST", "path": "https://a.example/api/x" })
    );
    assert_eq!(verdict(folder.run(&["explain", "--json", &curl("/admin/x")]), 1), json!("refused"));
    let run = folder.run_in("", &["explain"], " \n");
    assert!(run.err.contains("there is no token"), "{}", run.err);
    run.ended(2);
}

/// `explain` must not repair a header that the gate rejects.
#[test]
fn headers_in_the_input_are_judged_as_they_are() {
    let folder = Folder::with_policy();
    let token = folder.run(&["mint"]).ended(0);
    let token = token.trim();
    let rows = [
        (format!("Authorization: Bearer {token}"), 0, "admitted", Value::Null),
        (format!("authorization: bearer  {token}\nAccept: */*"), 0, "admitted", Value::Null),
        (format!("Authorization: JWT {token}"), 1, "refused", json!("missing_token")),
        (format!("Authorization: {token}"), 1, "refused", json!("missing_token")),
        (
            format!("Authorization: Bearer Bearer {token}"),
            1,
            "refused",
            json!("malformed_authorization"),
        ),
        (format!("Cookie: token={token}"), 1, "refused", json!("missing_token")),
        (
            format!("Authorization: Bearer {token}\nAuthorization: Bearer {token}"),
            1,
            "refused",
            json!("multiple_tokens"),
        ),
    ];
    for (text, code, verdict, reason) in rows {
        let explained = folder.run_in("", &["explain", "--json"], &text).json(code);
        assert_eq!(explained["verdict"], json!(verdict), "{text}");
        assert_eq!(explained["refusal"]["code"], reason, "{text}");
    }
}

#[test]
fn jwks_apply_to_an_issuer_whose_name_comes_from_a_preset() {
    let folder = Folder::with_policy();
    folder.run(&["keygen", "--alg", "RS256", "--format", "jwks", "--out", "k.json"]).ended(0);
    let public: Value = serde_json::from_str(&folder.read("k.public.json")).unwrap();
    let kid = public["keys"][0]["kid"].as_str().unwrap();
    folder.write(
        "wrangler.toml",
        "[vars.POLICY]\norigin = 'echo'\nroutes = [{ path = '/*' }]\n\
         issuers = [{ preset = 'auth0', domain = 't.eu.auth0.com', audience = 'api' }]\n",
    );
    let iss = "iss=https://t.eu.auth0.com/";
    let claims = ["--aud", "api", "--claim", iss];
    let mint = [&["mint", "--key", "k.json", "--kid", kid], &claims[..]].concat();
    let token = folder.run(&mint).ended(0);
    for jwks in ["k.public.json", "auth0=k.public.json"] {
        let explained = folder.run_in("", &["explain", "--json", "--jwks", jwks], &token).json(0);
        assert_eq!(explained["verdict"], json!("admitted"), "{explained}");
    }
}

#[test]
fn steps_that_need_missing_keys_are_unknown() {
    let folder = Folder::with_policy();
    let token = folder.run(&["mint"]).ended(0);
    folder.write(".dev.vars", "");
    let explained = folder.run_in("", &["explain", "--json"], &token).json(1);
    assert_eq!(explained["verdict"], json!("unknown"));
    assert!(steps(&explained).contains(&"signature unknown".to_owned()));
    assert!(steps(&explained).contains(&"type not_reached".to_owned()));

    // Published keys are not fetched, but can be passed with --jwks.
    let keys = "{ jwks_uri = 'https://issuer.example/keys' }";
    let config = CONFIG.replace("{ secret = \"DEMO_SECRET\" }", keys).replace("HS256", "ES256");
    folder.write("wrangler.toml", &config);
    folder.run(&["keygen", "--alg", "ES256", "--format", "jwks", "--out", "k.json"]).ended(0);
    let public: Value = serde_json::from_str(&folder.read("k.public.json")).unwrap();
    let kid = public["keys"][0]["kid"].as_str().unwrap();
    let token = folder.run(&["mint", "--key", "k.json", "--kid", kid]).ended(0);
    let run = folder.run_in("", &["explain"], &token);
    assert!(run.out.contains("pass them with --jwks FILE"), "{}", run.out);
    run.ended(1);
    for jwks in ["k.public.json", "demo=k.public.json"] {
        let run = folder.run_in("", &["explain", "--json", "--jwks", jwks], &token);
        assert_eq!(run.json(0)["verdict"], json!("admitted"));
    }
}

#[test]
fn faults_of_the_policy_are_shown() {
    let folder = Folder::with_policy();
    let token = folder.run(&["mint"]).ended(0);
    folder.write("wrangler.toml", &CONFIG.replace("/api/*", "no-slash"));
    let run = folder.run_in("", &["explain"], &token);
    assert!(run.out.contains("POLICY.routes[0].path: "), "{}", run.out);
    run.ended(1);
}

/// A token can contain any text, and terminals interpret control characters.
#[test]
fn control_characters_are_escaped() {
    let folder = Folder::with_policy();
    let claim = "x=\u{1b}[2J\u{9b}31m\u{202e}\u{7f}";
    let token = folder.run(&["mint", "--claim", claim]).ended(0);
    let shown = folder.run_in("", &["explain"], &token).ended(0);
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    assert!(!shown.contains('\u{202e}'));
    assert!(shown.contains("\\u001b[2J\\u{9b}31m\\u{202e}\\u{7f}"), "{shown}");
}

#[test]
fn only_the_names_of_forwarded_headers_are_shown() {
    let folder = Folder::with_policy();
    let forward = "[vars.POLICY.forward]\nclaims = { X-Auth-Subject = \"/sub\" }\n";
    folder.write("wrangler.toml", &format!("{CONFIG}{forward}"));
    let token = folder.run(&["mint"]).ended(0);
    let explained = folder.run_in("", &["explain", "--json"], &token).json(0);
    let set = explained["outgoing"]["set"].as_array().unwrap();
    assert!(set.contains(&json!("X-Auth-Subject")), "{set:?}");
    assert!(set.iter().all(Value::is_string));
}
