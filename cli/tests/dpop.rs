//! Tokens that are bound to a key: `mint --dpop`, `explain`, `doctor --proof`, and policy tests
//! with proofs.

use crate::kit::{CONFIG, Folder, SECRET};
use serde_json::{Value, json};

const NONCE_SECRET: &str = "what-only-the-gate-has-for-its-nonces";

/// A folder whose policy accepts bound tokens. `more` is appended to the configuration.
fn folder(more: &str) -> Folder {
    let folder = Folder::new();
    let accepting = CONFIG.replace(
        "keys = { secret = \"DEMO_SECRET\" }",
        "keys = { secret = \"DEMO_SECRET\" }\nsender_constrained = \"accepted\"",
    );
    folder.write("wrangler.toml", &format!("{accepting}\n{more}"));
    let secrets = format!("DEMO_SECRET={SECRET}\nNONCE={NONCE_SECRET}\n");
    folder.write(".dev.vars", &secrets);
    folder
}

fn explained(folder: &Folder, text: &str, code: i32) -> Value {
    folder.run_in("", &["explain", "--json"], text).json(code)
}

fn possession(explained: &Value) -> Value {
    let steps = explained["steps"].as_array().unwrap().iter();
    steps.clone().find(|step| step["name"] == "possession").unwrap().clone()
}

#[test]
fn a_minted_command_is_admitted_and_the_proof_is_for_one_request() {
    let folder = folder("");
    let command = folder.run(&["mint", "--dpop"]).ended(0);
    assert!(command.starts_with("curl -X 'GET' 'http://127.0.0.1:8787/api/hello' "), "{command}");
    let admitted = explained(&folder, &command, 0);
    assert_eq!(possession(&admitted), json!({ "name": "possession", "state": "passed" }));
    assert_eq!(admitted["token"]["claims"]["sub"], "demo-user");
    assert_eq!(admitted["proof"]["header"]["typ"], "dpop+jwt");
    assert_eq!(admitted["proof"]["claims"]["htu"], "http://127.0.0.1:8787/api/hello");

    let rows = [
        (command.replace("/api/hello", "/api/other"), "invalid_proof", "another URL"),
        (command.replace("'GET'", "'POST'"), "invalid_proof", "another method"),
        (command.replace("DPoP ey", "Bearer ey"), "missing_proof", "as a bearer token"),
        (command.replace("-H 'DPoP:", "-H 'X-Other:"), "missing_proof", "no DPoP header"),
    ];
    for (changed, code, because) in rows {
        assert_ne!(changed, command);
        let step = possession(&explained(&folder, &changed, 1));
        assert_eq!((&step["state"], &step["code"]), (&json!("failed"), &json!(code)));
        assert!(step["because"].as_str().unwrap().contains(because), "{step}");
        assert!(!step["remedy"].as_str().unwrap().is_empty());
    }
}

#[test]
fn the_options_name_the_request_and_the_nonce() {
    let folder = folder("");
    let words = ["mint", "--dpop", "--url", "https://api.example/api/x?y=1", "--method", "PUT"];
    let minted = folder.run(&[&words[..], &["--nonce", "n", "--json"]].concat()).json(0);
    assert_eq!(minted["method"], "PUT");
    assert_eq!(minted["url"], "https://api.example/api/x?y=1");
    let text = |name: &str| minted[name].as_str().unwrap().to_owned();
    let lines = format!("Authorization: DPoP {}\nDPoP: {}\n", text("token"), text("proof"));
    // The proof says for which request it is.
    let admitted = explained(&folder, &lines, 0);
    let expected = json!({ "method": "PUT", "path": "https://api.example/api/x" });
    assert_eq!(admitted["request"], expected);
    assert_eq!(admitted["proof"]["claims"]["nonce"], "n");
    assert_eq!(folder.run(&["mint", "--url", "/api/x"]).code, 2);
}

#[test]
fn a_policy_that_refuses_bound_tokens_is_noted() {
    let folder = Folder::with_policy();
    let run = folder.run(&["mint", "--dpop"]);
    assert!(run.err.contains("sender_constrained"), "{}", run.err);
    assert_eq!(run.code, 0);
}

#[test]
fn a_withheld_secret_leaves_the_verdict_on_a_nonce_open() {
    let folder = folder("[vars.POLICY.dpop]\nnonce = 'NONCE'\n");
    let command = folder.run(&["mint", "--dpop", "--nonce", "made-up"]).ended(0);
    let step = possession(&explained(&folder, &command, 1));
    assert_eq!((&step["state"], &step["code"]), (&json!("failed"), &json!("nonce_required")));
    folder.write(".dev.vars", &format!("DEMO_SECRET={SECRET}\n"));
    assert_eq!(possession(&explained(&folder, &command, 1))["state"], "unknown");
}

#[test]
fn doctor_judges_a_token_together_with_a_proof() {
    let folder = folder("");
    let minted = folder.run(&["mint", "--dpop", "--json"]).json(0);
    folder.write("proof.txt", minted["proof"].as_str().unwrap());
    let token = minted["token"].as_str().unwrap();
    let words = ["doctor", "-", "--json", "--proof", "proof.txt"];
    let verdict = folder.run_in("", &words, token).json(0)["token"][0].clone();
    assert_eq!(verdict["admitted"], true);
    assert_eq!(verdict["request"], "GET http://127.0.0.1:8787/api/hello");
    let without = folder.run_in("", &["doctor", "-", "--json"], token).json(1);
    assert_eq!(without["token"][0]["code"], "missing_proof");
    let other = folder.run(&["mint", "--dpop", "--json"]).json(0);
    let other = folder.run_in("", &words, other["token"].as_str().unwrap()).json(1);
    assert_eq!(other["token"][0]["code"], "invalid_proof");
    folder.write("proof.txt", "not a proof");
    let run = folder.run_in("", &words, token);
    assert_eq!(run.code, 2);
}

#[test]
fn cases_of_policy_tests_have_proofs() {
    let folder = folder("[vars.POLICY.dpop]\nnonce = 'NONCE'\n");
    folder.write(
        "policy.test.toml",
        r#"
[[cases]]
name = "a good proof"
url = "/api/x?y=1"
proof = true
expect = { status = 200 }
[[cases]]
name = "a bound token without a proof"
url = "/api/x"
claims = { cnf = { jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } }
expect = { status = 401, code = "missing_proof", challenge = "invalid_dpop_proof" }
[[cases]]
name = "a proof for another method"
method = "POST"
url = "/api/x"
proof = { claims = { htm = "GET" } }
expect = { status = 401, code = "invalid_proof" }
[[cases]]
name = "an old proof"
url = "/api/x"
proof = { claims = { iat = "now-2m" } }
expect = { status = 401, code = "invalid_proof" }
[[cases]]
name = "the proof of somebody else"
url = "/api/x"
proof = { key = "other" }
expect = { status = 401, code = "invalid_proof" }
[[cases]]
name = "a forged proof"
url = "/api/x"
proof = { signature = "wrong" }
expect = { status = 401, code = "invalid_proof" }
[[cases]]
name = "a proof without ath"
url = "/api/x"
proof = { omit = ["ath"] }
expect = { status = 401, code = "invalid_proof" }
[[cases]]
name = "a proof of another type"
url = "/api/x"
proof = { header = { typ = "jwt" } }
expect = { status = 401, code = "invalid_proof" }
[[cases]]
name = "a proof without a nonce"
url = "/api/x"
proof = { omit = ["nonce"] }
expect = { status = 401, code = "nonce_required", challenge = "use_dpop_nonce" }
"#,
    );
    let out = folder.run(&["test"]).ended(0);
    assert!(out.contains("9 passed, 0 failed"), "{out}");
    folder.write(
        "policy.test.toml",
        "[[cases]]\nname = 'x'\nurl = '/api/x'\nproof = { key = 'mine', claim = {} }\n\
         expect = { status = 200 }\n",
    );
    let run = folder.run(&["test"]);
    assert!(run.err.contains("unknown key") && run.err.contains("not a known key"), "{}", run.err);
}
