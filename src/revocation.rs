//! Revocation: what is looked up of a verified token, and how the answer is judged.
//!
//! A key-value store says what is no longer good: a token by its `jti`, a user's tokens by `sub`, a
//! session's by `sid`, whatever a key has signed by `kid`. This module names the entries and judges what
//! was read; it reads nothing itself. An answer is remembered for as long as the policy lets it be stale.

mod logout;
mod memory;

pub use self::logout::Logout;
pub use self::memory::Revocations;

use crate::claims::Claims;
use crate::refusal::{Code, Refusal, Step};
use crate::time::{Seconds, UnixSeconds};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::ops::RangeInclusive;

/// The least time, in seconds, for which Workers KV caches what was read where it was read (`cacheTtl`).
pub const CACHE_TTL: Seconds = Seconds::new(30);

/// How long an entry may stay in the store, in seconds. Workers KV keeps nothing for less than a minute.
pub const EXPIRATION_TTLS: RangeInclusive<u32> = 60..=31_536_000;

/// How long an entry stays in the store unless something else is said: longer than access tokens live.
pub const EXPIRATION_TTL: Seconds = Seconds::new(7 * 24 * 60 * 60);

/// Bytes of a key of Workers KV, at most.
const KEY_BYTES: usize = 512;

/// How long a store that failed is not asked again for the same entry.
const PAUSE: Seconds = Seconds::new(5);

/// What the policy says of revocation.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// The binding of the KV namespace.
    pub namespace: String,
    /// How old an answer may be by our doing: the time that KV caches it for and the time that an isolate
    /// remembers it for, together. What KV takes to spread a write comes on top.
    pub max_staleness: Seconds,
    /// What becomes of a request while the store cannot be read.
    pub on_error: OnError,
    /// Where providers report that a user has logged out, if anywhere.
    pub logout: Option<LogoutEndpoint>,
}

/// An endpoint for OpenID Connect Back-Channel Logout 1.0.
#[derive(Clone, Debug)]
pub struct LogoutEndpoint {
    /// Its path, compared byte for byte.
    pub path: String,
    /// Values of `aud` that a logout token may have: the client's identifiers at the provider. `None`
    /// accepts those of the issuer's access tokens.
    pub audience: Option<Vec<String>>,
    /// How long what it writes stays in the store: longer than any access token lives.
    pub expiration_ttl: Seconds,
}

/// What becomes of a request while the store cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// It is refused: `revocation_unavailable`.
    #[default]
    Refuse,
    /// It is let through, and the failure is logged.
    Allow,
}

/// By what a token is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// This one token (RFC 7519 section 4.1.7).
    Jti,
    /// Every token of a user (RFC 7519 section 4.1.2) that was issued up to a time.
    Sub,
    /// Every token of a session (OpenID Connect Front-Channel Logout 1.0 section 3).
    Sid,
    /// Every token that a key has signed, by the key's name in logs: its `kid` or thumbprint.
    Kid,
}

impl Subject {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Jti => "jti",
            Self::Sub => "sub",
            Self::Sid => "sid",
            Self::Kid => "kid",
        }
    }
}

/// An entry of the store, by its key: `jti:ISSUER_NAME:VALUE`, where the issuer's name is the policy's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// By what it revokes.
    pub subject: Subject,
    /// Its key in the store, at most 512 bytes. A value that would make it longer stands there as the
    /// base64url of its SHA-256.
    pub key: String,
}

impl Entry {
    /// The entry that revokes by this value.
    #[must_use]
    pub fn new(subject: Subject, issuer: &str, value: &str) -> Self {
        let prefix = format!("{}:{issuer}:", subject.as_str());
        let fits = prefix.len().saturating_add(value.len()) <= KEY_BYTES;
        let key = if fits {
            format!("{prefix}{value}")
        } else {
            format!("{prefix}{}", Base64UrlUnpadded::encode_string(&Sha256::digest(value)))
        };
        Self { subject, key }
    }

    /// What the store's text for this key means. Whatever cannot be read as narrowing it down revokes.
    #[must_use]
    pub fn meaning(&self, stored: Option<&str>) -> Standing {
        match (self.subject, stored) {
            (_, None) => Standing::Good,
            (Subject::Sub, Some(text)) => match text.trim().parse() {
                Ok(seconds) => Standing::RevokedUpTo(UnixSeconds::new(seconds)),
                Err(_) => Standing::Revoked,
            },
            (_, Some(_)) => Standing::Revoked,
        }
    }
}

/// How a token stands by one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no such entry.
    Good,
    /// Revoked.
    Revoked,
    /// Revoked if issued by then, or if it does not say when it was issued.
    RevokedUpTo(UnixSeconds),
    /// The store could not be read.
    Unknown,
}

impl Revocation {
    /// How long an isolate remembers an answer.
    #[must_use]
    pub fn remembered_for(&self) -> Seconds {
        let rest = self.max_staleness.get().saturating_sub(CACHE_TTL.get());
        // A request has to be able to use what was read for it.
        Seconds::new(rest.max(1))
    }

    /// Judges a token's claims by what is remembered of the store; `wanted` names what has to be read
    /// before this can be asked again.
    ///
    /// # Errors
    ///
    /// `revoked`; `revocation_unavailable` where the store has not been asked yet, or could not answer and
    /// the policy does not let that pass; `invalid_claim` for a `sid` that is not a string.
    pub fn check(
        &self,
        issuer: &str,
        key: &str,
        claims: &Claims<'_>,
        remembered: &Revocations,
        now: UnixSeconds,
        wanted: &mut Vec<Entry>,
    ) -> Result<(), Refusal> {
        let issued = claims.at("iat").and_then(|iat| UnixSeconds::from_numeric_date(iat).ok());
        let mut is_unknown = false;
        for entry in entries(issuer, key, claims)? {
            match remembered.standing(&entry, self.remembered_for(), now) {
                Some(Standing::Good) => {}
                Some(Standing::Revoked) => return Err(revoked()),
                Some(Standing::RevokedUpTo(time)) => {
                    if issued.is_none_or(|issued| issued <= time) {
                        return Err(revoked());
                    }
                }
                Some(Standing::Unknown) => is_unknown = true,
                None => wanted.push(entry),
            }
        }
        let is_let_pass = self.on_error == OnError::Allow && wanted.is_empty();
        if wanted.is_empty() && !is_unknown || is_let_pass {
            return Ok(());
        }
        Err(Refusal::new(Code::RevocationUnavailable, "the revocation store has not answered")
            .retrying_after(PAUSE))
    }
}

const fn revoked() -> Refusal {
    Refusal::new(Code::Revoked, "revoked in the store")
}

/// The entries by which a token may be revoked.
fn entries(issuer: &str, key: &str, claims: &Claims<'_>) -> Result<Vec<Entry>, Refusal> {
    let mut entries = vec![Entry::new(Subject::Kid, issuer, key)];
    for subject in [Subject::Jti, Subject::Sub, Subject::Sid] {
        match claims.at(subject.as_str()) {
            None => {}
            Some(Value::String(value)) => entries.push(Entry::new(subject, issuer, value)),
            Some(_) => {
                return Err(Refusal::new(
                    Code::InvalidClaim,
                    "jti, sub or sid is not a string, so that it cannot be looked up",
                )
                .at(Step::Revocation));
            }
        }
    }
    Ok(entries)
}
