//! The possession step: tokens that are bound to a key (RFC 9449) or to a client certificate (RFC
//! 8705).

mod bound;
mod certificate;
mod challenge;
mod nonce;
mod policy;
mod proof;
mod replay;
mod rfc;
mod thumbprint;
mod uri;

use crate::kit::{Call, Gate, Held, NOW, Signer, b64, hs_issuer, payload, policy, with};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The key of the client.
pub(crate) fn key() -> SigningKey {
    SigningKey::from_slice(&[0x5e; 32]).unwrap()
}

/// The key of somebody else.
pub(crate) fn other_key() -> SigningKey {
    SigningKey::from_slice(&[0x17; 32]).unwrap()
}

pub(crate) fn jwk(key: &SigningKey) -> Value {
    let point = key.verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    json!({ "kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y) })
}

/// The thumbprint of a P-256 key, computed without the code under test.
pub(crate) fn jkt(jwk: &Value) -> String {
    let (x, y) = (jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap());
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    b64(Sha256::digest(members))
}

fn ath(token: &str) -> String {
    b64(Sha256::digest(token))
}

/// Signs a token with this `cnf`.
fn token_with(cnf: &Value) -> String {
    Signer::hs256().signed(payload(&[("cnf", &cnf.to_string())]))
}

/// The client's token, which is bound to its key.
fn token() -> String {
    token_with(&json!({ "jkt": jkt(&jwk(&key())) }))
}

/// A proof to be signed. By default it is valid for `GET https://gate.example/api` with
/// [`token`].
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    key: SigningKey,
}

fn members(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("not an object") };
    members
}

impl Proof {
    fn new() -> Self {
        Self::of(&key(), &token())
    }

    pub(crate) fn of(key: &SigningKey, token: &str) -> Self {
        Self {
            header: members(json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(key) })),
            claims: members(json!({
                "jti": "e1j3V_bKic8-LAEB", "htm": "GET", "htu": "https://gate.example/api",
                "iat": NOW, "ath": ath(token),
            })),
            key: key.clone(),
        }
    }

    /// Replaces a claim.
    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a claim.
    fn without(mut self, name: &str) -> Self {
        assert!(self.claims.remove(name).is_some(), "{name}");
        self
    }

    /// Replaces a member of the header.
    fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a member of the header.
    fn without_header(mut self, name: &str) -> Self {
        assert!(self.header.remove(name).is_some(), "{name}");
        self
    }

    /// Replaces a member of the key in the header. `null` removes it.
    fn jwk(mut self, name: &str, value: impl Into<Value>) -> Self {
        let jwk = self.header["jwk"].as_object_mut().unwrap();
        match value.into() {
            Value::Null => drop(jwk.remove(name)),
            value => drop(jwk.insert(name.to_owned(), value)),
        }
        self
    }

    /// Signs the proof with a key other than the one in its header.
    fn signed_with(mut self, key: SigningKey) -> Self {
        self.key = key;
        self
    }

    pub(crate) fn text(&self) -> String {
        self.raw(json!(self.header).to_string(), json!(self.claims).to_string())
    }

    /// Signs this header and these claims.
    fn raw(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        let input = format!("{}.{}", b64(header), b64(claims));
        let signature: Signature = self.key.sign(input.as_bytes());
        format!("{input}.{}", b64(signature.to_bytes()))
    }
}

/// The client's request with this proof.
fn proved(proof: &str) -> Call {
    call(&token()).header("DPoP", proof)
}

fn call(token: &str) -> Call {
    Call::get("/api").header("Authorization", &format!("DPoP {token}"))
}

fn issuer(kind: &str) -> Value {
    with(hs_issuer(), json!({ "sender_constrained": kind }))
}

fn held() -> Held {
    Held::usual().value("NONCE", "what-only-the-gate-has-for-its-nonces").durable_object("REPLAY")
}

/// Returns a gate that accepts sender-constrained tokens, with further keys of the policy.
fn gate_with(keys: Value) -> Gate {
    Gate::bound(&with(policy(issuer("accepted")), keys), &held())
}

fn gate() -> Gate {
    gate_with(json!({}))
}
