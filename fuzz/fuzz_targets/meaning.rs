//! Builds requests from parts whose meaning is known, and checks that the gate reads the same
//! meaning: which headers are its own, which cookie is the token, whose report mode applies, and
//! which claims satisfy a rule. The target shares no code with the gate for this.

#![no_main]

use arbitrary::Arbitrary;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use libfuzzer_sys::fuzz_target;
use portcullis::gate::{Decision, Evaluation, Memory};
use portcullis::policy::{Bindings, Policy};
use portcullis::request::Request;
use portcullis::time::UnixSeconds;
use serde_json::{Value, json};
use sha2::Sha256;

#[derive(Arbitrary, Debug)]
struct Input {
    path: Target,
    issuer: Issuer,
    /// Whether the token is signed with a secret that no issuer has.
    is_forged: bool,
    is_expired: bool,
    /// Whether the token is sent as a cookie, at this place among the others.
    cookie: Option<u8>,
    cookies: Vec<Cookie>,
    headers: Vec<Header>,
    audience: Audience,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Target {
    Public,
    Api,
    Equals,
    OneOf,
    Contains,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Issuer {
    Enforced,
    Reporting,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Audience {
    One,
    ListOfOne,
    Several,
}

/// Another cookie. `Inside` has a text like the token's pair in its value.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Cookie {
    Plain,
    Quoted,
    Inside,
    Similar,
}

/// A header of the gate's, or one that only looks like it, with other characters for `-`.
#[derive(Arbitrary, Debug)]
struct Header {
    name: u8,
    separators: Vec<u8>,
}

const SECRETS: [&str; 2] = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];
const FORGER: &str = "a secret that no issuer has, of more than 32 bytes";
const OWN: [&str; 6] = [
    "X-Auth-Subject",
    "X-Auth-Payload",
    "X-Forwarded-Host",
    "X-Forwarded-Prefix",
    "X-Original-URL",
    "X-HTTP-Method-Override",
];
const OTHERS: [&str; 2] = ["X-Auth-Subjects", "Accept-Language"];
const SEPARATORS: &[u8] = b"-_.~!#$%&'*+^`|";

struct Given;

impl Bindings for Given {
    fn value(&self, name: &str) -> Option<Value> {
        ["ONE", "TWO"].iter().position(|one| *one == name).map(|index| SECRETS[index].into())
    }

    fn is_service(&self, _: &str) -> bool {
        false
    }

    fn is_kv_namespace(&self, _: &str) -> bool {
        false
    }
}

fn policy() -> Policy {
    let issuer = |name: &str, secret: &str, mode: &str| {
        json!({
            "name": name, "issuer": format!("https://{name}"), "audience": "api", "mode": mode,
            "algorithms": ["HS256"], "keys": { "secret": secret },
        })
    };
    let rule = |name: &str, value: Value| {
        json!({ "path": format!("/{name}"), "claims": [{ "path": "aud", name: value }] })
    };
    let raw = json!({
        "origin": "https://api.example.com",
        "issuers": [issuer("enforced", "ONE", "enforce"), issuer("reporting", "TWO", "report")],
        "token": { "sources": ["authorization", { "cookie": "t" }] },
        "routes": [
            { "path": "/public", "access": "public" },
            { "path": "/api" },
            rule("equals", json!("api")),
            rule("one_of", json!(["api", "never"])),
            rule("contains", json!("api")),
        ],
        "forward": { "claims": { "X-Auth-Subject": "/sub" }, "payload": "X-Auth-Payload" },
    });
    Policy::compile(&raw, &Given).outcome.unwrap()
}

fn token(input: &Input, audience: &str) -> String {
    let (name, secret) = match input.issuer {
        Issuer::Enforced => ("enforced", SECRETS[0]),
        Issuer::Reporting => ("reporting", SECRETS[1]),
    };
    let secret = if input.is_forged { FORGER } else { secret };
    let expires = if input.is_expired { 1 } else { 4_000_000_000_u64 };
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let payload = format!(
        r#"{{"iss":"https://{name}","aud":{audience},"exp":{expires},"sub":"user"}}"#
    );
    let message = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), encode(&payload));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    format!("{message}.{}", Base64UrlUnpadded::encode_string(&mac.finalize().into_bytes()))
}

/// The environment variable in which a server passes a header on (RFC 3875 section 4.1.18).
fn variable(name: &str) -> String {
    let upper = name.chars().map(|c| c.to_ascii_uppercase());
    upper.map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn spelled(header: &Header) -> String {
    let names: Vec<_> = OWN.iter().chain(&OTHERS).collect();
    let name = names[usize::from(header.name) % names.len()];
    let mut separators = header.separators.iter();
    let spell = |c: char| match separators.next() {
        Some(index) if c == '-' => char::from(SEPARATORS[usize::from(*index) % SEPARATORS.len()]),
        Some(index) if index % 2 == 0 => c.to_ascii_lowercase(),
        _ => c,
    };
    name.chars().map(spell).collect()
}

/// What the gate decides: the subject that the origin learns, or a refusal.
fn decide(policy: &Policy, path: &str, headers: &[(String, String)]) -> Result<Option<String>, ()> {
    let url = format!("https://gate.example{path}");
    let headers = headers.to_vec();
    let request = Request { method: "GET", url: &url, headers: &headers };
    let memory = Memory::new(policy);
    let mut evaluation = Evaluation::new(policy, request);
    let decision = evaluation.run(&memory, UnixSeconds::new(2_000_000_000)).unwrap();
    let Decision::Forward(outgoing) = decision else { return Err(()) };
    let own = OWN.map(variable);
    for (name, _) in &headers {
        let is_own = own.contains(&variable(name));
        let is_removed = outgoing.remove.iter().any(|removed| removed == name);
        assert_eq!(is_removed, is_own, "{name} reaches the origin as {}", variable(name));
    }
    let subject = outgoing.set.iter().find(|(name, _)| name == "X-Auth-Subject");
    Ok(subject.map(|(_, subject)| subject.clone()))
}

fuzz_target!(|input: Input| {
    let policy = policy();
    let path = match input.path {
        Target::Public => "/public",
        Target::Api => "/api",
        Target::Equals => "/equals",
        Target::OneOf => "/one_of",
        Target::Contains => "/contains",
    };
    let audience = match input.audience {
        Audience::One => r#""api""#,
        Audience::ListOfOne => r#"["api"]"#,
        Audience::Several => r#"["api","other"]"#,
    };
    let token = token(&input, audience);
    let others = input.cookies.iter().take(4).map(|cookie| match cookie {
        Cookie::Plain => "a=b".to_owned(),
        Cookie::Quoted => "q=\"d, e\"".to_owned(),
        Cookie::Inside => format!("theme=a,t={token}"),
        Cookie::Similar => "tt=1".to_owned(),
    });
    let mut cookies: Vec<_> = others.collect();
    if let Some(place) = input.cookie {
        cookies.insert(usize::from(place) % (cookies.len() + 1), format!("t={token}"));
    }
    let mut headers: Vec<_> =
        input.headers.iter().take(4).map(|header| (spelled(header), "forged".to_owned())).collect();
    if !cookies.is_empty() {
        headers.push(("Cookie".to_owned(), cookies.join("; ")));
    }

    // The token of the request is the cookie of that name, and nothing inside of another cookie.
    let is_valid = !input.is_forged && !input.is_expired;
    let rule_holds = match (input.path, input.audience) {
        (Target::Equals | Target::OneOf, Audience::Several) => false,
        (Target::Public | Target::Api | Target::Contains, _) => true,
        (Target::Equals | Target::OneOf, Audience::One | Audience::ListOfOne) => true,
    };
    let subject = || Ok(Some("user".to_owned()));
    let expected = match (input.path, input.cookie, input.issuer) {
        (Target::Public, ..) => Ok(None),
        (_, None, _) => Err(()),
        (_, Some(_), _) if is_valid && rule_holds => subject(),
        // Report mode excuses what its issuer has signed.
        (_, Some(_), Issuer::Reporting) if !input.is_forged => Ok(None),
        (_, Some(_), Issuer::Enforced | Issuer::Reporting) => Err(()),
    };
    assert_eq!(decide(&policy, path, &headers), expected);
});
