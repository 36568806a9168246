//! Compares the schema with the gate's compiler: both know the same keys and agree on examples.

use jsonschema::Validator;
use policy_schema::{policy_schema, wrangler_schema};
use portcullis::alg::Algorithm;
use portcullis::policy::{Bindings, Policy};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Has every binding that an example names.
struct Everything;

impl Bindings for Everything {
    /// Returns a different value for each name, valid in every encoding.
    fn value(&self, name: &str) -> Option<Value> {
        if name == "KEY" {
            let seed = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
            return Some(json!(format!(r#"{{"kty":"OKP","crv":"Ed25519","d":"{seed}"}}"#)));
        }
        let name: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
        Some(json!(format!("{name}{}", "0123456789abcdef".repeat(8))))
    }

    fn is_service(&self, _: &str) -> bool {
        true
    }

    fn is_kv_namespace(&self, _: &str) -> bool {
        true
    }

    fn is_rate_limiter(&self, _: &str) -> bool {
        true
    }

    fn is_durable_object(&self, _: &str) -> bool {
        true
    }

    fn is_analytics_dataset(&self, _: &str) -> bool {
        true
    }
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft7::new(schema).unwrap()
}

/// Returns the keys that the compiler lists as known for the table at this JSON Pointer.
fn known(policy: &Value, table: &str) -> BTreeSet<String> {
    const NONSENSE: &str = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";
    let mut policy = policy.clone();
    let members = policy.pointer_mut(table).and_then(Value::as_object_mut).unwrap();
    members.insert(NONSENSE.to_owned(), json!(true));
    let faults = Policy::compile(&policy, &Everything).outcome.unwrap_err();
    let fault = faults.iter().find(|fault| fault.path.ends_with(NONSENSE)).unwrap();
    let keys = fault.remedy.strip_prefix("the known keys are ").unwrap();
    keys.split(", ").map(str::to_owned).collect()
}

fn properties(definition: &str, of_presets: bool) -> BTreeSet<String> {
    let schema = policy_schema();
    let table = match definition {
        "Policy" => &schema,
        name => &schema["definitions"][name],
    };
    let members = table["properties"].as_object().unwrap().iter();
    let own = members.filter(|(name, member)| {
        member.get("x-preset").is_some() == of_presets && (of_presets || *name != "preset")
    });
    own.map(|(name, _)| name.clone()).collect()
}

fn policy() -> Value {
    json!({
        "origin": "echo",
        "issuers": [{
            "name": "a", "issuer": "https://a.example/", "audience": "api",
            "algorithms": ["HS256"], "keys": { "secret": "SECRET" },
            "sender_constrained": "accepted",
            "claims": [{ "path": "a", "equals": 1 }],
            "introspection": {
                "endpoint": "https://a.example/introspect", "client_id": "c",
                "client_secret": "SECRET",
            },
        }],
        "routes": [{ "path": "/*" }],
        "token": { "sources": [{ "cookie": "__Host-token" }] },
        "forward": {
            "proof": { "secret": "HOP" },
            "identity": { "key": "KEY", "issuer": "https://gate.example", "audience": "api" },
        },
        "cors": { "allow_origins": ["https://app.example"] },
        "resource": {
            "identifier": "https://api.example", "authorization_servers": ["https://a.example/"],
        },
        "dpop": { "replay": { "durable_object": "REPLAY" } },
        "mtls": {},
        "revocation": { "kv": "REVOKED" },
        "key_cache": { "secret": "CACHE" },
        "log": {},
        "rate_limit": { "binding": "LIMITER" },
        "errors": {},
    })
}

#[test]
fn the_schema_and_the_compiler_know_the_same_keys() {
    for (definition, table) in [
        ("Policy", ""),
        ("Issuer", "/issuers/0"),
        ("Keys", "/issuers/0/keys"),
        ("Introspection", "/issuers/0/introspection"),
        ("ClaimRule", "/issuers/0/claims/0"),
        ("Route", "/routes/0"),
        ("Token", "/token"),
        ("NamedSource", "/token/sources/0"),
        ("Forward", "/forward"),
        ("Proof", "/forward/proof"),
        ("Identity", "/forward/identity"),
        ("Cors", "/cors"),
        ("Resource", "/resource"),
        ("Dpop", "/dpop"),
        ("ReplayObject", "/dpop/replay"),
        ("Mtls", "/mtls"),
        ("Revocation", "/revocation"),
        ("KeyCache", "/key_cache"),
        ("Log", "/log"),
        ("RateLimit", "/rate_limit"),
        ("Errors", "/errors"),
    ] {
        assert_eq!(known(&policy(), table), properties(definition, false), "{definition}");
    }
    // The list above must name every table of the schema.
    let schema = policy_schema();
    let tables = schema["definitions"].as_object().unwrap().values();
    assert_eq!(tables.filter(|table| table.get("properties").is_some()).count(), 20);
}

#[test]
fn the_schema_and_the_compiler_know_the_same_presets() {
    let schema = policy_schema();
    let names = schema["definitions"]["PresetName"]["enum"].as_array().unwrap();
    let mut parameters = BTreeSet::new();
    for name in names {
        let with = json!({
            "origin": "echo", "issuers": [{ "preset": name }], "routes": [{ "path": "/*" }],
        });
        let all = known(&with, "/issuers/0");
        let own = properties("Issuer", false);
        parameters.extend(all.difference(&own).filter(|key| *key != "preset").cloned());
    }
    assert_eq!(parameters, properties("Issuer", true));

    let unknown = json!({
        "origin": "echo", "issuers": [{ "preset": "x" }], "routes": [{ "path": "/*" }],
    });
    let faults = Policy::compile(&unknown, &Everything).outcome.unwrap_err();
    let named: Vec<_> = names.iter().filter_map(Value::as_str).collect();
    assert_eq!(faults[0].remedy, format!("choose from {}", named.join(", ")));
}

#[test]
fn the_schema_and_the_compiler_know_the_same_algorithms() {
    let schema = policy_schema();
    let names = schema["definitions"]["AlgorithmName"]["enum"].as_array().unwrap();
    let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
    for name in &names {
        let is_in_the_build = Algorithm::from_name(name).is_some();
        assert!(is_in_the_build || Algorithm::missing_feature(name).is_some(), "{name}");
    }
    for algorithm in Algorithm::ALL {
        assert!(names.contains(&algorithm.name()), "{algorithm}");
    }
}

/// Returns the examples in the documentation, and `wrangler.toml`.
fn documented() -> Vec<(String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents = vec![root.join("README.md"), root.join("SECURITY.md")];
    let guides = fs::read_dir(root.join("docs")).unwrap();
    documents.extend(guides.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()));
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let mut found = vec![("wrangler.toml".to_owned(), read(&root.join("wrangler.toml")))];
    for document in documents.iter().filter(|path| path.extension().is_some_and(|it| it == "md")) {
        let text = read(document);
        for example in text.split("```toml\n").skip(1) {
            let example = example.split("```").next().unwrap().replace("\n   ", "\n");
            found.push((document.display().to_string(), example));
        }
    }
    let read = |(name, text): (String, String)| {
        let table: toml::Table = text.parse().ok()?;
        Some((name, serde_json::to_value(table).unwrap()))
    };
    found.into_iter().filter_map(read).collect()
}

#[test]
fn the_schema_accepts_the_examples_in_the_documentation() {
    let schema = validator(&wrangler_schema());
    let mut policies = 0;
    for (name, mut document) in documented() {
        policies += usize::from(document.to_string().contains("POLICY"));
        // Examples leave out the keys that they are not about.
        let of_policy = |vars: &mut Value| {
            for policy in vars.as_object_mut().into_iter().flat_map(|vars| vars.values_mut()) {
                if let Some(policy) = policy.as_object_mut() {
                    policy.entry("origin").or_insert_with(|| json!("echo"));
                    policy.entry("routes").or_insert_with(|| json!([{ "path": "/*" }]));
                }
            }
        };
        document.get_mut("vars").into_iter().for_each(of_policy);
        let environments = document.get_mut("env").and_then(Value::as_object_mut);
        for environment in environments.into_iter().flat_map(|all| all.values_mut()) {
            environment.get_mut("vars").into_iter().for_each(of_policy);
        }
        let errors: Vec<_> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}\n{document:#}");
    }
    assert!(policies > 5, "only {policies} examples were found");
}

/// Checks whether the compiler and the schema accept a policy with this value at this JSON Pointer.
fn check(pointer: &str, value: Value, is_good: bool) {
    let mut changed = policy();
    let (table, key) = pointer.rsplit_once('/').unwrap();
    match changed.pointer_mut(table).unwrap() {
        Value::Object(members) => drop(members.insert(key.to_owned(), value)),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        _ => panic!("{table} is not a table"),
    }
    let compiled = Policy::compile(&changed, &Everything).outcome;
    assert_eq!(compiled.is_ok(), is_good, "the compiler, for {pointer}: {:?}", compiled.err());
    let valid = validator(&policy_schema()).is_valid(&changed);
    assert_eq!(valid, is_good, "the schema, for {pointer}: {}", changed.pointer(pointer).unwrap());
}

#[test]
fn both_enforce_the_same_bounds() {
    for (key, least, most) in [
        ("/origin_timeout", 1, 300),
        ("/issuers/0/introspection/cache", 0, 3600),
        ("/issuers/0/leeway", 0, 300),
        ("/issuers/0/max_age", 1, 31_536_000),
        ("/routes/0/max_auth_age", 1, 31_536_000),
        ("/forward/proof/lifetime", 1, 300),
        ("/forward/identity/lifetime", 60, 3600),
        ("/dpop/max_age", 5, 300),
        ("/cors/max_age", 0, 86_400),
        ("/revocation/max_staleness", 30, 86_400),
    ] {
        check(key, json!(least), true);
        check(key, json!(most), true);
        check(key, json!(least - 1), false);
        check(key, json!(most + 1), false);
        check(key, json!(1.5), false);
        check(key, json!("60"), false);
    }
}

#[test]
fn both_reject_invalid_values() {
    for (key, value) in [
        ("/origin", json!("ftp://a.example")),
        ("/origin", json!("https://a.example/path?x")),
        ("/origin", json!("https://a.example//path")),
        ("/origin", json!(null)),
        ("/realm", json!("a\"b")),
        ("/realm", json!("")),
        ("/routes", json!([])),
        ("/routes/0/path", json!("no-slash")),
        ("/routes/0/methods", json!(["get"])),
        ("/routes/0/methods", json!([])),
        ("/routes/0/access", json!("open")),
        ("/routes/0/scopes", json!("read")),
        ("/routes/0/mode", json!("warn")),
        ("/routes/0/claims", json!([{ "path": "a" }])),
        ("/routes/0/claims", json!([{ "path": "a", "equals": 1, "contains": 2 }])),
        ("/routes/0/claims", json!([{ "path": "a", "one_of": [] }])),
        ("/routes/0/claims", json!([{ "path": "a", "equals": { "b": 1 } }])),
        ("/routes/0/claims", json!([{ "path": "a", "starts_with": "" }])),
        ("/routes/0/claims", json!([{ "path": "a", "starts_with": "b", "equals": "b" }])),
        ("/routes/0/claims", json!([{ "path": "a", "if_present": true }])),
        ("/issuers/0/algorithms", json!(["none"])),
        ("/issuers/0/algorithms", json!([])),
        ("/issuers/0/audience", json!("")),
        ("/issuers/0/audience", json!([])),
        ("/issuers/0/keys", json!({})),
        ("/issuers/0/keys", json!({ "secret": "A", "pem": "B" })),
        ("/issuers/0/keys", json!({ "secret": "A", "encoding": "rot13" })),
        ("/issuers/0/expiry", json!("never")),
        ("/issuers/0/profile", json!("RFC9068")),
        ("/issuers/0/preset", json!("auth1")),
        ("/issuers/0", json!({ "name": "a" })),
        ("/issuers/0/sender_constrained", json!("bound")),
        ("/dpop/algorithms", json!([])),
        ("/dpop/replay", json!("everywhere")),
        ("/dpop/replay", json!({})),
        ("/mtls/trust", json!("all")),
        ("/issuers/0", json!({ "preset": "google", "audience": "a", "issuer": "b" })),
        ("/token/sources", json!([])),
        ("/token/sources", json!(["header"])),
        ("/token/sources", json!([{ "cookie": "a", "header": "b" }])),
        ("/token/sources", json!([{}])),
        ("/forward/authorization", json!("drop")),
        ("/forward/claims", json!({ "X-A": "" })),
        ("/forward/headers", json!({ "X-A": "" })),
        ("/forward/location", json!("drop")),
        ("/forward/proof", json!({})),
        ("/forward/identity", json!({})),
        ("/forward/identity/key", json!([])),
        ("/forward/identity/audience", json!("")),
        ("/forward/identity/claims", json!([])),
        ("/forward/identity/claims", json!("sub")),
        ("/cors", json!({})),
        ("/resource/identifier", json!("api")),
        ("/revocation", json!({})),
        ("/revocation/on_error", json!("ignore")),
        ("/log/decisions", json!("some")),
        ("/log/server_timing", json!("yes")),
        ("/rate_limit", json!({})),
        ("/errors/detail", json!("all")),
        ("/orgin", json!("echo")),
    ] {
        check(key, value, false);
    }
}

#[test]
fn both_accept_valid_values() {
    for (key, value) in [
        ("/origin", json!("https://api.example")),
        ("/origin", json!("service:API")),
        ("/origin", json!("zone")),
        ("/origin", json!("https://api.example/base/path")),
        ("/forward/headers", json!({ "X-Api-Key": "ORIGIN_KEY" })),
        ("/forward/headers", json!({ "CF-Access-Client-Secret": "ORIGIN_KEY" })),
        ("/realm", json!("my api")),
        ("/issuers/0/audience", json!(["a", "b"])),
        ("/issuers/0/keys", json!({ "secret": ["A", "B"], "encoding": "hex" })),
        (
            "/issuers/0",
            json!({ "preset": "google", "audience": "a", "sender_constrained": "required" }),
        ),
        ("/issuers/0/sender_constrained", json!("required")),
        ("/dpop/algorithms", json!(["ES384"])),
        ("/dpop/replay", json!("isolate")),
        ("/mtls/trust", json!("any")),
        ("/issuers/0/profile", json!("rfc9068")),
        ("/forward/identity/claims", json!(["sub", "/realm_access/roles"])),
        ("/forward/identity/header", json!("X-Identity")),
        ("/routes/0/claims", json!([{ "path": "/a", "one_of": ["x", 1, true] }])),
        ("/routes/0/methods", json!(["GET", "M-SEARCH"])),
        ("/token/sources", json!(["authorization", { "header": "X-Token" }])),
        ("/forward/claims", json!({ "X-A": "/sub" })),
        ("/cors/allow_headers", json!(["X-A"])),
        ("/log", json!({ "decisions": "all", "analytics": "A", "server_timing": true })),
        ("/errors/detail", json!("reason")),
    ] {
        check(key, value, true);
    }
}
