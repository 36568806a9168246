//! Revocation: which entries of the store are looked up for a token, and what they mean.
//!
//! The store, a key-value namespace, lists what is revoked: a token by its `jti`, a user's tokens
//! by `sub`, a session's tokens by `sid`, and everything that a key has signed by `kid`. This
//! module names the entries and judges their values. It performs no I/O. An answer is remembered
//! for as long as the policy allows.

mod logout;
mod memory;

pub use self::logout::Logout;
pub use self::memory::Revocations;

use crate::claims::Claims;
use crate::json;
use crate::refusal::{Code, Refusal, Step};
use crate::time::{Seconds, UnixSeconds};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use std::ops::RangeInclusive;

/// The shortest time, in seconds, for which Workers KV caches a value in the location that read it
/// (`cacheTtl`).
pub const CACHE_TTL: Seconds = Seconds::new(30);

/// How long an entry may stay in the store, in seconds. The minimum of Workers KV is a minute.
pub const EXPIRATION_TTLS: RangeInclusive<u32> = 60..=31_536_000;

/// How long an entry stays in the store by default: longer than access tokens live.
pub const EXPIRATION_TTL: Seconds = Seconds::new(7 * 24 * 60 * 60);

/// The longest key of Workers KV, in bytes.
const KEY_BYTES: usize = 512;

/// How long an entry is not read again after the store has failed to return it.
const PAUSE: Seconds = Seconds::new(5);

/// The policy's settings for revocation.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// The binding of the KV namespace.
    pub namespace: String,
    /// How stale an answer may be because of the gate: the time for which KV caches it plus the
    /// time for which an isolate remembers it. The time that KV takes to distribute a write comes
    /// on top.
    pub max_staleness: Seconds,
    /// What happens to a request while the store cannot be read.
    pub on_error: OnError,
    /// The endpoint at which providers report logouts, if the policy has one.
    pub logout: Option<LogoutEndpoint>,
}

/// An endpoint for OpenID Connect Back-Channel Logout 1.0.
#[derive(Clone, Debug)]
pub struct LogoutEndpoint {
    /// Its path, compared byte for byte.
    pub path: String,
    /// Accepted values of a logout token's `aud`: the client's IDs at the provider. `None` accepts
    /// those of the issuer's access tokens.
    pub audience: Option<Vec<String>>,
    /// How long the entries that it writes stay in the store: longer than any access token lives.
    pub expiration_ttl: Seconds,
}

/// What happens to a request while the store cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// It is refused: `revocation_unavailable`.
    #[default]
    Refuse,
    /// It passes, and the failure is logged.
    Allow,
}

/// What an entry revokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// This one token (RFC 7519 section 4.1.7).
    Jti,
    /// Every token of a user (RFC 7519 section 4.1.2) that was issued up to a time.
    Sub,
    /// Every token of a session (OpenID Connect Front-Channel Logout 1.0 section 3).
    Sid,
    /// Every token that a key has signed, by the key's name in logs: its `kid` or its thumbprint.
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

/// An entry of the store. Its key is `jti:ISSUER_NAME:VALUE`, with the policy's name for the
/// issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it revokes.
    pub subject: Subject,
    /// Its key in the store, at most 512 bytes. A value that would make it longer is replaced by
    /// the base64url of its SHA-256.
    pub key: String,
}

impl Entry {
    /// The entry that revokes tokens by this value.
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

    /// What the store's value for this entry means. Any value that is not a cut-off time revokes
    /// unconditionally.
    #[must_use]
    pub fn meaning(&self, stored: Option<&str>) -> Standing {
        let Some(text) = stored else { return Standing::Good };
        match self.subject {
            Subject::Sub => match text.trim().parse() {
                Ok(seconds) => Standing::RevokedUpTo(UnixSeconds::new(seconds)),
                Err(_) => Standing::Revoked,
            },
            Subject::Jti | Subject::Sid | Subject::Kid => Standing::Revoked,
        }
    }
}

/// What one entry says about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no such entry.
    Good,
    /// Revoked.
    Revoked,
    /// Revoked if it was issued at or before this time, or has no `iat`.
    RevokedUpTo(UnixSeconds),
    /// The store could not be read.
    Unknown,
}

impl Revocation {
    /// How long an isolate remembers an answer.
    #[must_use]
    pub fn remembered_for(&self) -> Seconds {
        let rest = self.max_staleness.get().saturating_sub(CACHE_TTL.get());
        // At least a second, so that a request can use the entries that were read for it.
        Seconds::new(rest.max(1))
    }

    /// Checks claims against the remembered entries of the store. `issuer` is the policy's name for
    /// their issuer.
    ///
    /// # Errors
    ///
    /// `revoked`; `revocation_unavailable` if the store could not be read and the policy does not
    /// let the request pass then; `invalid_claim` for a `sid` that is not a string.
    pub(crate) fn check(
        revocation: Option<&Self>,
        issuer: &str,
        claims: &Claims<'_>,
        remembered: &Revocations,
        now: UnixSeconds,
    ) -> Result<Lookup, Refusal> {
        let Some(revocation) = revocation else { return Ok(Lookup::NotRevoked(NotRevoked(()))) };
        let issued = claims.at("iat").and_then(|iat| UnixSeconds::from_numeric_date(iat).ok());
        let mut is_unreadable = false;
        let mut needed = Vec::new();
        for entry in entries(issuer, claims)? {
            match remembered.standing(&entry, revocation.remembered_for(), now) {
                Some(Standing::Good) => {}
                Some(Standing::Revoked) => return Err(revoked()),
                Some(Standing::RevokedUpTo(time)) => {
                    if issued.is_none_or(|issued| issued <= time) {
                        return Err(revoked());
                    }
                }
                Some(Standing::Unknown) => is_unreadable = true,
                None => needed.push(entry),
            }
        }
        if !needed.is_empty() {
            return Ok(Lookup::Needed(needed));
        }
        match revocation.on_error {
            OnError::Refuse if is_unreadable => Err(unavailable()),
            OnError::Refuse | OnError::Allow => Ok(Lookup::NotRevoked(NotRevoked(()))),
        }
    }
}

/// The proof that claims have been checked for revocation. Only [`Revocation::check`] makes one.
#[derive(Debug)]
pub(crate) struct NotRevoked(());

/// The result of looking claims up in the remembered entries.
pub(crate) enum Lookup {
    /// No entry revokes them.
    NotRevoked(NotRevoked),
    /// These entries have to be read first.
    Needed(Vec<Entry>),
}

/// The refusal that applies if the store has not been read: `revocation_unavailable`.
pub(crate) fn unavailable() -> Refusal {
    Refusal::new(Code::RevocationUnavailable, "the revocation store has not answered")
        .retrying_after(PAUSE)
}

const fn revoked() -> Refusal {
    Refusal::new(
        Code::Revoked,
        "the revocation store lists the token, its user, its session or its key",
    )
}

/// The entries by which claims may be revoked.
fn entries(issuer: &str, claims: &Claims<'_>) -> Result<Vec<Entry>, Refusal> {
    let signature = claims.identity().evidence().signature();
    let mut entries: Vec<_> =
        signature.map(|one| Entry::new(Subject::Kid, issuer, &one.key)).into_iter().collect();
    for subject in [Subject::Jti, Subject::Sub, Subject::Sid] {
        let value = json::optional_string(claims.members(), subject.as_str()).map_err(|_| {
            let because = "jti, sub or sid is not a string, so it cannot be looked up";
            Refusal::new(Code::InvalidClaim, because).at(Step::Revocation)
        })?;
        entries.extend(value.map(|value| Entry::new(subject, issuer, value)));
    }
    Ok(entries)
}
