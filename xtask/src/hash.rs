//! Hashes that show whether files or options have changed.

use sha2::{Digest, Sha256};

/// Hashes a list of byte strings. The length of each is hashed too, so that different lists never
/// have the same input.
#[derive(Default)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Adds one byte string.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(format!("{}:", bytes.len()));
        self.0.update(bytes);
    }

    /// Returns the hash in hexadecimal.
    pub(crate) fn finish(self) -> String {
        hexadecimal(&self.0.finalize())
    }

    /// Returns the hash of a single byte string.
    pub(crate) fn of(bytes: &[u8]) -> String {
        let mut fingerprint = Self::default();
        fingerprint.add(bytes);
        fingerprint.finish()
    }
}

/// Returns bytes as lowercase hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_split_differently_have_another_hash() {
        let of = |pieces: &[&str]| {
            let mut fingerprint = Fingerprint::default();
            pieces.iter().for_each(|piece| fingerprint.add(piece.as_bytes()));
            fingerprint.finish()
        };
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        assert_ne!(of(&["a", "b"]), of(&["ab"]));
        assert_ne!(of(&["a", "b"]), of(&["b", "a"]));
        assert_eq!(hexadecimal(&[0x00, 0xaf]), "00af");
    }
}
