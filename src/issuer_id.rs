//! The ID of an issuer within its policy.

/// Names an issuer of one policy: its index in the list of issuers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IssuerId(usize);

impl IssuerId {
    /// The ID of the issuer at this index, from 0.
    #[must_use]
    pub const fn new(index: usize) -> Self {
        Self(index)
    }

    /// The index in the policy's list of issuers, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}
