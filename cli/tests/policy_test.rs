//! `test`.

use crate::kit::Folder;
use serde_json::json;

/// An issuer whose keys are published, one with a preset, and one with a secret.
const CONFIG: &str = r#"
[vars.POLICY]
origin = "https://api.example.com"

[[vars.POLICY.issuers]]
name = "published"
issuer = "https://published.example/"
audience = "api"
algorithms = ["RS256", "ES256", "EdDSA", "PS384", "ES384", "ML-DSA-65"]
keys = { jwks_uri = "https://published.example/jwks.json" }

[[vars.POLICY.issuers]]
preset = "cognito"
region = "eu-west-1"
pool = "eu-west-1_AbCdEfGhI"
client_id = "client"

[[vars.POLICY.issuers]]
name = "shared"
issuer = "https://shared.example/"
audience = "api"
algorithms = ["HS512"]
keys = { secret = "A_SECRET_THAT_IS_NOT_HERE" }
mode = "report"

[[vars.POLICY.routes]]
path = "/api/*"

[[vars.POLICY.routes]]
path = "/users/{id}"
methods = ["GET", "DELETE"]
scopes = ["users"]
claims = [{ path = "tenant", equals = "acme" }]

[[vars.POLICY.routes]]
path = "/open/*"
access = "public"

[vars.POLICY.forward]
authorization = "strip"
claims = { X-Subject = "/sub" }

[vars.POLICY.revocation]
kv = "REVOKED"

[[kv_namespaces]]
binding = "REVOKED"
id = "0123456789abcdef0123456789abcdef"
"#;

fn with_cases(cases: &str) -> Folder {
    let folder = Folder::new();
    folder.write("wrangler.toml", CONFIG);
    folder.write("policy.test.toml", cases);
    folder
}

#[test]
fn tokens_are_signed_for_every_issuer_and_algorithm() {
    let folder = with_cases(
        r#"
[[cases]]
name = "the first issuer and its first algorithm"
url = "/api/x?y=1"
claims = { sub = "alice" }
[cases.expect]
status = 200
api_url = "https://api.example.com/api/x?y=1"
api_receives = { X-Subject = "alice", X-Forwarded-Host = true }
api_does_not_receive = ["Authorization"]
[[cases]]
name = "ES256"
url = "/api/x"
algorithm = "ES256"
expect = { status = 200 }
[[cases]]
name = "EdDSA"
url = "/api/x"
algorithm = "EdDSA"
expect = { status = 200 }
[[cases]]
name = "PS384"
url = "/api/x"
algorithm = "PS384"
expect = { status = 200 }
[[cases]]
name = "ES384"
url = "/api/x"
algorithm = "ES384"
expect = { status = 200 }
[[cases]]
name = "ML-DSA-65"
url = "/api/x"
algorithm = "ML-DSA-65"
expect = { status = 200 }
[[cases]]
name = "a preset, whose rules are met"
url = "/api/x"
issuer = "cognito"
expect = { status = 200 }
[[cases]]
name = "a secret"
url = "/api/x"
issuer = "shared"
expect = { status = 200 }
"#,
    );
    let out = folder.run(&["test"]).ended(0);
    assert!(out.ends_with("8 passed, 0 failed\n"), "{out}");
}

#[test]
fn refusals_are_compared_with_code_and_challenge() {
    let folder = with_cases(
        r#"
now = 1700000000
[[cases]]
name = "none"
url = "/api/x"
[cases.expect]
status = 401
code = "missing_token"
challenge = 'Bearer realm="api"'
response_headers = { Content-Type = "application/problem+json" }
[[cases]]
name = "expired"
url = "/api/x"
claims = { iat = "now-2h", exp = "now-1h" }
expect = { status = 401, code = "expired", challenge = "The access token expired" }
[[cases]]
name = "valid, later expired"
url = "/api/x"
claims = { exp = 1700000060 }
now = 1700009999
expect = { status = 401, code = "expired" }
[[cases]]
name = "forged"
url = "/api/x"
signature = "wrong"
expect = { status = 401, code = "bad_signature" }
[[cases]]
name = "without exp"
url = "/api/x"
omit = ["exp"]
expect = { status = 401 }
[[cases]]
name = "another kid"
url = "/api/x"
header = { kid = "other" }
expect = { status = 401, code = "unknown_key" }
[[cases]]
name = "alg none"
url = "/api/x"
header = { alg = "none" }
expect = { status = 401 }
[[cases]]
name = "another audience"
url = "/api/x"
claims = { aud = "other" }
expect = { status = 401, code = "wrong_audience" }
[[cases]]
name = "a literal token"
url = "/api/x"
token = "a.b.c"
expect = { status = 401, code = "malformed_token" }
[[cases]]
name = "no scope"
url = "/users/7"
claims = { tenant = "acme" }
expect = { status = 403, code = "insufficient_scope", challenge = 'scope="users"' }
[[cases]]
name = "another tenant"
method = "DELETE"
url = "/users/7"
claims = { scope = "users", tenant = "other" }
expect = { status = 403, code = "claim_not_allowed" }
[[cases]]
name = "another method"
method = "PUT"
url = "/users/7"
expect = { status = 405, response_headers = { Allow = "GET, DELETE, HEAD" } }
[[cases]]
name = "revoked user"
url = "/api/x"
revoked = ["sub"]
expect = { status = 401, code = "revoked" }
[[cases]]
name = "report mode"
url = "/api/x"
issuer = "shared"
claims = { exp = "now-1h" }
expect = { status = 200, code = "expired", api_does_not_receive = ["X-Subject"] }
[[cases]]
name = "twice"
url = "/api/x"
headers = { Authorization = "Bearer {token}, Bearer {token}" }
claims = {}
expect = { status = 400, code = "multiple_tokens" }
"#,
    );
    let out = folder.run(&["test", "--json"]);
    let json = out.json(0);
    let cases = json["cases"].as_array().unwrap();
    let failed: Vec<_> = cases.iter().filter(|case| case["ok"] == json!(false)).collect();
    assert_eq!((cases.len(), failed), (15, Vec::new()));
    assert_eq!(cases[1]["step"], json!("time"));
}

#[test]
fn a_failure_names_the_case_the_step_and_the_remedy() {
    let folder = with_cases(
        r#"[[cases]]
name = "an administrator reads"
url = "/users/7"
claims = { scope = "read", tenant = "acme" }
expect = { status = 200, api_receives = { X-Subject = "bob" } }

[[cases]]
name = "the header is wrong"
url = "/open/x"
headers = { X-Mine = "1" }
expect = { status = 200, api_does_not_receive = ["x-mine"], api_url = "https://other.example/" }
"#,
    );
    let run = folder.run(&["test"]);
    let out = run.ended(1);
    let expected = "\
FAILED  an administrator reads (policy.test.toml:1)
    expected the status 200, but it is 403
    expected that the request reaches the API, but it does not
    the step route refused it with insufficient_scope: the token lacks a scope that the route \
requires: users
    to have it admitted: ask the provider for a token with the scope users
FAILED  the header is wrong (policy.test.toml:7)
    expected the API to receive the URL https://other.example/, but it is \
https://api.example.com/open/x
    expected the API not to receive x-mine, but it does
";
    assert!(out.contains(expected), "{out}");
    assert!(out.ends_with("0 passed, 2 failed\n"), "{out}");
}

#[test]
fn a_broken_policy_fails_the_case_that_it_breaks() {
    let folder = with_cases(
        "[[cases]]\nname = \"scoped\"\nurl = \"/users/7\"\nclaims = { scope = \"users\", tenant = \
         \"acme\" }\nexpect = { status = 200 }\n",
    );
    folder.run(&["test"]).ended(0);
    folder.write("wrangler.toml", &CONFIG.replace("scopes = [\"users\"]", "scopes = [\"admin\"]"));
    let out = folder.run(&["test"]).ended(1);
    assert!(out.contains("FAILED  scoped (policy.test.toml:1)"), "{out}");
    assert!(out.contains("a token with the scope admin"), "{out}");
}

#[test]
fn faults_of_the_test_file_are_reported_together_with_their_lines() {
    let folder = with_cases(
        r#"nwo = 3
[[cases]]
nme = "x"
url = "admin"
claims = { exp = "tomorrow" }
revoked = ["user"]
signature = "bad"
expect = { staus = 200, code = "expried", api_receives = { X = 1 } }
[[cases]]
name = "no expectation"
url = "/"
[[cases]]
name = "both"
url = "/"
token = "a"
claims = {}
expect = { status = 401 }
[[cases]]
name = "both"
url = "/"
expect = { status = 401 }
"#,
    );
    let run = folder.run(&["test"]);
    assert_eq!(run.code, 2);
    for fault in [
        "policy.test.toml:1: nwo: unknown key\n    did you mean now?",
        "policy.test.toml:3: cases[0].nme: unknown key\n    did you mean name?",
        "policy.test.toml:4: cases[0].url: not a URL",
        "policy.test.toml:5: cases[0].claims.exp: not a time",
        "policy.test.toml:6: cases[0].revoked: user cannot be revoked",
        "policy.test.toml:7: cases[0].signature: not a known kind of signature",
        "policy.test.toml:8: cases[0].expect.staus: unknown key\n    did you mean status?",
        "policy.test.toml:8: cases[0].expect.code: there is no code expried\n    did you mean \
         expired?",
        "policy.test.toml:8: cases[0].expect.api_receives.X: not a text",
        "policy.test.toml:9: cases[1]: nothing is expected",
        "policy.test.toml:15: cases[2].token: the case has a token and claims",
        "policy.test.toml:19: cases[3].name: another case has this name",
    ] {
        assert!(run.err.contains(fault), "{fault}\n{}", run.err);
    }
    assert_eq!(run.out, "");
}

#[test]
fn a_missing_test_file_and_faults_of_the_policy_are_errors() {
    let folder = Folder::with_policy();
    let run = folder.run(&["test"]);
    assert_eq!(run.code, 2);
    let text = "there is no policy.test.toml or policy.test.json beside wrangler.toml";
    assert!(run.err.contains(text), "{}", run.err);

    let folder = with_cases("[[cases]]\nname = \"x\"\nurl = \"/\"\nexpect = { status = 404 }\n");
    folder.write("wrangler.toml", &CONFIG.replace("access = \"public\"", "acess = \"public\""));
    let json = folder.run(&["test", "--json"]).json(2);
    let error = json["error"].as_str().unwrap();
    assert!(error.contains("POLICY.routes[2].acess: unknown key"), "{error}");
}

#[test]
fn an_issuer_or_an_algorithm_that_the_policy_does_not_have_is_an_error() {
    let case = |more: &str| {
        let text = format!(
            "[[cases]]\nname = \"x\"\nurl = \"/api/x\"\n{more}\nexpect = {{ status = 200 }}\n"
        );
        let run = with_cases(&text).run(&["test"]);
        assert_eq!(run.code, 2);
        run.err
    };
    let error = case("issuer = \"nobody\"");
    assert!(error.contains("the policy has no issuer nobody: choose from published, cognito"));
    let error = case("algorithm = \"HS256\"");
    assert!(error.contains("the policy does not list HS256 for the issuer"), "{error}");
}

#[test]
fn tests_can_be_json_in_a_named_file() {
    let folder = Folder::new();
    folder.write("wrangler.toml", CONFIG);
    let case = json!({ "name": "open", "url": "/open/x", "expect": { "status": 200 } });
    folder.write("cases.json", &json!({ "cases": [case] }).to_string());
    let out = folder.run(&["test", "cases.json"]).ended(0);
    assert!(out.contains("passed  open\n"), "{out}");
}

#[test]
fn the_coverage_names_what_no_case_exercises() {
    let folder =
        with_cases("[[cases]]\nname = \"open\"\nurl = \"/open/x\"\nexpect = { status = 200 }\n");
    let out = folder.run(&["test", "--coverage", "50"]).ended(1);
    for part in [
        "coverage: 1 of ",
        "  route /api/*: a request reaches the API\n",
        "  route /api/*: a request without a token is refused\n",
        "  route /users/{id}, DELETE: a request reaches the API\n",
        "  route /users/{id}, GET DELETE: a token without the scopes is refused\n",
        "rule tenant = \"acme\": a token that breaks the rule is refused\n",
        "  issuer published: a token is admitted\n",
        "  issuer cognito, rule token_use = \"access\": a token that breaks the rule is refused\n",
        "1 passed, 0 failed, and the coverage is below 50 %\n",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    folder.run(&["test", "--coverage", "1"]).ended(0);
}

#[test]
fn no_issuer_can_sign_for_another() {
    let policy = |algorithm: &str, keys: &str| {
        let issuer = |name: &str| {
            format!(
                "[[vars.POLICY.issuers]]\nname = \"{name}\"\nissuer = \"https://{name}.example/\"\n\
                 audience = \"api\"\nalgorithms = [\"{algorithm}\"]\nkeys = {keys}\n"
            )
        };
        let head = "[vars.POLICY]\norigin = \"echo\"\n[[vars.POLICY.routes]]\npath = \"/*\"\n";
        format!("{head}{}{}", issuer("one"), issuer("two"))
    };
    let folder = Folder::new();
    folder.write(
        "policy.test.toml",
        "[[cases]]\nname = \"x\"\nurl = \"/x\"\nissuer = \"one\"\n\
         claims = { iss = \"https://two.example/\" }\n\
         expect = { status = 401, code = \"bad_signature\" }\n",
    );
    let published = "{ discovery = true }";
    for (algorithm, keys) in
        [("RS256", published), ("ES256", published), ("HS256", "{ secret = \"S\" }")]
    {
        folder.write("wrangler.toml", &policy(algorithm, keys));
        folder.run(&["test"]).ended(0);
    }
}

#[test]
fn only_cases_that_pass_count_as_coverage() {
    let folder = with_cases(
        "[[cases]]\nname = \"open\"\nurl = \"/open/x\"\n\
         expect = { status = 200, api_url = \"x\" }\n",
    );
    let out = folder.run(&["test"]).ended(1);
    assert!(out.contains("coverage: 0 of "), "{out}");
}

#[test]
fn a_request_that_only_report_mode_admits_is_not_taken_for_admitted() {
    let folder = with_cases(
        "[[cases]]\nname = \"expired\"\nurl = \"/api/x\"\nissuer = \"shared\"\n\
         claims = { exp = \"now-1h\" }\nexpect = { status = 200 }\n",
    );
    let out = folder.run(&["test"]).ended(1);
    let text = "only report mode admits the request, which would be refused with expired";
    assert!(out.contains(text), "{out}");
}

#[test]
fn a_literal_token_is_judged_with_the_keys_of_the_policy() {
    let folder = Folder::with_policy();
    let token = folder.run(&["mint"]).ended(0);
    let case = |name: &str, token: &str, expect: &str| {
        format!(
            "[[cases]]\nname = \"{name}\"\nurl = \"/api/x\"\ntoken = \"{}\"\nnow = {}\nexpect \
             = {expect}\n",
            token.trim(),
            std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs(),
        )
    };
    let valid = case("valid", &token, "{ status = 200 }");
    let forged = format!("{}AAAA", token.trim().get(..token.trim().len() - 4).unwrap());
    let forged = case("forged", &forged, "{ status = 401, code = \"bad_signature\" }");
    folder.write("policy.test.toml", &(valid + &forged));
    folder.run(&["test"]).ended(0);
}

/// The endpoint is never called: each case says what it answers.
#[test]
fn a_case_gives_the_response_of_the_introspection_endpoint() {
    for signed in [false, true] {
        let keys = "algorithms = [\"ES256\"]\nkeys = { discovery = true }\n";
        let keys = if signed { keys } else { "" };
        let folder = Folder::new();
        let issuer = format!(
            "[vars.POLICY]\norigin = \"echo\"\n\
             routes = [{{ path = \"/*\", scopes = [\"read\"] }}]\n\
             forward.claims = {{ X-User = \"sub\" }}\n\
             [[vars.POLICY.issuers]]\nname = \"a\"\nissuer = \"https://a.example\"\n\
             audience = \"api\"\n{keys}\
             introspection = {{ endpoint = \"https://a.example/i\", client_id = \"gate\", \
             client_secret = \"ABSENT\", signed = {signed} }}\n"
        );
        folder.write("wrangler.toml", &issuer);
        folder.write(
            "policy.test.toml",
            r#"
[[cases]]
name = "an active token"
url = "/x"
introspection = { scope = "read", sub = "alice" }
expect = { status = 200, api_receives = { X-User = "alice" } }
[[cases]]
name = "a token without the scope"
url = "/x"
introspection = {}
expect = { status = 403, code = "insufficient_scope" }
[[cases]]
name = "an inactive token"
url = "/x"
introspection = { active = false }
expect = { status = 401, code = "inactive_token" }
[[cases]]
name = "a token that has expired"
url = "/x"
introspection = { exp = "now-10m" }
expect = { status = 401, code = "expired" }
[[cases]]
name = "the provider does not answer"
url = "/x"
introspection = "unavailable"
[cases.expect]
status = 503
code = "introspection_unavailable"
response_headers = { Retry-After = "1" }
[[cases]]
name = "a token of our own choice"
url = "/x"
token = "mF_9.B5f-4.1JqM"
introspection = { scope = "read" }
expect = { status = 200 }
"#,
        );
        let out = folder.run(&["test"]).ended(0);
        assert!(out.contains("6 passed, 0 failed"), "{out}");
    }
}

#[test]
fn results_are_written_as_junit_xml() {
    let folder = with_cases(
        "[[cases]]\nname = 'a \"<&>\" name'\nurl = \"/open/x\"\nexpect = { status = 404 }\n\
         [[cases]]\nname = \"good\"\nurl = \"/open/x\"\nexpect = { status = 200 }\n",
    );
    folder.run(&["test", "--junit", "results.xml"]).ended(1);
    let xml = folder.read("results.xml");
    assert!(xml.contains("tests=\"2\" failures=\"1\""), "{xml}");
    assert!(xml.contains("name=\"a &quot;&lt;&amp;&gt;&quot; name\""), "{xml}");
    assert!(xml.contains("<failure message=\"expected the status 404, but it is 200\">"), "{xml}");
    assert!(xml.contains("name=\"good\" classname=\"policy.test.toml\""), "{xml}");
    // It replaces an earlier file.
    folder.run(&["test", "--junit", "results.xml"]).ended(1);
    assert_eq!(folder.read("results.xml"), xml);
}

/// The code blocks of a guide with this language, in order.
fn blocks<'t>(guide: &'t str, language: &str) -> Vec<&'t str> {
    let open = format!("```{language}\n");
    guide.split(&open).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_cases_of_the_guide_pass() {
    let guide = include_str!("../../docs/policy-tests.md");
    let folder = Folder::new();
    folder.write("wrangler.toml", blocks(guide, "toml")[0]);
    let cases = blocks(guide, "toml cases excerpt");
    assert_eq!(cases.len(), 2);
    folder.write("policy.test.toml", &cases.concat());
    let out = folder.run(&["test"]).ended(0);
    assert!(out.ends_with("10 passed, 0 failed\n"), "{out}");
}
