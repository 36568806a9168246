//! RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2): the expected encoding is built and compared whole, so
//! there is no padding to be parsed leniently.

use crate::alg::Hash;
use crate::keys::RsaKey;
use rsa::pkcs1v15::Pkcs1v15Sign;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Whether the signature, as long as the modulus, is one of this message by this key.
pub(super) fn verify_pkcs1(hash: Hash, key: &RsaKey, message: &[u8], signature: &[u8]) -> bool {
    let (scheme, digest) = match hash {
        Hash::Sha256 => (Pkcs1v15Sign::new::<Sha256>(), Sha256::digest(message).to_vec()),
        Hash::Sha384 => (Pkcs1v15Sign::new::<Sha384>(), Sha384::digest(message).to_vec()),
        Hash::Sha512 => (Pkcs1v15Sign::new::<Sha512>(), Sha512::digest(message).to_vec()),
    };
    key.inner().verify(scheme, &digest, signature).is_ok()
}
