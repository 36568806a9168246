//! The spine: one call a step, from a request to an [`Admitted`] or a [`Refusal`].

use crate::admitted::Admitted;
use crate::alg::Algorithm;
use crate::claims::{Claims, Provenance, TokenCache};
use crate::extract::Found;
use crate::keys::cache::AskedKey;
use crate::keys::{KeyCaches, KeysWanted};
use crate::path::CanonicalPath;
use crate::policy::{Issuer, Policy};
use crate::refusal::{Answer, Refusal};
use crate::report::Mode;
use crate::request::Request;
use crate::revocation::{Entry, Logout, LogoutEndpoint, Revocations};
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
    /// What the request would have been refused for, were that more than reported.
    pub reported: Option<Refusal>,
    /// Whether the token had been verified before, and was recalled.
    pub is_recalled: bool,
    /// The keys to fetch: for a verdict other than `keys_unavailable`, or for requests to come.
    pub keys_wanted: Option<KeysWanted>,
    /// The entries of the revocation store to read, for a verdict other than `revocation_unavailable`.
    pub revocations_wanted: Vec<Entry>,
}

/// What an isolate remembers from one request to the next, for as long as it may be relied on.
#[derive(Debug, Default)]
pub struct Memory {
    /// The keys that issuers publish.
    pub keys: KeyCaches,
    /// What the revocation store has said.
    pub revocations: Revocations,
    /// Tokens that were verified.
    pub tokens: TokenCache,
}

impl Memory {
    /// That of an isolate that has just begun to work by a policy.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        Self { keys: KeyCaches::of(policy), ..Self::default() }
    }
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

/// Judges a logout token that a provider has sent, at the time `now`.
///
/// # Errors
///
/// As [`judge`] for what a logout token has in common with an access token, and as [`Logout::check`].
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
