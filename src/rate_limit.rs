//! Which refusals count against a client's address, so that nobody tries tokens out by the thousand.
//!
//! Only refusals are ever answered differently: whoever has a good token is let in, however many
//! neighbours behind the same address have bad ones.

use crate::refusal::{Code, Refusal};
use crate::time::Seconds;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest period that a Rate Limiting binding counts over.
const PAUSE: Seconds = Seconds::new(60);

/// Whether a refusal counts: one that a guessed, forged or broken token gets. Who has no token yet, has
/// to renew it or to sign in again, tries nothing out.
#[must_use]
pub fn counts(refusal: &Refusal) -> bool {
    match refusal.code() {
        Code::MissingToken
        | Code::Expired
        | Code::InsufficientUserAuthentication
        | Code::AmbiguousPath => false,
        code => matches!(code.status(), 400 | 401),
    }
}

/// By what a client is counted: its IPv4 address, or the network of 64 bits that its IPv6 address is
/// of, since a subscriber has all of that. Nothing where the text is no address.
#[must_use]
pub fn client_key(address: &str) -> Option<String> {
    let network = |address: Ipv6Addr| {
        let [a, b, c, d, ..] = address.segments();
        format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
    };
    Some(match address.trim().parse().ok()? {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            address.to_ipv4_mapped().as_ref().map_or_else(|| network(address), Ipv4Addr::to_string)
        }
    })
}

/// What a refusal becomes for a client that has had too many.
#[must_use]
pub fn refusal() -> Refusal {
    Refusal::new(Code::RateLimited, "too many refused tokens from the client's address")
        .retrying_after(PAUSE)
}
