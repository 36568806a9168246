//! Runs the whole gate on a random request. Checks the status of every response, and the headers of
//! every outgoing request.

#![no_main]

use arbitrary::Arbitrary;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use libfuzzer_sys::fuzz_target;
use portcullis::gate::{Decision, Evaluation, Memory};
use portcullis::headers::folded;
use portcullis::json;
use portcullis::policy::{Bindings, Policy};
use portcullis::request::Request;
use portcullis::route::Access;
use portcullis::time::UnixSeconds;
use serde_json::Value;
use sha2::Sha256;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    policy: &'a [u8],
    method: &'a str,
    path: &'a str,
    headers: Vec<(String, String)>,
    /// Further members of a JOSE header and a payload. The target signs them, so that fuzzing
    /// reaches the checks after the signature.
    signed: Option<(&'a str, &'a str)>,
    now: i64,
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn sign(header: &str, payload: &str) -> String {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let header = encode(&format!(r#"{{"alg":"HS256"{header}}}"#));
    let payload = encode(&format!(r#"{{"iss":"https://i","aud":"api","exp":9e12,{payload}}}"#));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{header}.{payload}").as_bytes());
    let tag = Base64UrlUnpadded::encode_string(&mac.finalize().into_bytes());
    format!("Bearer {header}.{payload}.{tag}")
}

struct Given;

impl Bindings for Given {
    fn value(&self, name: &str) -> Option<Value> {
        (name == "SECRET").then(|| Value::from(SECRET))
    }

    fn is_service(&self, _: &str) -> bool {
        false
    }

    fn is_kv_namespace(&self, _: &str) -> bool {
        false
    }
}

const POLICY: &str = r#"{
    "origin": "https://api.example.com",
    "issuers": [{ "name": "demo", "issuer": "https://i", "audience": "api", "algorithms": ["HS256"],
        "keys": { "secret": "SECRET" } }],
    "routes": [{ "path": "/public/*", "access": "public" },
        { "path": "/maybe/{x}", "access": "optional" },
        { "path": "/api/*", "methods": ["GET"], "scopes": ["read"] }],
    "token": { "sources": ["authorization", { "cookie": "t" }, { "header": "X-T" },
        { "query": "t" }, "websocket-protocol"] },
    "forward": { "claims": { "X-Auth-Subject": "/sub" }, "payload": "X-Auth-Payload" }
}"#;

fuzz_target!(|input: Input<'_>| {
    let raw = json::parse(input.policy).ok().filter(Value::is_object);
    let raw = raw.or_else(|| json::parse(POLICY.as_bytes()).ok()).unwrap();
    let Ok(policy) = Policy::compile(&raw, &Given).outcome else { return };
    let url = format!("https://gate.example{}", input.path);
    let mut headers = input.headers;
    if let Some((header, payload)) = input.signed {
        headers.push(("Authorization".to_owned(), sign(header, payload)));
    }
    let request = Request { method: input.method, url: &url, headers: &headers };
    let memory = Memory::new(&policy);
    let mut evaluation = Evaluation::new(&policy, request);
    let now = UnixSeconds::new(input.now);
    let decision = loop {
        // The target fetches nothing, but the gate must reach a decision nevertheless.
        if let Ok(decision) = evaluation.run(&memory, now) {
            break decision;
        }
    };
    match decision {
        Decision::Respond(response) => assert!(matches!(response.status, 200 | 204)),
        Decision::Refuse(refusal) => {
            let status = policy.error_responses().respond(&refusal, &request, None).status;
            assert!(matches!(status, 400 | 401 | 403 | 404 | 405 | 503 | 508), "{refusal:?}");
        }
        Decision::Forward(outgoing) => {
            let route = evaluation.trace().route.unwrap();
            assert!(
                !outgoing.is_anonymous()
                    || outgoing.reported().is_some()
                    || route.access() != Access::Required
            );
            // These headers may contain any bytes: the first two contain what the client sent
            // besides the token, and the others contain parts of the URL.
            let shared =
                ["Cookie", "Sec-WebSocket-Protocol", "X-Forwarded-Host", "X-Forwarded-Proto"];
            let own = outgoing.set.iter().filter(|(name, _)| !shared.contains(&&**name));
            for (_, value) in own {
                assert!(value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            }
            // The gate removes every incoming header that it sets.
            for (name, _) in &headers {
                let written = outgoing.set.iter().any(|(own, _)| folded(own) == folded(name));
                assert!(!written || outgoing.remove.iter().any(|removed| removed == name));
            }
        }
    }
});
