//! HMAC (RFC 2104, RFC 7518 section 3.2), compared in constant time.

use crate::alg::Hash;
use crate::keys::Secret;
use hmac::Mac as _;

/// Whether the tag, at its full length, is the one of this message under this secret.
#[inline(never)]
pub(super) fn verify(hash: Hash, secret: &Secret, message: &[u8], tag: &[u8]) -> bool {
    let verdict = match hash {
        Hash::Sha256 => secret.sha256().chain_update(message).verify_slice(tag),
        Hash::Sha384 => secret.sha384().chain_update(message).verify_slice(tag),
        Hash::Sha512 => secret.sha512().chain_update(message).verify_slice(tag),
    };
    verdict.is_ok()
}

/// The tag of this message with SHA-256.
pub(super) fn sign(secret: &Secret, message: &[u8]) -> Vec<u8> {
    secret.sha256().chain_update(message).finalize().into_bytes().to_vec()
}
