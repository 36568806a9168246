//! Nonces for proofs (RFC 9449 sections 8 and 9), without any state: a nonce is the time at which
//! it was issued, and an HMAC of it.

use crate::alg::Algorithm;
use crate::keys::Key;
use crate::signature;
use crate::time::{Seconds, UnixSeconds};
use base64ct::{Base64UrlUnpadded, Encoding as _};

/// Issues and judges nonces. Every isolate with the same secret accepts them.
#[derive(Debug)]
pub struct Nonces {
    /// The secret that only the gate has.
    pub key: Key,
}

/// How current a nonce is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Currency {
    /// It is valid for longer than half of its lifetime.
    Current,
    /// It is valid, but the client should get a new one.
    Aging,
    /// It has expired, or the gate did not issue it.
    Unacceptable,
}

impl Nonces {
    /// Issues a nonce at the time `now`.
    #[must_use]
    pub fn issue(&self, now: UnixSeconds) -> String {
        let mut bytes = now.get().to_be_bytes().to_vec();
        bytes.extend(signature::tag(&self.key, &message(&bytes)));
        Base64UrlUnpadded::encode_string(&bytes)
    }

    /// Judges a nonce, which is valid for `lifetime`. A time in the future is one of an isolate
    /// whose clock is ahead.
    pub(super) fn judge(&self, nonce: &str, lifetime: Seconds, now: UnixSeconds) -> Currency {
        let bytes = Base64UrlUnpadded::decode_vec(nonce).unwrap_or_default();
        let Some((issued, tag)) = bytes.split_first_chunk::<8>() else {
            return Currency::Unacceptable;
        };
        let age = now.since(UnixSeconds::new(i64::from_be_bytes(*issued)));
        if age > lifetime
            || !signature::is_valid(Algorithm::HS256, &self.key, &message(issued), tag)
        {
            Currency::Unacceptable
        } else if age.get() > lifetime.get() / 2 {
            Currency::Aging
        } else {
            Currency::Current
        }
    }
}

/// The message that is authenticated. Its beginning keeps it apart from other uses of a secret.
fn message(issued: &[u8]) -> Vec<u8> {
    [b"portcullis DPoP nonce ", issued].concat()
}
