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
        Some(found) => Presented { policy, memory, route, found, now }.judge(&mut mode, trace),
    };
    verdict.or_else(|refusal| {
        let credential = found.map(|found| found.source);
        Admitted::reported(route, mode, credential, refusal)
    })
}

/// A token, and all that it is judged by.
struct Presented<'j, 'r, 'g> {
    policy: &'g Policy,
    memory: &'j Memory,
    route: &'g Route,
    found: &'j Found<'r, 'g>,
    now: UnixSeconds,
}

impl<'g> Presented<'_, '_, 'g> {
    fn judge(&self, mode: &mut Mode, trace: &mut Trace<'g>) -> Result<Admitted<'g>, Refusal> {
        let (issuer, claims) = match self.recall(mode, trace) {
            Some(recalled) => recalled?,
            None => self.verify(mode, trace)?,
        };
        if let Some(revocation) = self.policy.revocation() {
            let key = trace.key.as_deref().unwrap_or_default();
            let (read, wanted) = (&self.memory.revocations, &mut trace.revocations_wanted);
            revocation.check(issuer.name(), key, &claims, read, self.now, wanted)?;
        }
        Admitted::authorised(self.route, claims, self.found.source, self.now)
    }

    /// The claims of a token that was verified before and would be again, or what now keeps it from being
    /// let in; nothing where it has to be verified.
    fn recall(
        &self,
        mode: &mut Mode,
        trace: &mut Trace<'g>,
    ) -> Option<Result<(&'g Issuer, Claims<'g>), Refusal>> {
        let token = self.memory.tokens.get(&self.found.text)?;
        let source = &token.source;
        let issuer = self.policy.issuers().get(source.issuer)?;
        let is_held = issuer.remote().is_none();
        if !is_held && !self.memory.keys.still_vouch(source, self.now, &mut trace.keys_wanted) {
            return None;
        }
        trace.is_recalled = true;
        trace.algorithm = Some(source.algorithm);
        if let Err(refusal) = self.route.admit_issuer(issuer) {
            return Some(Err(refusal));
        }
        trace.issuer = Some(issuer.name());
        trace.key = Some(source.key.clone());
        *mode = mode.or(issuer.mode());
        Some(token.claims(issuer, self.now).map(|claims| (issuer, claims)))
    }

    fn verify(
        &self,
        mode: &mut Mode,
        trace: &mut Trace<'g>,
    ) -> Result<(&'g Issuer, Claims<'g>), Refusal> {
        let token = Unverified::parse(&self.found.text)?;
        trace.algorithm = Some(token.header().algorithm);

        let issuer = self.policy.issuer_of(&token, self.route)?;
        trace.issuer = Some(issuer.name());
        *mode = mode.or(issuer.mode());

        let published = &self.memory.keys;
        let keys = issuer.pick_keys(token.header(), published, self.now, &mut trace.keys_wanted)?;
        let (algorithm, asked) = (token.header().algorithm, AskedKey::of(token.header()));
        let verified = signature::verify(token, &keys)?;
        let key = trace.key.insert(verified.key_name().to_owned()).clone();

        let claims = Claims::check(verified, issuer.rules(), self.now)?;
        let version = published.version(issuer.place());
        let source = Provenance { issuer: issuer.place(), algorithm, key, asked, version };
        self.memory.tokens.keep(&self.found.text, &claims, source);
        Ok((issuer, claims))
    }
}
