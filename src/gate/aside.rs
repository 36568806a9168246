//! What the gate judges or answers beside requests to the origin.

use super::{Memory, Trace};
use crate::cors;
use crate::path::CanonicalPath;
use crate::policy::Policy;
use crate::refusal::{Answer, Refusal};
use crate::request::Request;
use crate::revocation::{Logout, LogoutEndpoint};
use crate::signature;
use crate::time::UnixSeconds;
use crate::token::Unverified;

/// What the gate answers by itself, before any route is asked: its own metadata, and preflights.
///
/// # Errors
///
/// `method_not_allowed` as [`crate::resource::Resource::answer`] says; for a preflight, the path's own
/// refusals and `no_route`.
pub fn own_answer(policy: &Policy, request: &Request<'_>) -> Result<Option<Answer>, Refusal> {
    if let Some(resource) = policy.resource()
        && let Some(answer) = resource.answer(request)?
    {
        return Ok(Some(answer));
    }
    let Some(cors) = policy.cors().filter(|_| cors::is_preflight(request)) else {
        return Ok(None);
    };
    let path = CanonicalPath::of_url(request.url)?;
    let methods = policy.route_table().methods(&path)?;
    Ok(Some(cors.preflight(request, &methods)))
}

/// Judges a logout token that a provider has sent, at the time `now`.
///
/// # Errors
///
/// As [`super::judge`] for what a logout token has in common with an access token, and as [`Logout::check`].
pub fn judge_logout<'g>(
    policy: &'g Policy,
    endpoint: &LogoutEndpoint,
    memory: &Memory,
    text: &str,
    now: UnixSeconds,
    trace: &mut Trace<'g>,
) -> Result<Logout, Refusal> {
    let token = Unverified::parse(text)?;
    trace.algorithm = Some(token.header().algorithm);
    let issuer = policy.issuer_named_by(&token)?;
    trace.issuer = Some(issuer.name());
    let keys = issuer.pick_keys(token.header(), &memory.keys, now, &mut trace.keys_wanted)?;
    let verified = signature::verify(token, &keys)?;
    trace.key = Some(verified.key_name().to_owned());
    Logout::check(verified, issuer, endpoint, now)
}
