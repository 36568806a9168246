//! Proofs of possession with DPoP (RFC 9449).

use super::known_keys::KnownKeys;
use super::nonce::{Currency, Nonces};
use super::replay::ReplayStore;
use super::{Thumbprint, uri};
use crate::alg::Algorithm;
use crate::budget;
use crate::json::{self, Object};
use crate::keys::{Key, jwk};
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

/// The reason why a proof is rejected. It is smaller than a refusal, because many checks return it.
enum Fault {
    /// It is invalid for this reason.
    Invalid(&'static str),
    /// It cannot be parsed.
    Malformed(Refusal),
    /// It has no current nonce.
    Nonce(&'static str),
}

impl From<&'static str> for Fault {
    fn from(because: &'static str) -> Self {
        Self::Invalid(because)
    }
}

impl Examination<'_> {
    /// Checks the proof by the numbers of the list in RFC 9449 section 4.3. Numbers 3 and 7 depart
    /// from its order: claims are read once the signature has verified, and a private key is never
    /// imported.
    ///
    /// # Errors
    ///
    /// `missing_proof`, `nonce_required` for number 10, and `invalid_proof` for all others.
    #[inline(never)]
    pub(super) fn run(&self) -> Result<Proof, Refusal> {
        let Some(text) = self.request.headers.get("dpop") else {
            return Err(Refusal::new(Code::MissingProof, "the request has no DPoP header"));
        };
        self.check(&text).map_err(|fault| match fault {
            Fault::Invalid(because) => invalid(because),
            Fault::Malformed(refusal) => refusal.with_code(Code::InvalidProof).at(Step::Possession),
            Fault::Nonce(because) => Refusal::new(Code::NonceRequired, because),
        })
    }

    fn check(&self, text: &str) -> Result<Proof, Fault> {
        // 1. There is not more than one DPoP header. The values of several are joined by commas.
        ensure(!text.contains(','), "the request has more than one DPoP header")?;
        ensure(text.len() <= budget::PROOF_BYTES, "the proof is larger than 4 KiB")?;
        // 2. It is a well-formed JWT.
        let (proof, header) = Unverified::parse_with_header(text).map_err(Fault::Malformed)?;
        // 4. Its type.
        let media_type = proof.header().media_type.as_deref();
        ensure(media_type == Some(TYPE), "the proof's typ is not dpop+jwt")?;
        // 5. Its algorithm, which is asymmetric and one of the policy's.
        let algorithm = proof.header().algorithm;
        let is_accepted = self.settings.algorithms.contains(&algorithm);
        ensure(is_accepted, "the policy does not accept the proof's alg")?;
        // 6. Its signature verifies with the key that it contains.
        let (thumbprint, key) = self.key(&header, algorithm)?;
        let payload = signature::verify_proof(proof, &key)
            .ok_or("the proof's signature does not verify under its jwk")?;
        // 3. It contains the required claims.
        let claims = json::parse_object(&payload)
            .map_err(|_| "the proof's payload is not a strict JSON object")?;
        let text = |name| claims.get(name).and_then(Value::as_str);
        let issued = claims.get("iat").and_then(|iat| UnixSeconds::from_numeric_date(iat).ok());
        let (Some(id), Some(method), Some(url), Some(issued), Some(hash)) =
            (text("jti"), text("htm"), text("htu"), issued, text("ath"))
        else {
            return Err("the proof lacks jti, htm, htu, iat or ath".into());
        };
        let is_short = (1..=budget::PROOF_ID_BYTES).contains(&id.len());
        ensure(is_short, "the proof's jti is empty or longer than 128 bytes")?;
        // 8. The method.
        ensure(method == self.request.method, "the proof is for another method")?;
        // 9. The URL.
        ensure(uri::is_same(url, self.request.url), "the proof is for another URL")?;
        // 10. The nonce.
        let needs_new_nonce = match &self.settings.nonces {
            None => false,
            Some(nonces) => self.check_nonce(nonces, claims.get("nonce"))?,
        };
        // 11. The time.
        let (now, max_age) = (self.now, self.settings.max_age);
        ensure(now.since(issued) <= max_age, "the proof is too old")?;
        ensure(issued.since(now) <= max_age, "the proof is from the future")?;
        // 12. The access token and its key.
        let expected = Base64UrlUnpadded::encode_string(&signature::sha256(self.token.as_bytes()));
        ensure(hash == expected, "the proof is for another access token")?;
        ensure(thumbprint == *self.bound_to, "the access token is bound to another key")?;
        self.keys.borrow_mut().keep(thumbprint, &key);
        Ok(Proof { key: thumbprint, id: id.to_owned(), issued, needs_new_nonce })
    }

    /// The key in the header, which is a public key for this algorithm, and its thumbprint.
    fn key(&self, header: &Object, algorithm: Algorithm) -> Result<(Thumbprint, Rc<Key>), Fault> {
        let Some(Value::Object(jwk)) = header.get("jwk") else {
            return Err("the proof's jwk is not an object".into());
        };
        // 7. It is not a private key.
        ensure(!jwk::has_private_member(jwk), "the proof's jwk is a private key")?;
        let thumbprint = Thumbprint::of_jwk(jwk).ok_or("the proof's jwk is malformed")?;
        let allowed = [algorithm];
        jwk::check_use(jwk, &allowed)
            .map_err(|_| "the proof's jwk is for another use or algorithm")?;
        let known = self.keys.borrow().get(&thumbprint);
        if let Some(key) = known.filter(|key| key.algorithms() == allowed) {
            return Ok((thumbprint, key));
        }
        let imported = jwk::import_public(jwk, &allowed);
        Ok((thumbprint, Rc::new(imported.map_err(|_| "the proof's jwk cannot be used")?)))
    }

    /// Checks the nonce. Returns whether the client should get a new one.
    fn check_nonce(&self, nonces: &Nonces, nonce: Option<&Value>) -> Result<bool, Fault> {
        let nonce = nonce.ok_or(Fault::Nonce("the proof has no nonce"))?;
        let nonce = nonce.as_str().unwrap_or_default();
        match nonces.judge(nonce, self.settings.max_age, self.now) {
            Currency::Current => Ok(false),
            Currency::Aging => Ok(true),
            Currency::Unacceptable => {
                Err(Fault::Nonce("the proof's nonce has expired, or is not one of the gate's"))
            }
        }
    }
}

/// Fails with this reason if a condition does not hold.
fn ensure(holds: bool, because: &'static str) -> Result<(), &'static str> {
    holds.then_some(()).ok_or(because)
}

/// The refusal of a proof. All look alike to the client.
#[cold]
#[inline(never)]
pub(super) fn invalid(because: &'static str) -> Refusal {
    Refusal::new(Code::InvalidProof, because)
}
