//! Nothing of a secret, a token or a claim is in a `Debug` output, a refusal or a fault.

use crate::kit::{Call, Gate, Held, Signer, hs_issuer, keys, now, payload, policy, respond, with};
use portcullis::alg::Algorithm;
use portcullis::claims::Claims;
use portcullis::identity::Identity;
use portcullis::keys::Picked;
use portcullis::keys::{Key, Material, Secret, jwk, pem};
use portcullis::policy::Policy;
use portcullis::signature::verify;
use portcullis::token::Unverified;
use serde_json::json;
use std::fmt::Debug;
use std::rc::Rc;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A value of a claim, known by a mark of its own.
const CLAIM: &str = "claim-c1a1";

/// What must not appear: the secret, the claim, and the token's segments.
fn check(what: &str, shown: &str, token: &str) {
    let segments = token.split('.').filter(|segment| segment.len() > 8);
    for hidden in segments.chain([keys::SECRET, CLAIM]) {
        assert!(!shown.contains(hidden), "{what} shows {hidden}: {shown}");
        let bytes = format!("{:?}", hidden.as_bytes());
        let some_bytes = &bytes[1..bytes.len() - 1];
        assert!(!shown.contains(some_bytes), "{what} shows the bytes of {hidden}: {shown}");
    }
}

fn shown(value: &impl Debug) -> String {
    format!("{value:?}\n{value:#?}")
}

fn token() -> String {
    let claim = format!("\"{CLAIM}\"");
    Signer::hs256().token(
        format!(r#"{{"alg":"HS256","kid":"{CLAIM}","x":"{CLAIM}"}}"#),
        payload(&[("sub", &claim), ("scope", &claim), ("email", &claim)]),
    )
}

fn gate() -> Gate {
    let forward = json!({ "claims": { "X-Subject": "/sub" }, "payload": "X-Payload" });
    Gate::new(&with(policy(hs_issuer()), json!({ "forward": forward })))
}

#[test]
fn a_token_shows_lengths() {
    let token = token();
    let unverified = Unverified::parse(&token).unwrap();
    let shown = shown(&unverified);
    check("Unverified", &shown, &token);
    assert!(shown.contains("HS256"));
}

#[test]
fn claims_show_their_number() {
    let (gate, token) = (gate(), token());
    let issuer = &gate.policy.issuers()[0];
    let unverified = Unverified::parse(&token).unwrap();
    let published = &gate.memory.keys;
    let picked = issuer.pick_keys(unverified.header(), published, now(), &mut None).unwrap();
    let Picked::Keys(keys) = picked else { panic!("the policy holds the keys") };
    let verified = verify(unverified, &keys).unwrap();
    let identity = Rc::new(Identity::from_token(verified, issuer, 0).unwrap());
    check("Identity", &shown(&identity), &token);
    check("Evidence", &shown(identity.evidence()), &token);
    let claims = Claims::check(identity, issuer, now()).unwrap();
    check("Claims", &shown(&claims), &token);
}

#[test]
fn what_is_admitted_and_what_is_sent() {
    let (gate, token) = (gate(), token());
    let call = Call::get("/").bearer(&token);
    check("Trace", &shown(&gate.trace(&call, now()).0), &token);
    check("Decision", &shown(&gate.decision(&call)), &token);
    let outgoing = gate.outgoing(&call);
    check("Outgoing", &shown(&outgoing), &token);
}

#[test]
fn a_policy_shows_no_secret() {
    let gate = gate();
    check("Policy", &shown(&gate.policy), "");
    check("Issuer", &shown(&gate.policy.issuers()[0]), "");
    let compilation = Policy::compile(&policy(hs_issuer()), &Held::usual());
    check("Compilation", &shown(&compilation), "");
}

#[test]
fn keys_show_their_names() {
    let secret = || Secret::from_bytes(keys::SECRET.into()).unwrap();
    check("Secret", &shown(&secret()), "");
    let key = Key::new(Material::Secret(secret()), None, &[Algorithm::HS256]).unwrap();
    check("Key", &shown(&key), "");
    let set =
        json!({ "keys": [keys::oct_jwk(keys::SECRET.as_bytes()), { "kty": "oct", "k": "!" }] });
    let set = jwk::import(set.as_object().unwrap(), &[Algorithm::HS256], jwk::Provenance::Operator);
    let encoded = crate::kit::b64(keys::SECRET);
    check("KeySet", &shown(&set.unwrap()), &encoded);
    let set = pem::import(keys::RSA_SPKI, &[Algorithm::RS256]).unwrap();
    let modulus = keys::modulus_and_exponent(keys::RSA_PRIVATE).0;
    check("KeySet", &shown(&set), &modulus);
}

/// Every refusal that a token with marks in every place can meet.
#[test]
fn refusals_hold_nothing_of_the_token() {
    let mark = format!("\"{CLAIM}\"");
    let claims = [
        "iss",
        "aud",
        "sub",
        "exp",
        "nbf",
        "iat",
        "auth_time",
        "jti",
        "cnf",
        "scope",
        "scp",
        "roles",
        "client_id",
        "tenant",
    ];
    let mut raw = policy(with(hs_issuer(), json!({ "subject": "u", "require": ["tenant"] })));
    raw["routes"] = json!([{
        "path": "/*", "scopes": ["a"], "roles": ["b"], "claims": [{ "path": "tenant", "equals": 1 }],
    }]);
    let gate = Gate::new(&raw);
    let mut tokens: Vec<_> = claims
        .iter()
        .flat_map(|name| {
            let one = Signer::hs256().signed(payload(&[(name, &mark)]));
            let list = Signer::hs256().signed(payload(&[(name, &format!("[{mark},1]"))]));
            let table = Signer::hs256().signed(payload(&[(name, &format!("{{{mark}:{mark}}}"))]));
            [one, list, table]
        })
        .collect();
    for member in ["alg", "typ", "cty", "kid", "crit", "b64", "jku"] {
        tokens.push(Signer::hs256().token(format!(r#"{{"{member}":{mark}}}"#), payload(&[])));
        tokens.push(
            Signer::hs256()
                .token(format!(r#"{{"alg":"HS256","kid":1,"{member}":{mark}}}"#), payload(&[])),
        );
    }
    tokens.push(token());
    tokens.push(format!("{}x", token()));
    tokens.push(format!("{}.{CLAIM}", token()));
    for token in tokens {
        let call = Call::get("/").bearer(&token);
        let (trace, sent) = gate.trace(&call, now());
        let refusal = sent.unwrap_err();
        let answer = respond(gate.policy.error_responses(), &refusal, None);
        check("a refusal", &shown(&refusal), &token);
        check("a refusal", refusal.because(), &token);
        check("an answer", &shown(&answer), &token);
        check("a trace", &shown(&trace), &token);
    }
}

/// A secret in a place where something else belongs, and faulty ones where they belong.
#[test]
fn faults_hold_nothing_of_a_secret() {
    let texts = [
        keys::SECRET.to_owned(),
        format!("{} ", keys::SECRET),
        keys::SECRET[..31].to_owned(),
        keys::RSA_PRIVATE.to_owned(),
        format!("{{\"k\":\"{}\"}}", keys::SECRET),
    ];
    let sources = ["secret", "pem", "jwks"];
    let encodings = ["utf8", "base64", "base64url", "hex"];
    for text in &texts {
        for source in sources {
            for encoding in encodings {
                let mut keys = json!({ source: "BOUND" });
                if source == "secret" {
                    keys["encoding"] = json!(encoding);
                }
                for algorithm in ["HS512", "RS256"] {
                    let issuer = json!({ "keys": keys.clone(), "algorithms": [algorithm] });
                    let raw = policy(with(hs_issuer(), issuer));
                    let held = Held::default().value("BOUND", text.as_str());
                    let compilation = Policy::compile(&raw, &held);
                    for part in text.lines().filter(|part| part.len() > 20 && !part.contains("--"))
                    {
                        assert!(!shown(&compilation).contains(part), "{:?}", compilation.outcome);
                    }
                }
            }
        }
    }
}
