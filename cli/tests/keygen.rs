//! Tests of `keygen`: `mint` can sign with the private key, and the gate can verify with the public
//! key.

use crate::kit::{Folder, SECRET};
use serde_json::json;

/// A configuration whose only issuer has these keys.
fn config(algorithm: &str, keys: &str) -> String {
    format!(
        "build.command = 'cargo xtask build --features es512,es256k'
[vars.POLICY]
origin = 'echo'
routes = [{{ path = '/*' }}]
[[vars.POLICY.issuers]]
name = 'made'
issuer = 'https://made.example/'
audience = 'api'
algorithms = ['{algorithm}']
keys = {keys}
"
    )
}

/// Generates a key, binds its public key as the program says, mints a token with the private key,
/// and checks that the gate admits the token.
fn check(algorithm: &str, format: &str) {
    let folder = Folder::new();
    let words = ["keygen", "--alg", algorithm, "--format", format, "--out", "k", "--json"];
    let made = folder.run(&words).json(0);
    let kid = made["kid"].as_str().unwrap();
    assert_eq!(kid.len(), 43, "a SHA-256 thumbprint in base64url");
    if format != "pem" {
        let public = &made["public"];
        let public = if format == "jwks" { &public["keys"][0] } else { public };
        assert_eq!(public["kid"], json!(kid));
        assert!(public.get("d").is_none() && public.get("priv").is_none());
    }
    let keys = made["policy"]["keys"].as_str().unwrap();
    let binding = made["binding"].as_str().unwrap();
    folder.write("wrangler.toml", &config(algorithm, keys));
    folder.write(".dev.vars", &format!("{binding}='{}'\n", folder.read("k.public").trim_end()));
    let mint = ["mint", "--alg", algorithm, "--kid", kid, "--key", "k"];
    let token = folder.run(&mint).ended(0);
    let judged = folder.run_in("", &["doctor", "-", "--json"], &token).json(0);
    assert_eq!(judged["token"][0]["admitted"], json!(true), "{algorithm} {format}");
}

#[test]
fn generated_keys_sign_and_verify() {
    for algorithm in [
        "ES256",
        "ES384",
        "ES512",
        "ES256K",
        "EdDSA",
        "Ed25519",
        "ML-DSA-44",
        "ML-DSA-65",
        "ML-DSA-87",
    ] {
        for format in ["pem", "jwk", "jwks"] {
            check(algorithm, format);
        }
    }
    check("RS256", "pem");
    check("PS512", "jwks");
}

#[test]
fn a_secret_is_only_written_to_its_file() {
    let folder = Folder::new();
    for (algorithm, length) in [("HS256", 43), ("HS384", 64), ("HS512", 86)] {
        let run = folder.run(&["keygen", "--alg", algorithm, "--binding", "API_SECRET"]);
        let file = format!("key-{}.secret", algorithm.to_lowercase());
        let secret = folder.read(&file);
        assert_eq!(secret.len(), length);
        assert!(!run.out.contains(&secret) && !run.err.contains(&secret));
        assert!(run.err.contains(&format!("npx wrangler secret put API_SECRET < {file}")));
        run.ended(0);
        let keys = "{ secret = 'API_SECRET', encoding = 'base64url' }";
        folder.write("wrangler.toml", &config(algorithm, keys));
        folder.write(".dev.vars", &format!("API_SECRET='{secret}'\n"));
        let token = folder.run(&["mint"]).ended(0);
        let judged = folder.run_in("", &["doctor", "-", "--json"], &token).json(0);
        assert_eq!(judged["token"][0]["admitted"], json!(true), "{algorithm}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_private_keys_and_secrets() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    for algorithm in ["ES256", "HS256"] {
        folder.run(&["keygen", "--alg", algorithm, "--out", algorithm]).ended(0);
        let mode = folder.path(algorithm).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn existing_files_are_not_overwritten() {
    let folder = Folder::new();
    folder.write("mine.pem", SECRET);
    let run = folder.run(&["keygen", "--alg", "ES256", "--out", "mine.pem"]);
    assert!(run.err.contains("mine.pem exists"), "{}", run.err);
    run.ended(2);
    assert_eq!(folder.read("mine.pem"), SECRET);
    // If the public key cannot be written, the private key is not written either.
    folder.write("half.public.pem", "x");
    folder.run(&["keygen", "--alg", "ES256", "--out", "half.pem"]).ended(2);
    assert!(!folder.path("half.pem").exists());
    assert_eq!(folder.read("half.public.pem"), "x");
}

#[test]
fn invalid_combinations_of_options_are_rejected() {
    let folder = Folder::new();
    for words in [
        ["--alg", "none", "--bits", "2048"],
        ["--alg", "RS256", "--bits", "1024"],
        ["--alg", "ES256", "--binding", "A B"],
        ["--alg", "HS256", "--kid", "a"],
        ["--alg", "HS256", "--format", "jwk"],
    ] {
        folder.run(&[&["keygen"], words.as_slice()].concat()).ended(2);
    }
}

const IDENTITY_CONFIG: &str = r#"
[vars.POLICY]
origin = "https://api.example.com"
routes = [{ path = "/api/*" }]
[[vars.POLICY.issuers]]
name = "made"
issuer = "https://made.example/"
audience = "api"
algorithms = ["HS256"]
keys = { secret = "SECRET" }
[vars.POLICY.forward.identity]
key = "IDENTITY_KEY"
issuer = "https://gate.example"
audience = "https://internal.example"
"#;

/// Keys for `forward.identity` can be used as the program says.
#[test]
fn identity_keys_are_for_the_gate() {
    for (algorithm, format) in [("EdDSA", "pem"), ("EdDSA", "jwk"), ("ES256", "pem")] {
        let folder = Folder::new();
        let words = ["keygen", "--alg", algorithm, "--format", format, "--identity", "--out", "k"];
        let run = folder.run(&words);
        assert_eq!(run.code, 0, "{}", run.err);
        let shown = format!("{}{}", run.out, run.err);
        for text in ["npx wrangler secret put IDENTITY_KEY < k", "[vars.POLICY.forward.identity]"] {
            assert!(shown.contains(text), "{text} is not in {shown}");
        }
        assert!(!shown.contains("portcullis mint"), "{shown}");
        folder.write("wrangler.toml", IDENTITY_CONFIG);
        let key = folder.read("k");
        let private = key.lines().find(|line| line.contains("\"d\"") || line.starts_with('M'));
        assert!(!shown.contains(private.unwrap()), "the private key is shown");
        folder.write(".dev.vars", &format!("SECRET={SECRET}\nIDENTITY_KEY='{key}'\n"));
        folder.run(&["check"]).ended(0);
        folder.write("policy.test.toml", IDENTITY_CASES);
        folder.run(&["test"]).ended(0);
        let token = folder.run(&["mint", "--sub", "alice"]).ended(0);
        let explained = folder.run_in("", &["explain"], &token).ended(0);
        assert!(explained.contains("signed identity: {"), "{explained}");
        assert!(explained.contains("\"iss\": \"https://gate.example\""), "{explained}");
    }
    let folder = Folder::new();
    let refused = |words: &[&str], remedy: &str| {
        let run = folder.run(&[&["keygen", "--identity"], words].concat());
        assert_eq!(run.code, 2, "{}", run.out);
        let text = run.err;
        assert!(text.contains(remedy), "{text}");
    };
    refused(&["--alg", "RS256"], "write --alg EdDSA");
    refused(&["--alg", "HS256"], "write --alg EdDSA");
    refused(&["--alg", "EdDSA", "--format", "jwks"], "write --format jwk");
}

const IDENTITY_CASES: &str = r#"
[[cases]]
name = "the API learns who the caller is"
url = "/api/x"
claims = { sub = "alice" }
[cases.expect]
status = 200
api_identity = { sub = "alice", aud = "https://internal.example" }
api_receives = { Authorization = true }
"#;

/// A policy whose identity key is not on this machine can be checked and tested.
#[test]
fn an_identity_key_that_is_not_on_this_machine_is_a_warning() {
    let folder = Folder::new();
    folder.write(
        "wrangler.toml",
        &IDENTITY_CONFIG.replace("\"IDENTITY_KEY\"", "[\"NEWER\", \"OLDER\"]"),
    );
    folder.write(".dev.vars", &format!("SECRET={SECRET}\n"));
    folder.write("policy.test.toml", IDENTITY_CASES);
    folder.run(&["test"]).ended(0);
    let token = folder.run(&["mint"]).ended(0);
    let explained = folder.run_in("", &["explain"], &token).ended(0);
    assert!(explained.contains("signed identity: {"), "{explained}");
    folder.write("policy.test.toml", &IDENTITY_CASES.replace("aud = \"https", "aud = \"http"));
    let failed = folder.run(&["test"]).ended(1);
    assert!(failed.contains("expected aud to be"), "{failed}");
}
