//! Tests of the claims of minted tokens: they come from the policy as the gate compiles it.

use crate::kit::{CONFIG, Folder, SECRET};
use serde_json::{Value, json};

const RSA: &str = include_str!("../src/key/pem/rsa.pem");
const P256: &str = include_str!("../src/key/pem/p256.pem");

/// Returns the issuer's part of the configuration in a whole one.
fn policy(issuer: &str) -> String {
    format!(
        "[vars.POLICY]\norigin = 'echo'\nroutes = [{{ path = '/*' }}]\n\
         [[vars.POLICY.issuers]]\n{issuer}\n"
    )
}

/// The header and the claims of a token.
fn parts(folder: &Folder, token: &str) -> (Value, Value) {
    let explained: Value =
        serde_json::from_str(&folder.run_in("", &["explain", "--json"], token).out).unwrap();
    (explained["token"]["header"].clone(), explained["token"]["claims"].clone())
}

fn check(issuer: &str, key: &str, words: &[&str], expected: &[(&str, &str)]) {
    let folder = Folder::new();
    folder.write("wrangler.toml", &policy(issuer));
    folder.write("key.pem", key);
    let run = folder.run(&[&["mint", "--key", "key.pem"], words].concat());
    assert_eq!(run.err, "", "{issuer}");
    let (header, claims) = parts(&folder, &run.ended(0));
    for (name, value) in expected {
        let found = claims.get(*name).or(header.get(*name));
        assert_eq!(found, Some(&json!(value)), "{name}: {issuer}");
    }
}

#[test]
fn an_issuer_that_a_preset_configures_has_its_claims() {
    let pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A";
    let cognito = "preset = 'cognito'\nregion = 'eu-west-1'\npool = 'eu-west-1_A'\nclient_id = 'c'";
    check(cognito, RSA, &[], &[("iss", pool), ("alg", "RS256")]);
    check(cognito, RSA, &["--issuer", "cognito"], &[("iss", pool)]);
    check(cognito, RSA, &["--issuer", pool], &[("iss", pool)]);
    check(
        &format!("{cognito}\nname = 'users'\naudience = ['api']"),
        RSA,
        &["--issuer", "users"],
        &[("iss", pool), ("aud", "api")],
    );
    check(
        "preset = 'firebase'\nproject = 'p'",
        RSA,
        &[],
        &[("iss", "https://securetoken.google.com/p"), ("aud", "p")],
    );
    check(
        "preset = 'supabase'\nproject = 'abc'",
        P256,
        &[],
        &[("iss", "https://abc.supabase.co/auth/v1"), ("aud", "authenticated"), ("alg", "ES256")],
    );
    check(
        "preset = 'auth0'\ndomain = 't.eu.auth0.com'\naudience = 'api'\nalgorithms = ['RS512']",
        RSA,
        &[],
        &[("iss", "https://t.eu.auth0.com/"), ("aud", "api"), ("alg", "RS512")],
    );
}

#[test]
fn a_tenant_is_named_in_the_issuer_and_in_its_claim() {
    let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let url = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let entra = format!("preset = 'entra'\ntenant = '{tenant}'\naudience = 'api'");
    check(&entra, RSA, &[], &[("iss", &url), ("tid", tenant), ("aud", "api")]);
    let several = "name = 'm'\nissuer = 'https://login.example/{tid}/v2.0'\n\
        tenants = ['one', 'two']\naudience = 'api'\nalgorithms = ['RS256']\n\
        keys = { jwks_uri = 'https://login.example/keys' }";
    check(several, RSA, &[], &[("iss", "https://login.example/one/v2.0"), ("tid", "one")]);
    let two = "https://login.example/two/v2.0";
    check(several, RSA, &["--issuer", two], &[("iss", two), ("tid", "two")]);
    check(several, RSA, &["--claim", "tid=three"], &[("tid", "three")]);
}

#[test]
fn an_issuers_accepted_types_and_subjects_are_used() {
    let issuer = "name = 'm'\nissuer = 'https://login.example/'\naudience = 'api'\n\
        algorithms = ['RS256']\nkeys = { jwks_uri = 'https://login.example/keys' }\n";
    check(&format!("{issuer}types = ['at+jwt']"), RSA, &[], &[("typ", "at+jwt")]);
    check(issuer, RSA, &[], &[("typ", "JWT"), ("sub", "demo-user")]);
}

#[test]
fn a_secret_in_a_variable_signs_as_in_the_gate() {
    let folder = Folder::new();
    folder.write("wrangler.toml", &format!("[vars]\nDEMO_SECRET = '{SECRET}'\n{CONFIG}"));
    let token = folder.run(&["mint"]).ended(0);
    folder.run_in("", &["explain"], &token).ended(0);
}

#[test]
fn a_policy_with_faults_is_reported_instead_of_ignored() {
    let folder = Folder::with_policy();
    folder.write("wrangler.toml", &CONFIG.replace("audience = \"api\"", "audiense = \"api\""));
    let run = folder.run(&["mint"]);
    assert!(run.err.contains("POLICY.issuers[0].audiense: "), "{}", run.err);
    run.ended(2);
    // Without any policy, the options describe the token.
    folder.write("wrangler.toml", "name = 'x'\n");
    folder.write("key.pem", RSA);
    let token = folder.run(&["mint", "--key", "key.pem", "--issuer", "https://a.example"]).ended(0);
    assert_eq!(token.trim().split('.').count(), 3);
}
