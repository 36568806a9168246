//! What a signature's message representative has to be (RFC 8017 section 9).

use crate::alg::Hash;
use crate::signature::digest;

/// The object identifiers of SHA-2 up to their last number: 2.16.840.1.101.3.4.2 (NIST's hash functions).
const HASH_FUNCTIONS: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

/// A hash as `DigestInfo` in DER, its parameters an explicit NULL (RFC 8017 section 9.2, note 1).
fn digest_info(hash: Hash, hashed: &[u8]) -> Vec<u8> {
    let (whole, identifier, length) = match hash {
        Hash::Sha256 => (0x31, 0x01, 0x20),
        Hash::Sha384 => (0x41, 0x02, 0x30),
        Hash::Sha512 => (0x51, 0x03, 0x40),
    };
    let algorithm = [0x30, whole, 0x30, 0x0d, 0x06, 0x09];
    let parameters_and_hash = [identifier, 0x05, 0x00, 0x04, length];
    [algorithm.as_slice(), &HASH_FUNCTIONS, &parameters_and_hash, hashed].concat()
}

/// Whether the representative, as long as the modulus, is EMSA-PKCS1-v1_5 of a hash (RFC 8017 section
/// 9.2): the one encoding is built and compared whole.
pub(super) fn is_pkcs1(hash: Hash, hashed: &[u8], representative: &[u8]) -> bool {
    let info = digest_info(hash, hashed);
    let padding = representative.len().checked_sub(info.len()).and_then(|rest| rest.checked_sub(3));
    // At least eight, which every modulus that is imported has room for.
    let Some(padding) = padding.filter(|padding| *padding >= 8) else {
        return false;
    };
    [[0x00, 0x01].as_slice(), &vec![0xff; padding], &[0x00], &info].concat() == representative
}

/// Whether the representative, as long as the modulus of that many bits, passes EMSA-PSS-VERIFY (RFC 8017
/// section 9.1.2) for a hash, with MGF1 of the same hash and a salt of its length.
pub(super) fn is_pss(hash: Hash, hashed: &[u8], bits: usize, representative: &[u8]) -> bool {
    is_pss_of(hash, hashed, bits, representative).is_some()
}

fn is_pss_of(hash: Hash, hashed: &[u8], bits: usize, representative: &[u8]) -> Option<()> {
    let encoded_bits = bits.checked_sub(1)?;
    let encoded = match representative.len().checked_sub(encoded_bits.div_ceil(8))? {
        0 => representative,
        // The modulus begins a byte, in which the encoding has nothing.
        _ => representative.split_first().filter(|(first, _)| **first == 0)?.1,
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
    let message = [&[0; 8], hashed, salt].concat();
    (digest(hash, &message) == expected).then_some(())
}

/// MGF1 (RFC 8017 appendix B.2.1).
fn mask(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    let blocks =
        (0_u32..).flat_map(|counter| digest(hash, &[seed, &counter.to_be_bytes()].concat()));
    blocks.take(length).collect()
}
