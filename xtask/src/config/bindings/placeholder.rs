//! Stand-ins for values that are set elsewhere: sound keys that nobody has.

use base64ct::{Base64UrlUnpadded, Encoding};
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::{BoxedUint, PublicKey};
use serde_json::json;

use crate::config::policy::{Purpose, Reference};

/// A value of the form that the policy wants at that place.
pub(super) fn for_reference(reference: &Reference) -> String {
    match reference.purpose {
        // 64 bytes in hexadecimal, and more than that in every other encoding.
        Purpose::Secret => "0123456789abcdef".repeat(8),
        Purpose::PublicKey if reference.pointer.ends_with("/jwks") => {
            let key = json!({
                "kty": "RSA",
                "n": Base64UrlUnpadded::encode_string(&modulus()),
                "e": Base64UrlUnpadded::encode_string(&EXPONENT),
            });
            json!({ "keys": [key] }).to_string()
        }
        Purpose::PublicKey => {
            let key = PublicKey::new(
                BoxedUint::from_be_slice_vartime(&modulus()),
                BoxedUint::from_be_slice_vartime(&EXPONENT),
            );
            let pem = key.ok().and_then(|key| key.to_public_key_pem(LineEnding::LF).ok());
            pem.unwrap_or_default()
        }
    }
}

/// 65537.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// 2^2048 - 1942289, a prime, and so without the small factors for which a key is refused. Nothing
/// is ever verified with it.
fn modulus() -> [u8; 256] {
    let mut modulus = [0xff; 256];
    modulus[253..].copy_from_slice(&[0xe2, 0x5c, 0xef]);
    modulus
}
