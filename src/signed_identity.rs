//! The signed identity: a JWT that the gate signs for the API, in place of the client's credential.
//!
//! The API verifies it with any JWT library and the key set that the gate publishes, and needs no
//! secret. It is signed once per credential, kept beside the cached identity, and reused while more
//! than half of its lifetime remains.

use crate::budget;
use crate::claims::Claims;
use crate::headers::is_authorization;
use crate::json::Object;
use crate::json::text::to_text;
use crate::outgoing::refuse_unsafe_integers;
use crate::path::split_url;
use crate::refusal::{Code, Refusal};
use crate::request::Request;
use crate::response::{OwnResponse, public_document};
use crate::signing::SigningKey;
use crate::time::{Seconds, UnixSeconds};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// The `typ` of signed identities (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";

/// The path of the key set below the issuer's own path.
pub(crate) const KEY_SET_PATH: &str = "/.well-known/jwks.json";

/// How long others may cache the key set.
pub const KEY_SET_MAX_AGE: Seconds = Seconds::new(300);

/// The members that the gate sets, and `cnf`: the API could not check a proof of possession.
pub(crate) const OWN_CLAIMS: [&str; 7] = ["iss", "aud", "exp", "iat", "nbf", "jti", "cnf"];

/// Random bytes that make the `jti` of an identity unique.
pub type Randomness = [u8; 16];

/// The policy's settings for signed identities. Made by the policy's compiler.
#[derive(Debug)]
pub struct SignedIdentity {
    /// The header that contains the identity. Like other identity headers, it belongs to the gate.
    /// In `Authorization`, the identity follows `Bearer`.
    pub header: String,
    /// The `iss`.
    pub issuer: String,
    /// The `aud`.
    pub audience: String,
    /// The claims to copy: the name of each, after those of the objects around it.
    pub claims: Vec<Vec<String>>,
    /// How long an identity is valid, unless the credential expires earlier.
    pub lifetime: Seconds,
    /// The key that signs.
    pub key: SigningKey,
    /// The path of the key set.
    pub key_set_path: String,
    /// The key set as JSON (RFC 7517 section 5): the key that signs, and those before and after it.
    pub key_set: String,
}

impl SignedIdentity {
    /// Returns the claims of an identity that is signed at the time `now`, without its `jti`.
    #[must_use]
    pub fn claims(&self, claims: &Claims<'_>, now: UnixSeconds) -> Object {
        let mut stated = Object::new();
        for path in &self.claims {
            copy(claims.members(), &mut stated, path);
        }
        let mut own = |name: &str, value: Value| stated.insert(name.to_owned(), value);
        own("iss", Value::from(self.issuer.as_str()));
        own("aud", Value::from(self.audience.as_str()));
        own("iat", Value::from(now.get()));
        own("exp", Value::from(self.expiry(claims, now).get()));
        stated
    }

    /// Checks that an identity with these claims can be sent.
    ///
    /// # Errors
    ///
    /// `claim_too_large` if the identity would be larger than [`budget::FORWARDED_CLAIM_BYTES`], or
    /// contains an integer beyond 2^53 - 1, which parsers may read differently.
    pub(crate) fn check(&self, claims: &Claims<'_>) -> Result<(), Refusal> {
        if claims.identity().signed.is_for(&self.key) {
            return Ok(());
        }
        // The rest of the JWT: its header, `jti`, the digits of the times, and the signature.
        const REST: usize = 512;
        let stated = Value::Object(self.claims(claims, UnixSeconds::new(0)));
        refuse_unsafe_integers(&stated)?;
        let size = to_text(&stated).len().saturating_mul(4).div_ceil(3);
        if size > budget::FORWARDED_CLAIM_BYTES.saturating_sub(REST) {
            let because = "the signed identity is larger than 8 KiB";
            return Err(Refusal::new(Code::ClaimTooLarge, because).about(&self.header));
        }
        Ok(())
    }

    /// Returns the value of the header: an identity that was signed for the same credential before,
    /// or one that is signed now.
    #[must_use]
    pub(crate) fn header_value(
        &self,
        claims: &Claims<'_>,
        now: UnixSeconds,
        random: impl FnOnce() -> Randomness,
    ) -> Rc<str> {
        let slot = &claims.identity().signed;
        if let Some(signed) = slot.current(&self.key, now, self.expiry(claims, now)) {
            return signed;
        }
        let mut stated = self.claims(claims, now);
        let id = Base64UrlUnpadded::encode_string(&random());
        stated.insert("jti".to_owned(), Value::from(id));
        let token = self.key.sign(TYPE, stated);
        let value = if is_authorization(&self.header) { format!("Bearer {token}") } else { token };
        slot.keep(Signed {
            key: self.key.id().to_owned(),
            issued: now,
            expires: self.expiry(claims, now),
            value: value.into(),
        })
    }

    /// When an identity expires that is signed at the time `now`: never later than the credential.
    fn expiry(&self, claims: &Claims<'_>, now: UnixSeconds) -> UnixSeconds {
        let latest = now.plus(self.lifetime);
        claims.expires().map_or(latest, |expires| expires.min(latest))
    }

    /// The URL of the key set.
    #[must_use]
    pub fn key_set_url(&self) -> String {
        let issuer = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
        format!("{issuer}{KEY_SET_PATH}")
    }

    /// Responds to a request for the key set, with or without a token. Returns `None` for any other
    /// path.
    ///
    /// # Errors
    ///
    /// `method_not_allowed` for a method other than `GET`, `HEAD` and `OPTIONS`.
    pub fn respond(&self, request: &Request<'_>) -> Result<Option<OwnResponse>, Refusal> {
        if split_url(request.url).path != self.key_set_path {
            return Ok(None);
        }
        public_document(request, &self.key_set, KEY_SET_MAX_AGE).map(Some)
    }
}

/// Copies the value at a path of names, together with the objects around it. A path that does not
/// lead through objects to a value other than null copies nothing.
fn copy(from: &Object, to: &mut Object, path: &[String]) {
    let Some((name, rest)) = path.split_first() else { return };
    match from.get(name) {
        None | Some(Value::Null) => {}
        Some(value) if rest.is_empty() => {
            to.insert(name.clone(), value.clone());
        }
        Some(Value::Object(inner)) => {
            if let Some(Value::Object(members)) = to.get_mut(name) {
                return copy(inner, members, rest);
            }
            let mut members = Object::new();
            copy(inner, &mut members, rest);
            if !members.is_empty() {
                to.insert(name.clone(), Value::Object(members));
            }
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {}
    }
}

/// The identity that was last signed for a credential, if there is one.
#[derive(Default)]
pub(crate) struct SignedSlot(RefCell<Option<Signed>>);

struct Signed {
    key: String,
    issued: UnixSeconds,
    expires: UnixSeconds,
    value: Rc<str>,
}

impl SignedSlot {
    fn is_for(&self, key: &SigningKey) -> bool {
        self.0.borrow().as_ref().is_some_and(|signed| signed.key == key.id())
    }

    /// Returns the identity while more than half of its lifetime remains, or while a new one, which
    /// would expire at `expiry`, would not be valid for longer.
    fn current(&self, key: &SigningKey, now: UnixSeconds, expiry: UnixSeconds) -> Option<Rc<str>> {
        let slot = self.0.borrow();
        let signed = slot.as_ref().filter(|signed| signed.key == key.id())?;
        let lifetime = signed.expires.since(signed.issued).get();
        let remains = signed.expires.since(now).get().saturating_mul(2) > lifetime;
        (remains || signed.expires >= expiry).then(|| Rc::clone(&signed.value))
    }

    fn keep(&self, signed: Signed) -> Rc<str> {
        let value = Rc::clone(&signed.value);
        *self.0.borrow_mut() = Some(signed);
        value
    }
}

/// Does not print the identity, because it is a credential.
impl fmt::Debug for SignedSlot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignedSlot").finish_non_exhaustive()
    }
}
