//! What the isolates of a data center share through the Cache API: fetched key sets, and failures.
//!
//! Every Worker of the same zone can write to that cache, under any URL. The gate therefore trusts
//! only entries that were authenticated with a secret of its own, and shares nothing without one.
//! The tag covers the entry's URL, so an entry cannot be moved to another issuer.

use super::cache::{Dated, FRESH_AT_MOST};
use super::{Key, KeyFault, Material, RemoteKeys, Secret};
use crate::alg::Algorithm;
use crate::json::text::{ObjectText, array, quoted};
use crate::json::{self, Object};
use crate::signature;
use crate::time::{Seconds, UnixSeconds};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

/// How far the clocks of machines may differ. An entry further in the future is ignored.
const SKEW: Seconds = Seconds::new(60);

/// Separates the key for entries from any other use of the same secret.
const PURPOSE: &[u8] = b"portcullis shared cache";

/// The key that authenticates shared entries. Made by the policy's compiler.
#[derive(Debug)]
pub struct SharedCache {
    key: Key,
}

/// A JWK Set that an isolate has fetched.
#[derive(Debug)]
pub struct SharedSet {
    /// The set as received.
    pub document: Dated<Vec<u8>>,
    /// Its URL, if it was discovered.
    pub jwks_uri: Option<Dated<String>>,
}

/// The kind of an entry. A failure has an entry of its own, so it never replaces a valid set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A fetched set.
    Set,
    /// The time of the last failed attempt.
    Failure,
}

impl EntryKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Failure => "failure",
        }
    }
}

impl SharedCache {
    /// Derives the key for entries from a secret.
    ///
    /// # Errors
    ///
    /// [`KeyFault`] if `secret` is not an HMAC secret.
    pub fn new(secret: &Key) -> Result<Self, KeyFault> {
        let derived = Secret::from_bytes(signature::tag(secret, PURPOSE))?;
        let key = Key::new(Material::Secret(derived), None, &[Algorithm::HS256])?;
        Ok(Self { key })
    }

    /// Reads the entry of a set. Returns `None` if it was not authenticated with this key, for this
    /// location of keys.
    #[must_use]
    pub fn open_set(&self, remote: &RemoteKeys, text: &str, now: UnixSeconds) -> Option<SharedSet> {
        let entry = self.open(remote, EntryKind::Set, text)?;
        let document = entry.get("document")?.as_str()?.as_bytes().to_vec();
        let document = dated(&entry, document, now)?;
        let jwks_uri = entry.get("jwks_uri").and_then(|found| {
            let found = found.as_object()?;
            dated(found, found.get("url")?.as_str()?.to_owned(), now)
        });
        Some(SharedSet { document, jwks_uri })
    }

    /// Writes the entry of a set. Returns `None` if the set is not UTF-8.
    #[must_use]
    pub fn seal_set(
        &self,
        remote: &RemoteKeys,
        document: &Dated<Vec<u8>>,
        jwks_uri: Option<&Dated<String>>,
    ) -> Option<String> {
        let mut entry = dated_text(document);
        entry.text("document", Some(std::str::from_utf8(&document.value).ok()?));
        if let Some(found) = jwks_uri {
            let mut member = dated_text(found);
            member.text("url", Some(&found.value));
            entry.json("jwks_uri", &member.finish());
        }
        Some(self.seal(remote, EntryKind::Set, entry))
    }

    /// Reads when the last failed attempt began. Returns `None` for an entry that was not
    /// authenticated, as [`SharedCache::open_set`] does.
    #[must_use]
    pub fn open_failure(
        &self,
        remote: &RemoteKeys,
        text: &str,
        now: UnixSeconds,
    ) -> Option<UnixSeconds> {
        past(&self.open(remote, EntryKind::Failure, text)?, "began", now)
    }

    /// Writes the entry of a failed attempt.
    #[must_use]
    pub fn seal_failure(&self, remote: &RemoteKeys, began: UnixSeconds) -> String {
        let mut entry = ObjectText::new();
        entry.number("began", began.get());
        self.seal(remote, EntryKind::Failure, entry)
    }

    /// An entry is its tag, base64url, and its members as JSON, with a line feed between them.
    fn seal(&self, remote: &RemoteKeys, kind: EntryKind, entry: ObjectText) -> String {
        let entry = entry.finish();
        let tag = signature::tag(&self.key, &message(remote, kind, &entry));
        format!("{}\n{entry}", Base64UrlUnpadded::encode_string(&tag))
    }

    fn open(&self, remote: &RemoteKeys, kind: EntryKind, text: &str) -> Option<Object> {
        let (tag, entry) = text.split_once('\n')?;
        let tag = Base64UrlUnpadded::decode_vec(tag).ok()?;
        let message = message(remote, kind, entry);
        signature::is_valid(Algorithm::HS256, &self.key, &message, &tag)
            .then(|| json::parse_object(entry.as_bytes()).ok())
            .flatten()
    }
}

/// The URL of an entry, at a host name that cannot exist (RFC 2606 section 2).
#[must_use]
pub fn url(remote: &RemoteKeys, kind: EntryKind) -> String {
    let service = remote.service.as_deref().map_or_else(|| "null".to_owned(), quoted);
    let source = array(&[quoted(remote.location.name()), service]);
    let digest = Base64UrlUnpadded::encode_string(&Sha256::digest(source));
    format!("https://portcullis.invalid/keys/{digest}/{}", kind.name())
}

fn message(remote: &RemoteKeys, kind: EntryKind, entry: &str) -> Vec<u8> {
    [url(remote, kind).as_bytes(), b"\n", entry.as_bytes()].concat()
}

/// The members from which [`dated`] reads the age of a value.
fn dated_text<T>(value: &Dated<T>) -> ObjectText {
    let mut text = ObjectText::new();
    text.number("fetched", value.fetched.get());
    text.number("fresh_for", value.fresh_for.get().into());
    text
}

fn dated<T>(entry: &Object, value: T, now: UnixSeconds) -> Option<Dated<T>> {
    let fetched = past(entry, "fetched", now)?;
    let fresh_for = Seconds::new(u32::try_from(entry.get("fresh_for")?.as_u64()?).ok()?);
    Some(Dated { value, fetched, fresh_for: fresh_for.min(FRESH_AT_MOST) })
}

/// Reads a time in the past. A time that is slightly ahead, by another machine's clock, counts as
/// now.
fn past(entry: &Object, name: &str, now: UnixSeconds) -> Option<UnixSeconds> {
    let time = UnixSeconds::new(entry.get(name)?.as_i64()?);
    (time <= now.plus(SKEW)).then_some(time.min(now))
}
