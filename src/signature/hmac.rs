//! HMAC (RFC 2104, RFC 7518 section 3.2), compared in constant time.

use crate::alg::Hash;
use crate::keys::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Sha384, Sha512};

/// Whether the tag, at its full length, is the one of this message under this secret.
#[inline(never)]
pub(super) fn verify(hash: Hash, secret: &Secret, message: &[u8], tag: &[u8]) -> bool {
    macro_rules! verify_with {
        ($hash:ty) => {
            Hmac::<$hash>::new_from_slice(secret.as_bytes())
                .is_ok_and(|mac| mac.chain_update(message).verify_slice(tag).is_ok())
        };
    }
    match hash {
        Hash::Sha256 => secret.sha256().chain_update(message).verify_slice(tag).is_ok(),
        Hash::Sha384 => verify_with!(Sha384),
        Hash::Sha512 => verify_with!(Sha512),
    }
}

/// The tag of this message with SHA-256.
pub(super) fn sign(secret: &Secret, message: &[u8]) -> Vec<u8> {
    secret.sha256().chain_update(message).finalize().into_bytes().to_vec()
}
