//! The encodings of a digest that the public operation must yield (RFC 8017 section 9).
//!
//! `encoded` is always the result of the public operation, as long as the modulus.

use super::Hash;

/// The object identifiers of NIST's hash functions without their last number:
/// 2.16.840.1.101.3.4.2.
const HASH_FUNCTIONS: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

/// Returns the DER encoding of `DigestInfo`, with an explicit NULL as parameters (RFC 8017 section
/// 9.2, note 1).
fn digest_info(hash: Hash, digest: &[u8]) -> Vec<u8> {
    let (info_length, identifier, digest_length) = match hash {
        Hash::Sha256 => (0x31, 0x01, 0x20),
        Hash::Sha384 => (0x41, 0x02, 0x30),
        Hash::Sha512 => (0x51, 0x03, 0x40),
    };
    let algorithm = [0x30, info_length, 0x30, 0x0d, 0x06, 0x09];
    let parameters_and_digest = [identifier, 0x05, 0x00, 0x04, digest_length];
    [algorithm.as_slice(), &HASH_FUNCTIONS, &parameters_and_digest, digest].concat()
}

/// Returns whether `encoded` is the EMSA-PKCS1-v1_5 encoding of a digest (RFC 8017 section 9.2).
///
/// Builds the only valid encoding and compares all of it. Nothing is parsed.
pub(super) fn is_pkcs1v15(hash: Hash, digest: &[u8], encoded: &[u8]) -> bool {
    let info = digest_info(hash, digest);
    let padding = encoded.len().checked_sub(info.len()).and_then(|rest| rest.checked_sub(3));
    // The RFC requires eight bytes of padding. Every supported modulus has room for them.
    let Some(padding) = padding.filter(|padding| *padding >= 8) else {
        return false;
    };
    [[0x00, 0x01].as_slice(), &vec![0xff; padding], &[0x00], &info].concat() == encoded
}

/// Returns whether `encoded` passes EMSA-PSS-VERIFY (RFC 8017 section 9.1.2) for a digest and a
/// modulus of `modulus_bits` bits, with MGF1 and the same hash function, and a salt as long as the
/// digest.
pub(super) fn is_pss(hash: Hash, digest: &[u8], modulus_bits: usize, encoded: &[u8]) -> bool {
    check_pss(hash, digest, modulus_bits, encoded).is_some()
}

fn check_pss(hash: Hash, digest: &[u8], modulus_bits: usize, encoded: &[u8]) -> Option<()> {
    let encoded_bits = modulus_bits.checked_sub(1)?;
    let encoded = match encoded.len().checked_sub(encoded_bits.div_ceil(8))? {
        0 => encoded,
        // The first byte of the modulus has one bit, so the encoding is one byte shorter.
        _ => encoded.split_first().filter(|(first, _)| **first == 0)?.1,
    };
    let (masked_block, rest) =
        encoded.split_at_checked(encoded.len().checked_sub(hash.bytes().checked_add(1)?)?)?;
    let (expected, trailer) = rest.split_at_checked(hash.bytes())?;
    let unused_bits = encoded.len().checked_mul(8)?.checked_sub(encoded_bits)?;
    let used = 0xff_u8.checked_shr(u32::try_from(unused_bits).ok()?)?;
    if trailer != [0xbc] || masked_block.first()? & !used != 0 {
        return None;
    }
    let mut block = masked_block.to_vec();
    for (byte, mask) in block.iter_mut().zip(mask(hash, expected, masked_block.len())) {
        *byte ^= mask;
    }
    *block.first_mut()? &= used;
    let (padding, salt) = block.split_at_checked(block.len().checked_sub(hash.bytes())?)?;
    let (one, zeros) = padding.split_last()?;
    if *one != 0x01 || zeros.iter().any(|byte| *byte != 0) {
        return None;
    }
    let message = [&[0; 8], digest, salt].concat();
    (hash.digest(&message) == expected).then_some(())
}

/// MGF1 (RFC 8017 appendix B.2.1).
fn mask(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    let blocks =
        (0_u32..).flat_map(|counter| hash.digest(&[seed, &counter.to_be_bytes()].concat()));
    blocks.take(length).collect()
}
