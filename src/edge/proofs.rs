//! What only the platform knows about the possession of keys: the client's certificate, and whether
//! a proof has been used anywhere.

use super::bindings::{EnvBindings, answer};
use super::{bridge, log};
use crate::possession::{ClientCertificate, ProofUse, ReplayCheck, Thumbprint};
use web_sys::Request;
use worker::Env;

/// Reads the certificate of the client's TLS connection. Returns `None` if the client presented
/// none.
///
/// The platform says `SUCCESS` about the chain of a certificate also if that was revoked.
pub(super) fn certificate(request: &Request) -> Option<ClientCertificate> {
    let text = bridge::certificate(request).ok()?;
    let (flags, digits) = text.split_at_checked(2)?;
    Some(ClientCertificate {
        thumbprint: Thumbprint::from_hex(digits),
        is_verified: flags.starts_with('1'),
        is_revoked: !flags.ends_with('0'),
    })
}

/// Has the Durable Object of the key record a proof, and returns what it says about its use.
pub(super) async fn record(check: &ReplayCheck, env: &Env) -> ProofUse {
    let namespace = EnvBindings(env).raw(&check.binding);
    let expires = check.expires.get().to_string();
    let asked = namespace.and_then(|namespace| {
        bridge::record(&namespace, &check.object, &check.proof, &expires).ok()
    });
    let status = match asked {
        Some(promise) => answer(promise).await.and_then(|status| status.as_f64()),
        None => None,
    };
    match status {
        Some(201.0) => ProofUse::First,
        Some(409.0) => ProofUse::Repeated,
        _ => {
            log::proofs_not_recorded(&check.binding);
            ProofUse::Unknown
        }
    }
}
