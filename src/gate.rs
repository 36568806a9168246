//! The spine: one call a step, from a request to an [`Admitted`] or a [`Refusal`].

use crate::admitted::Admitted;
use crate::alg::Algorithm;
use crate::claims::Claims;
use crate::keys::{KeyCaches, KeysWanted};
use crate::path::CanonicalPath;
use crate::policy::Policy;
use crate::refusal::{Answer, Refusal};
use crate::request::Request;
use crate::route::Route;
use crate::signature;
use crate::time::UnixSeconds;
use crate::token::Unverified;
use crate::{cors, cross_site, extract};

/// How far a request came, for logs: names from the policy and the algorithm, nothing of the token
/// but the name of the key that bore it out.
#[derive(Debug, Default)]
pub struct Trace<'g> {
    /// The route that it took.
    pub route: Option<&'g Route>,
    /// The token's algorithm.
    pub algorithm: Option<Algorithm>,
    /// The issuer whose rules were applied, by the policy's name for it.
    pub issuer: Option<&'g str>,
    /// The key that bore the signature out.
    pub key: Option<String>,
    /// The keys to fetch: for a verdict other than `keys_unavailable`, or for requests to come.
    pub keys_wanted: Option<KeysWanted>,
}

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

/// Judges a request by the policy and by what is held of the keys that issuers publish, at the time
/// `now`.
///
/// # Errors
///
/// The refusal of the first step that the request fails. `trace` says how far it came either way, and
/// which keys to fetch before asking again.
pub fn judge<'g>(
    policy: &'g Policy,
    published: &KeyCaches,
    request: &Request<'_>,
    now: UnixSeconds,
    trace: &mut Trace<'g>,
) -> Result<Admitted<'g>, Refusal> {
    let path = CanonicalPath::of_url(request.url)?;
    let route = policy.route_table().find(&path, request.method)?;
    trace.route = Some(route);

    if let Some(admitted) = Admitted::public(route) {
        return Ok(admitted);
    }
    let Some(found) = extract::token(policy.sources(), request)? else {
        return Admitted::anonymous(route);
    };
    cross_site::check(found.source, request, policy.cors())?;
    let token = Unverified::parse(&found.text)?;
    trace.algorithm = Some(token.header().algorithm);

    let issuer = policy.issuer_of(&token, route)?;
    trace.issuer = Some(issuer.name());

    let keys = issuer.pick_keys(token.header(), published, now, &mut trace.keys_wanted)?;
    let verified = signature::verify(token, &keys)?;
    trace.key = Some(verified.key_name().to_owned());

    let claims = Claims::check(verified, issuer.rules(), now)?;
    Admitted::authorised(route, claims, found.source, now)
}
