//! Which refusals count against a client's address, so that nobody can try thousands of tokens.
//!
//! The limit only changes refusals into 429 responses. A client with a valid token is admitted,
//! however many invalid tokens other clients behind the same address send.

use crate::refusal::{Code, Refusal};
use crate::time::Seconds;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest period over which a Rate Limiting binding counts.
const PAUSE: Seconds = Seconds::new(60);

/// Whether a refusal counts: one that a guessed, forged or broken token receives. Requests without
/// a token, with an expired token, or needing step-up are not guesses and are not counted.
#[must_use]
pub const fn counts(refusal: &Refusal) -> bool {
    match refusal.code() {
        Code::MultipleTokens
        | Code::MalformedAuthorization
        | Code::TokenTooLarge
        | Code::MalformedToken
        | Code::UnsupportedCritical
        | Code::AlgorithmNotAllowed
        | Code::UnknownKey
        | Code::BadSignature
        | Code::UnknownIssuer
        | Code::WrongAudience
        | Code::WrongType
        | Code::MissingClaim
        | Code::InvalidClaim
        | Code::NotYetValid
        | Code::TooOld
        | Code::InactiveToken
        | Code::MissingProof
        | Code::InvalidProof
        | Code::ProofReplayed
        | Code::MissingCertificate
        | Code::WrongCertificate
        | Code::Revoked
        | Code::InvalidLogoutToken => true,
        Code::MissingToken
        | Code::Expired
        | Code::InsufficientUserAuthentication
        | Code::AmbiguousPath
        | Code::InsufficientScope
        | Code::ClaimNotAllowed
        | Code::CrossSite
        | Code::NoRoute
        | Code::MethodNotAllowed
        | Code::ClaimTooLarge
        | Code::RateLimited
        | Code::LoopDetected
        | Code::KeysUnavailable
        | Code::IntrospectionUnavailable
        | Code::NonceRequired
        | Code::ReplayUnavailable
        | Code::RevocationUnavailable
        | Code::Misconfigured
        | Code::OriginUnreachable
        | Code::OriginTimeout => false,
    }
}

/// Returns the key that a client is counted under: its IPv4 address, or the 64-bit network of its
/// IPv6 address, because a subscriber has all addresses of one. Returns `None` if the text is not
/// an address.
#[must_use]
pub fn client_key(address: &str) -> Option<String> {
    let network = |address: Ipv6Addr| {
        let [a, b, c, d, ..] = address.segments();
        format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
    };
    Some(match address.trim().parse().ok()? {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            address.to_ipv4_mapped().as_ref().map_or_else(|| network(address), Ipv4Addr::to_string)
        }
    })
}

/// The refusal for a client that is over the limit.
#[must_use]
pub fn refusal() -> Refusal {
    Refusal::new(Code::RateLimited, "too many tokens from the client's address were rejected")
        .retrying_after(PAUSE)
}
