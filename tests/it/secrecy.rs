//! `Debug` output, refusals and faults contain no secret, no token and no claim value.

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

/// A claim value that is easy to find in output.
const CLAIM: &str = "claim-c1a1";

/// Checks that a text contains neither the secret, the claim value nor a segment of the token, as
/// text or as a list of bytes.
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
fn debug_output_of_a_token_shows_no_segment() {
    let token = token();
    let unverified = Unverified::parse(&token).unwrap();
    let shown = shown(&unverified);
    check("Unverified", &shown, &token);
    assert!(shown.contains("HS256"));
}

#[test]
fn debug_output_of_claims_shows_no_claim_value() {
    let (gate, token) = (gate(), token());
    let issuer = &gate.policy.issuers()[0];
    let unverified = Unverified::parse(&token).unwrap();
    let published = &gate.memory.keys;
    let picked = issuer.pick_keys(unverified.header(), published, now(), &mut None).unwrap();
    let Picked::Keys(keys) = picked else { panic!("no keys have to be fetched") };
    let verified = verify(unverified, &keys).unwrap();
    let identity = Rc::new(Identity::from_token(verified, issuer, 0).unwrap());
    check("Identity", &shown(&identity), &token);
    check("Evidence", &shown(identity.evidence()), &token);
    let claims = Claims::check(identity, issuer, now()).unwrap();
    check("Claims", &shown(&claims), &token);
}

#[test]
fn debug_output_of_decisions_shows_no_token_or_claim_value() {
    let (gate, token) = (gate(), token());
    let call = Call::get("/").bearer(&token);
    check("Trace", &shown(&gate.trace(&call, now()).0), &token);
    check("Decision", &shown(&gate.decision(&call)), &token);
    let outgoing = gate.outgoing(&call);
    check("Outgoing", &shown(&outgoing), &token);
}

#[test]
fn debug_output_of_a_policy_shows_no_secret() {
    let gate = gate();
    check("Policy", &shown(&gate.policy), "");
    let identity = json!({ "key": "KEY", "issuer": "https://gate.example", "audience": "api" });
    let raw = with(policy(hs_issuer()), json!({ "forward": { "identity": identity } }));
    let signing = Gate::bound(&raw, &Held::usual().value("KEY", keys::ED25519_PRIVATE));
    let call = Call::get("/").bearer(&token());
    let outgoing = signing.outgoing(&call);
    let (_, signed) = outgoing.signed_identity(now, || [1; 16]).unwrap();
    let seed = keys::ED25519_PRIVATE.lines().nth(1).unwrap();
    for text in [shown(&signing.policy), shown(&signing.memory), shown(&outgoing)] {
        check("an identity", &text, &signed);
        assert!(!text.contains(&seed[16..]), "{text}");
    }
    check("Issuer", &shown(&gate.policy.issuers()[0]), "");
    let compilation = Policy::compile(&policy(hs_issuer()), &Held::usual());
    check("Compilation", &shown(&compilation), "");
}

#[test]
fn debug_output_of_keys_shows_no_key_material() {
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

/// Puts the marked value into every claim and header member, in several JSON types.
#[test]
fn refusals_contain_nothing_from_the_token() {
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
        "path": "/*", "scopes": ["a"], "roles": ["b"],
        "claims": [{ "path": "tenant", "equals": 1 }],
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

/// Binds valid, malformed and too short secrets to every source of keys, with every encoding.
#[test]
fn faults_contain_nothing_from_a_secret() {
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
