//! Tokens that are bound to a client certificate (RFC 8705 section 3).
//!
//! What the gate knows about the certificate comes from the platform, which has ended the TLS
//! connection. A header with the same information could come from anyone, and is not read.

use super::Thumbprint;
use crate::refusal::{Code, Refusal};

/// The certificate of the client's TLS connection, as the platform has verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The hash of the certificate in DER. `None` if the platform's value is not one.
    pub thumbprint: Option<Thumbprint>,
    /// Whether its chain leads to an authority that the zone trusts, and it has not expired.
    pub is_verified: bool,
    /// Whether its authority has revoked it. Such a certificate still counts as verified.
    pub is_revoked: bool,
}

/// The policy's settings for client certificates. Made by the policy's compiler.
#[derive(Clone, Debug, Default)]
pub struct Mtls {
    /// Which certificates count.
    pub trust: Trust,
    /// Whether the policy has `mtls`, so that clients are told about it.
    pub is_advertised: bool,
}

/// Which certificates count as those of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those whose chain the platform has verified (RFC 8705 section 2.1).
    #[default]
    Ca,
    /// Any that the token is bound to, such as a self-signed one (RFC 8705 section 2.2).
    Any,
}

/// Checks that the client's certificate is the one that the token is bound to.
///
/// # Errors
///
/// `missing_certificate` if the client has none; `wrong_certificate` for another one, for a revoked
/// one, and, unless any is trusted, for one that the platform has not verified.
pub(super) fn check(
    presented: Option<ClientCertificate>,
    bound_to: &Thumbprint,
    trust: Trust,
) -> Result<(), Refusal> {
    let wrong = |because| Err(Refusal::new(Code::WrongCertificate, because));
    match presented {
        None => {
            let because = "the token is bound to a client certificate, and the client has none";
            Err(Refusal::new(Code::MissingCertificate, because))
        }
        Some(it) if it.thumbprint != Some(*bound_to) => {
            wrong("the token is bound to another client certificate")
        }
        Some(it) if it.is_revoked => wrong("the client certificate has been revoked"),
        Some(it) if !it.is_verified && trust == Trust::Ca => {
            wrong("the platform has not verified the chain of the client certificate")
        }
        Some(_) => Ok(()),
    }
}
