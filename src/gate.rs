//! The spine: one call a step, from a request to an [`Admitted`] or a [`Refusal`].

mod aside;
mod memory;
mod trace;

pub use self::aside::{judge_logout, own_answer};
pub use self::memory::Memory;
pub use self::trace::Trace;

use crate::admitted::Admitted;
use crate::claims::{Claims, Provenance};
use crate::extract::{self, Found};
use crate::keys::cache::AskedKey;
use crate::path::CanonicalPath;
use crate::policy::{Issuer, Policy};
use crate::refusal::Refusal;
use crate::report::Mode;
use crate::request::Request;
use crate::route::Route;
use crate::time::UnixSeconds;
use crate::token::Unverified;
use crate::{cross_site, signature};

/// Judges a request by the policy and by what the isolate has in memory, at the time `now`.
///
/// # Errors
///
/// The refusal of the first step that the request fails. `trace` says how far it came either way, and
/// what to fetch before asking again.
pub fn judge<'g>(
    policy: &'g Policy,
    memory: &Memory,
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
    let found = extract::token(policy.sources(), request)?;
    if let Some(found) = &found {
        cross_site::check(found.source, request, policy.cors())?;
    }
    let mut mode = route.mode;
    let verdict = match &found {
        None => Admitted::anonymous(route),
        Some(found) => judge_token(policy, memory, route, found, now, &mut mode, trace),
    };
    verdict.or_else(|refusal| {
        let credential = found.map(|found| found.source);
        Admitted::reported(route, mode, credential, refusal)
    })
}

fn judge_token<'g>(
    policy: &'g Policy,
    memory: &Memory,
    route: &'g Route,
    found: &Found<'_, 'g>,
    now: UnixSeconds,
    mode: &mut Mode,
    trace: &mut Trace<'g>,
) -> Result<Admitted<'g>, Refusal> {
    let (issuer, claims) = match recall(policy, memory, route, found, now, mode, trace) {
        Some(recalled) => recalled?,
        None => verify(policy, memory, route, found, now, mode, trace)?,
    };
    if let Some(revocation) = policy.revocation() {
        let key = trace.key.as_deref().unwrap_or_default();
        let wanted = &mut trace.revocations_wanted;
        revocation.check(issuer.name(), key, &claims, &memory.revocations, now, wanted)?;
    }
    Admitted::authorised(route, claims, found.source, now)
}

/// The claims of a token that was verified before and would be again, or what now keeps it from being
/// let in; nothing where it has to be verified.
fn recall<'g>(
    policy: &'g Policy,
    memory: &Memory,
    route: &'g Route,
    found: &Found<'_, 'g>,
    now: UnixSeconds,
    mode: &mut Mode,
    trace: &mut Trace<'g>,
) -> Option<Result<(&'g Issuer, Claims<'g>), Refusal>> {
    let token = memory.tokens.get(&found.text)?;
    let source = &token.source;
    let issuer = policy.issuers().get(source.issuer)?;
    let is_held = issuer.remote().is_none();
    if !is_held && !memory.keys.still_vouch(source, now, &mut trace.keys_wanted) {
        return None;
    }
    trace.is_recalled = true;
    trace.algorithm = Some(source.algorithm);
    if let Err(refusal) = route.admit_issuer(issuer) {
        return Some(Err(refusal));
    }
    trace.issuer = Some(issuer.name());
    trace.key = Some(source.key.clone());
    *mode = mode.or(issuer.mode());
    Some(token.claims(issuer, now).map(|claims| (issuer, claims)))
}

fn verify<'g>(
    policy: &'g Policy,
    memory: &Memory,
    route: &'g Route,
    found: &Found<'_, 'g>,
    now: UnixSeconds,
    mode: &mut Mode,
    trace: &mut Trace<'g>,
) -> Result<(&'g Issuer, Claims<'g>), Refusal> {
    let token = Unverified::parse(&found.text)?;
    trace.algorithm = Some(token.header().algorithm);

    let issuer = policy.issuer_of(&token, route)?;
    trace.issuer = Some(issuer.name());
    *mode = mode.or(issuer.mode());

    let keys = issuer.pick_keys(token.header(), &memory.keys, now, &mut trace.keys_wanted)?;
    let (algorithm, asked) = (token.header().algorithm, AskedKey::of(token.header()));
    let verified = signature::verify(token, &keys)?;
    let key = trace.key.insert(verified.key_name().to_owned()).clone();

    let claims = Claims::check(verified, issuer.rules(), now)?;
    let version = memory.keys.version(issuer.place());
    let source = Provenance { issuer: issuer.place(), algorithm, key, asked, version };
    memory.tokens.keep(&found.text, &claims, source);
    Ok((issuer, claims))
}
