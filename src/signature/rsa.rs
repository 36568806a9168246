//! RSA signatures (RFC 8017 section 8): the expected encoding is built and compared whole, so there is
//! no padding to be parsed leniently.

use super::digest;
use crate::alg::Hash;
use crate::keys::RsaKey;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pss::Pss;
use sha2::{Sha256, Sha384, Sha512};

/// RSASSA-PKCS1-v1_5: whether the signature, as long as the modulus, is one of this message.
pub(super) fn verify_pkcs1(hash: Hash, key: &RsaKey, message: &[u8], signature: &[u8]) -> bool {
    let scheme = match hash {
        Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
        Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
        Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
    };
    key.inner().verify(scheme, &digest(hash, message), signature).is_ok()
}

/// RSASSA-PSS, mask generation with the same hash and a salt of exactly its length (RFC 7518 section
/// 3.5): whether the signature, as long as the modulus, is one of this message.
pub(super) fn verify_pss(hash: Hash, key: &RsaKey, message: &[u8], signature: &[u8]) -> bool {
    let hashed = digest(hash, message);
    let salt = hash.bytes();
    let key = key.inner();
    match hash {
        Hash::Sha256 => key.verify(Pss::<Sha256>::new_with_salt(salt), &hashed, signature),
        Hash::Sha384 => key.verify(Pss::<Sha384>::new_with_salt(salt), &hashed, signature),
        Hash::Sha512 => key.verify(Pss::<Sha512>::new_with_salt(salt), &hashed, signature),
    }
    .is_ok()
}
