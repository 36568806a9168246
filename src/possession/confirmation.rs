//! The claim `cnf` (RFC 7800 section 3.1): the keys that a token is bound to.

use super::Thumbprint;
use crate::refusal::{Code, Refusal, Step};
use serde_json::Value;

/// The keys that a token is bound to: at least one.
pub(super) struct Confirmation {
    /// `jkt`: the thumbprint of the key that signs proofs (RFC 9449 section 6.1).
    pub(super) key: Option<Thumbprint>,
    /// `x5t#S256`: the hash of a certificate (RFC 8705 section 3.1).
    pub(super) certificate: Option<Thumbprint>,
}

impl Confirmation {
    /// Reads the claim.
    ///
    /// # Errors
    ///
    /// `invalid_claim` if it is not an object, is empty, or has a member that the gate does not
    /// know, because the gate could not check what that member demands; and for a thumbprint that
    /// is not the base64url of 32 bytes.
    pub(super) fn of(cnf: &Value) -> Result<Self, Refusal> {
        let Value::Object(members) = cnf else { return Err(invalid("cnf is not an object")) };
        let mut confirmation = Self { key: None, certificate: None };
        for (name, value) in members {
            let place = match name.as_str() {
                "jkt" => &mut confirmation.key,
                "x5t#S256" => &mut confirmation.certificate,
                _ => return Err(invalid("cnf has a member other than jkt and x5t#S256")),
            };
            let thumbprint = value.as_str().and_then(Thumbprint::parse);
            *place = Some(thumbprint.ok_or(invalid("cnf contains no SHA-256 thumbprint"))?);
        }
        if members.is_empty() {
            return Err(invalid("cnf is empty"));
        }
        Ok(confirmation)
    }
}

/// The refusal of a token with `cnf` whose issuer's rules refuse it.
pub(crate) const fn refused() -> Refusal {
    invalid("the token is sender-constrained (cnf), and the policy does not accept that")
}

/// The refusal of a JWT whose `cnf` differs from that of its introspection response.
pub(crate) const fn contradictory() -> Refusal {
    invalid("cnf of the token and of its introspection response differ")
}

const fn invalid(because: &'static str) -> Refusal {
    Refusal::new(Code::InvalidClaim, because).at(Step::Possession)
}
