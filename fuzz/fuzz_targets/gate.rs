//! The whole gate on a random request: a refusal is the client's own, what is sent holds to the rules.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use portcullis::gate::{self, Trace};
use portcullis::json;
use portcullis::outgoing::{Outgoing, folded};
use portcullis::policy::{Bindings, Policy};
use portcullis::request::Request;
use portcullis::route::Access;
use portcullis::time::UnixSeconds;
use serde_json::Value;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    policy: &'a [u8],
    method: &'a str,
    path: &'a str,
    headers: Vec<(String, String)>,
    now: i64,
}

struct Given;

impl Bindings for Given {
    fn value(&self, name: &str) -> Option<Value> {
        (name == "SECRET").then(|| Value::from("0123456789abcdef0123456789abcdef"))
    }

    fn is_service(&self, _: &str) -> bool {
        false
    }
}

const POLICY: &str = r#"{
    "origin": "https://api.example.com",
    "issuers": [{ "name": "demo", "issuer": "https://i", "audience": "api", "algorithms": ["HS256"],
        "keys": { "secret": "SECRET" } }],
    "routes": [{ "path": "/public/*", "access": "public" }, { "path": "/maybe/{x}", "access": "optional" },
        { "path": "/api/*", "methods": ["GET"], "scopes": ["read"] }],
    "forward": { "claims": { "X-Auth-Subject": "/sub" }, "payload": "X-Auth-Payload" }
}"#;

fuzz_target!(|input: Input<'_>| {
    let raw = json::parse(input.policy).ok().filter(Value::is_object);
    let raw = raw.or_else(|| json::parse(POLICY.as_bytes()).ok()).unwrap();
    let Ok(policy) = Policy::compile(&raw, &Given).outcome else { return };
    let url = format!("https://gate.example{}", input.path);
    let request = Request { method: input.method, url: &url, headers: &input.headers };
    let mut trace = Trace::default();
    let now = UnixSeconds::new(input.now);
    let outcome = gate::judge(&policy, &request, now, &mut trace);
    let outcome = outcome.and_then(|admitted| {
        assert!(admitted.claims().is_some() || admitted.route().access != Access::Required);
        Outgoing::of(admitted, &request, policy.forwarding())
    });
    match outcome {
        Err(refusal) => {
            let status = refusal.answer(policy.answers(), None).status;
            assert!(matches!(status, 400 | 401 | 403 | 404 | 405 | 508), "{refusal:?}");
        }
        Ok(outgoing) => {
            assert!(outgoing.set.iter().skip(2).all(|(_, value)| {
                value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
            }));
            // Whatever the gate writes, it has taken out of what came.
            for (name, _) in &input.headers {
                let written = outgoing.set.iter().any(|(own, _)| folded(own) == folded(name));
                assert!(!written || outgoing.remove.contains(name));
            }
        }
    }
});
