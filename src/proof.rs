//! The hop proof: a short-lived token that the gate signs. With it, the origin recognizes requests
//! that came through the gate, and can reject all others.

use crate::identity::PROOF_TYPE;
use crate::json::Object;
use crate::keys::Key;
use crate::signature;
use crate::time::{Seconds, UnixSeconds};
use serde_json::{Value, json};

/// The `iss` of the proofs.
pub const ISSUER: &str = "portcullis";

/// The policy's settings for hop proofs. Made by the policy's compiler.
#[derive(Debug)]
pub struct HopProof {
    /// The header that contains the proof. Like identity headers, it belongs to the gate.
    pub header: String,
    /// The secret that only the gate and the origin have. No issuer may use it.
    pub key: Key,
    /// How long a proof is valid.
    pub lifetime: Seconds,
}

/// The facts that a proof states.
pub struct Statement<'s> {
    /// The origin, as the policy names it.
    pub audience: &'s str,
    /// The subject of the request. `None` if it is anonymous.
    pub subject: Option<&'s str>,
    /// The method.
    pub method: &'s str,
    /// The URL that is sent, with path and query.
    pub url: &'s str,
}

impl HopProof {
    /// Makes the proof for one request: a compact JWS (RFC 7515 section 3.1) with HS256.
    ///
    /// Its claims are `iss`, `aud`, `iat`, `exp`, and `htm` and `htu` after RFC 9449 section 4.2,
    /// but with the query in `htu`, and `sub` if the request is not anonymous.
    #[must_use]
    pub fn token(&self, statement: &Statement<'_>, now: UnixSeconds) -> String {
        let mut claims = Object::new();
        let mut claim = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        claim("iss", Value::from(ISSUER));
        claim("aud", Value::from(statement.audience));
        claim("iat", Value::from(now.get()));
        claim("exp", Value::from(now.plus(self.lifetime).get()));
        claim("htm", Value::from(statement.method));
        claim("htu", Value::from(statement.url));
        if let Some(subject) = statement.subject {
            claim("sub", Value::from(subject));
        }
        let header = json!({ "alg": "HS256", "typ": PROOF_TYPE });
        signature::signed(&self.key, &header, &Value::Object(claims))
    }
}
