//! Proofs of possession with DPoP (RFC 9449).

use super::known_keys::KnownKeys;
use super::nonce::{Currency, Nonces};
use super::replay::ReplayStore;
use super::{Thumbprint, uri};
use crate::alg::Algorithm;
use crate::budget;
use crate::json::{self, Object};
use crate::keys::jwk;
use crate::refusal::{Code, Refusal, Step};
use crate::request::Request;
use crate::signature;
use crate::time::{Seconds, UnixSeconds};
use crate::token::Unverified;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;

/// The type of proofs (RFC 9449 section 4.2).
pub(crate) const TYPE: &str = "dpop+jwt";

/// The policy's settings for DPoP. Made by the policy's compiler.
#[derive(Debug)]
pub struct Dpop {
    /// The algorithms of proofs. None of them is symmetric.
    pub algorithms: Vec<Algorithm>,
    /// How long a proof is valid before and after the time at which it says that it was issued.
    pub max_age: Seconds,
    /// The nonces that proofs must contain, if the policy has them.
    pub nonces: Option<Nonces>,
    /// Where the use of proofs is recorded.
    pub replay: ReplayStore,
}

/// What a proof is checked against.
pub(super) struct Examination<'e> {
    pub(super) settings: &'e Dpop,
    pub(super) request: &'e Request<'e>,
    /// The access token that came with the proof.
    pub(super) token: &'e str,
    /// The key that the access token is bound to.
    pub(super) bound_to: &'e Thumbprint,
    pub(super) keys: &'e RefCell<KnownKeys>,
    pub(super) now: UnixSeconds,
}

/// A proof that has passed every check except for replay.
pub(super) struct Proof {
    pub(super) key: Thumbprint,
    /// Its `jti`.
    pub(super) id: String,
    /// Its `iat`.
    pub(super) issued: UnixSeconds,
    pub(super) needs_new_nonce: bool,
}

impl Examination<'_> {
    /// Checks the proof by the numbers of the list in RFC 9449 section 4.3. Numbers 3 and 7 depart
    /// from its order: claims are read once the signature has verified, and a private key is never
    /// imported.
    ///
    /// # Errors
    ///
    /// `missing_proof`, `nonce_required` for number 10, and `invalid_proof` for all others.
    pub(super) fn run(&self) -> Result<Proof, Refusal> {
        let Self { settings, request, token, bound_to, keys, now } = *self;
        // 1. There is not more than one DPoP header. The values of several are joined by commas.
        let Some(text) = request.headers.get("dpop") else {
            return Err(Refusal::new(Code::MissingProof, "the request has no DPoP header"));
        };
        if text.contains(',') {
            return Err(invalid("the request has more than one DPoP header"));
        }
        if text.len() > budget::PROOF_BYTES {
            return Err(invalid("the proof is larger than 4 KiB"));
        }
        // 2. It is a well-formed JWT.
        let malformed =
            |refusal: Refusal| refusal.with_code(Code::InvalidProof).at(Step::Possession);
        let (proof, header) = Unverified::parse_with_header(&text).map_err(malformed)?;
        // 4. Its type.
        if proof.header().media_type.as_deref() != Some(TYPE) {
            return Err(invalid("the proof's typ is not dpop+jwt"));
        }
        // 5. Its algorithm, which is asymmetric and one of the policy's.
        let algorithm = proof.header().algorithm;
        if !settings.algorithms.contains(&algorithm) {
            return Err(invalid("the policy does not accept the proof's alg"));
        }
        // 7. Its key is not private.
        let Some(Value::Object(jwk)) = header.get("jwk") else {
            return Err(invalid("the proof's jwk is not an object"));
        };
        if jwk::has_private_member(jwk) {
            return Err(invalid("the proof's jwk is a private key"));
        }
        // 6. Its signature verifies with this key.
        let thumbprint =
            Thumbprint::of_jwk(jwk).ok_or_else(|| invalid("the proof's jwk is malformed"))?;
        let allowed = [algorithm];
        jwk::check_use(jwk, &allowed)
            .map_err(|_| invalid("the proof's jwk is for another use or algorithm"))?;
        let known = keys.borrow().get(&thumbprint);
        let key = match known.filter(|key| key.algorithms() == allowed) {
            Some(key) => key,
            None => {
                let imported = jwk::import_public(jwk, &allowed);
                Rc::new(imported.map_err(|_| invalid("the proof's jwk cannot be used"))?)
            }
        };
        let payload = signature::verify_proof(proof, &key)
            .ok_or_else(|| invalid("the proof's signature does not verify under its jwk"))?;
        // 3. It contains the required claims.
        let claims = json::parse_object(&payload)
            .map_err(|_| invalid("the proof's payload is not a strict JSON object"))?;
        let (id, method, url) =
            (text_of(&claims, "jti"), text_of(&claims, "htm"), text_of(&claims, "htu"));
        let issued = claims.get("iat").and_then(|iat| UnixSeconds::from_numeric_date(iat).ok());
        let (Some(id), Some(method), Some(url), Some(issued), Some(hash)) =
            (id, method, url, issued, text_of(&claims, "ath"))
        else {
            return Err(invalid("the proof lacks jti, htm, htu, iat or ath"));
        };
        if id.is_empty() || id.len() > budget::PROOF_ID_BYTES {
            return Err(invalid("the proof's jti is empty or longer than 128 bytes"));
        }
        // 8. The method.
        if method != request.method {
            return Err(invalid("the proof is for another method"));
        }
        // 9. The URL.
        if !uri::is_same(url, request.url) {
            return Err(invalid("the proof is for another URL"));
        }
        // 10. The nonce.
        let needs_new_nonce = match &settings.nonces {
            None => false,
            Some(nonces) => self.check_nonce(nonces, claims.get("nonce"))?,
        };
        // 11. The time.
        if now.since(issued) > settings.max_age {
            return Err(invalid("the proof is too old"));
        }
        if issued.since(now) > settings.max_age {
            return Err(invalid("the proof is from the future"));
        }
        // 12. The access token and its key.
        if hash != Base64UrlUnpadded::encode_string(&signature::sha256(token.as_bytes())) {
            return Err(invalid("the proof is for another access token"));
        }
        if thumbprint != *bound_to {
            return Err(invalid("the access token is bound to another key"));
        }
        keys.borrow_mut().keep(thumbprint, &key);
        Ok(Proof { key: thumbprint, id: id.to_owned(), issued, needs_new_nonce })
    }

    /// Checks the nonce. Returns whether the client should get a new one.
    fn check_nonce(&self, nonces: &Nonces, nonce: Option<&Value>) -> Result<bool, Refusal> {
        let required = |because| Err(Refusal::new(Code::NonceRequired, because));
        let Some(nonce) = nonce else { return required("the proof has no nonce") };
        let nonce = nonce.as_str().unwrap_or_default();
        match nonces.judge(nonce, self.settings.max_age, self.now) {
            Currency::Current => Ok(false),
            Currency::Aging => Ok(true),
            Currency::Unacceptable => {
                required("the proof's nonce has expired, or is not one of the gate's")
            }
        }
    }
}

fn text_of<'c>(claims: &'c Object, name: &str) -> Option<&'c str> {
    claims.get(name)?.as_str()
}

/// The refusal of a proof. All look alike to the client.
#[cold]
#[inline(never)]
pub(super) fn invalid(because: &'static str) -> Refusal {
    Refusal::new(Code::InvalidProof, because)
}
