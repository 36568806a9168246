//! The gate: one call for each step, from a request to a decision.
//!
//! The caller runs an [`Evaluation`] until the request is decided. The gate performs no I/O and
//! reads no clock: it names what has to be fetched, and the caller fetches it. Time, keys and the
//! request are ordinary values:
//!
//! ```
//! use portcullis::gate::{Decision, Evaluation, Memory};
//! use portcullis::policy::{Bindings, Policy};
//! use portcullis::refusal::Code;
//! use portcullis::request::Request;
//! use portcullis::time::UnixSeconds;
//! use serde_json::{Value, json};
//!
//! /// The bindings of the deployment: one secret.
//! struct OneSecret;
//!
//! impl Bindings for OneSecret {
//!     fn value(&self, name: &str) -> Option<Value> {
//!         (name == "SECRET").then(|| json!("a secret of 32 bytes and no less, for HS256"))
//!     }
//!     fn is_service(&self, _: &str) -> bool {
//!         false
//!     }
//!     fn is_kv_namespace(&self, _: &str) -> bool {
//!         false
//!     }
//! }
//!
//! let raw = json!({
//!     "origin": "https://api.example.com",
//!     "issuers": [{
//!         "name": "me", "issuer": "me", "audience": "api",
//!         "algorithms": ["HS256"], "keys": { "secret": "SECRET" },
//!     }],
//!     "routes": [{ "path": "/api/*" }],
//! });
//! let policy = Policy::compile(&raw, &OneSecret).outcome.expect("a valid policy");
//! let memory = Memory::new(&policy);
//! let verdict = |headers: &Vec<(String, String)>, seconds| {
//!     let request = Request { method: "GET", url: "https://gate.example/api/me", headers };
//!     let mut evaluation = Evaluation::new(&policy, request);
//!     loop {
//!         match evaluation.run(&memory, UnixSeconds::new(seconds)) {
//!             Ok(Decision::Forward(outgoing)) => break Ok(outgoing.url.into_owned()),
//!             Ok(Decision::Refuse(refusal)) => break Err(Some(refusal.code())),
//!             Ok(Decision::Respond(_)) => break Err(None),
//!             Err(need) => println!("{need:?} would be fetched here"),
//!         }
//!     }
//! };
//!
//! let token = "eyJhbGciOiJIUzI1NiJ9.\
//!              eyJpc3MiOiJtZSIsImF1ZCI6ImFwaSIsInN1YiI6InVzZXItMSIsImV4cCI6MTgwMDAwMDYwMH0.\
//!              AaCm0rGmQPBoEN9ZMq6zjgnS2Oz0im9uS32W9ZFo-Hg";
//! let headers = vec![("Authorization".to_owned(), format!("Bearer {token}"))];
//! assert_eq!(verdict(&headers, 1_800_000_000), Ok("https://api.example.com/api/me".to_owned()));
//! assert_eq!(verdict(&headers, 1_800_000_700), Err(Some(Code::Expired)));
//! assert_eq!(verdict(&Vec::new(), 1_800_000_000), Err(Some(Code::MissingToken)));
//! let forged = vec![("Authorization".to_owned(), format!("Bearer {token}A"))];
//! assert!(verdict(&forged, 1_800_000_000).is_err());
//! ```

mod evaluation;
mod logout;
mod memory;
mod need;
mod trace;

pub use self::evaluation::{Decision, Evaluation};
pub use self::logout::LogoutEvaluation;
pub use self::memory::Memory;
pub use self::need::Need;
pub use self::trace::Trace;

use self::need::Stop;
use crate::admitted::{Admitted, Checked, IssuerAdmitted};
use crate::claims::Claims;
use crate::extract::{self, Credential};
use crate::identity::{Evidence, Identity};
use crate::issuer::Issuer;
use crate::keys::{KeyRequest, Picked};
use crate::path::CanonicalPath;
use crate::policy::Policy;
use crate::possession::{self, ClientCertificate, Outcome, Possession, Presentation, Progress};
use crate::request::Request;
use crate::revocation::{Lookup, Revocation};
use crate::route::Route;
use crate::signature::Verified;
use crate::time::UnixSeconds;
use crate::token::Unverified;
use crate::{cross_site, signature};
use std::rc::Rc;

/// One round of judging.
struct Judging<'j, 'g> {
    policy: &'g Policy,
    memory: &'j Memory,
    now: UnixSeconds,
    trace: &'j mut Trace<'g>,
    refresh: &'j mut Option<KeyRequest>,
    certificate: Option<&'j dyn Fn() -> Option<ClientCertificate>>,
    proof: &'j mut Progress,
}

impl<'g> Judging<'_, 'g> {
    fn admit(&mut self, request: &Request<'_>) -> Result<Admitted<'g>, Stop> {
        let path = CanonicalPath::of_url(request.url)?;
        let route = self.policy.route_table().find(&path, request.method)?;
        self.trace.route = Some(route);
        if let Some(admitted) = Admitted::public(route) {
            return Ok(admitted);
        }
        let credential = extract::credential(self.policy.sources(), request)
            .map_err(|refusal| refusal.challenging(route.schemes()))?;
        if let Some(credential) = &credential {
            cross_site::check(credential.source(), request, self.policy.cors())?;
        }
        let mut issuer = None;
        let verdict = match &credential {
            None => {
                let because = || extract::why_absent(self.policy.sources(), request);
                Admitted::anonymous(route, because).map_err(Stop::from)
            }
            Some(credential) => self.authorize(route, request, credential, &mut issuer),
        };
        verdict.or_else(|stop| match stop {
            Stop::Needs(need) => Err(Stop::Needs(need)),
            Stop::Refused(refusal) => {
                let source = credential.map(|credential| credential.source());
                Ok(Admitted::reported(route, issuer, source, refusal)?)
            }
        })
    }

    /// The checks that every identity passes, however it was established and whether or not it was
    /// cached. Sets `issuer` once the issuer has vouched for the identity and the route admits it.
    fn authorize(
        &mut self,
        route: &'g Route,
        request: &Request<'_>,
        credential: &Credential<'_, 'g>,
        issuer: &mut Option<IssuerAdmitted<'g>>,
    ) -> Result<Admitted<'g>, Stop> {
        let cached = self.cached(credential);
        let is_cached = cached.is_some();
        self.trace.is_cached = is_cached;
        let (of_identity, identity) = match cached {
            Some(cached) => cached,
            None => self.established(route, credential, issuer)?,
        };
        let admitted = IssuerAdmitted::check(route, of_identity)?;
        let issuer = issuer.insert(admitted).issuer();
        let claims = Claims::check(identity, issuer, self.now)?;
        if !is_cached {
            self.memory.identities.insert(credential.text(), claims.identity());
        }
        let possession = self.possession(request, credential, &claims)?;
        let (revocation, remembered) = (self.policy.revocation(), &self.memory.revocations);
        let lookup = Revocation::check(revocation, issuer.name(), &claims, remembered, self.now)?;
        let revocation = match lookup {
            Lookup::NotRevoked(proof) => proof,
            Lookup::Needed(entries) => return Err(Stop::Needs(Need::Revocations(entries))),
        };
        let checked = Checked { possession, revocation };
        Ok(Admitted::authorized(route, claims, checked, credential.source(), self.now)?)
    }

    /// Checks that the client has the keys that the claims are bound to.
    fn possession(
        &mut self,
        request: &Request<'_>,
        credential: &Credential<'_, '_>,
        claims: &Claims<'_>,
    ) -> Result<Possession, Stop> {
        let certificate = self.certificate;
        let presentation = Presentation { request, credential, claims, certificate };
        let (settings, memory) = (self.policy.possession(), &self.memory.proofs);
        match possession::check(&presentation, settings, memory, self.proof, self.now)? {
            Outcome::Proven(proof) => Ok(proof),
            Outcome::Needed(check) => Err(Stop::Needs(Need::Replay(check))),
        }
    }

    /// The identity that the cache has for a credential, if it is still current.
    fn cached(&mut self, credential: &Credential<'_, '_>) -> Option<(&'g Issuer, Rc<Identity>)> {
        let identity = self.memory.identities.get(credential.text())?;
        let issuer = self.policy.issuer(identity.issuer())?;
        if !self.is_current(&identity, issuer) {
            return None;
        }
        let Evidence::Signature(signature) = identity.evidence();
        self.trace.algorithm = Some(signature.algorithm);
        self.trace.key = Some(signature.key.clone());
        self.trace.issuer = Some(issuer.name());
        Some((issuer, identity))
    }

    /// Establishes the identity of a credential that is not in the cache. Sets `vouching` as soon
    /// as the signature has verified, so that an issuer in report mode also reports its tokens
    /// without a usable identity.
    fn established(
        &mut self,
        route: &Route,
        credential: &Credential<'_, '_>,
        vouching: &mut Option<IssuerAdmitted<'g>>,
    ) -> Result<(&'g Issuer, Rc<Identity>), Stop> {
        let (issuer, verified) = self.verified(credential.text(), Some(route))?;
        *vouching = Some(IssuerAdmitted::check(route, issuer)?);
        let version = self.memory.keys.version(issuer.id());
        Ok((issuer, Rc::new(Identity::from_token(verified, issuer, version)?)))
    }

    /// Whether what established an identity still does: the key is still one of the issuer's.
    fn is_current(&mut self, identity: &Identity, issuer: &Issuer) -> bool {
        let Evidence::Signature(signature) = identity.evidence();
        let (version, asked) = (signature.key_set_version, &signature.asked);
        let keys = &self.memory.keys;
        issuer.remote().is_none()
            || keys.is_current(issuer.id(), version, asked, self.now, self.refresh)
    }

    /// Parses a token and verifies its signature under a key of the issuer that it names.
    #[inline(never)]
    fn verified<'t>(
        &mut self,
        text: &'t str,
        route: Option<&Route>,
    ) -> Result<(&'g Issuer, Verified<'t>), Stop> {
        let token = Unverified::parse(text)?;
        self.trace.algorithm = Some(token.header().algorithm);
        let issuer = self.policy.issuer_named_by(&token)?;
        if let Some(route) = route {
            // Every identity is checked for this afterwards. Checked here too, so that a token
            // which the route rejects in any case costs neither a fetch of keys nor a verification.
            IssuerAdmitted::check(route, issuer)?;
        }
        self.trace.issuer = Some(issuer.name());
        let published = &self.memory.keys;
        let keys = match issuer.pick_keys(token.header(), published, self.now, self.refresh)? {
            Picked::Keys(keys) => keys,
            Picked::Needed(request) => return Err(Stop::Needs(Need::Keys(request))),
        };
        let verified = signature::verify(token, &keys)?;
        self.trace.key = Some(verified.key_name().to_owned());
        Ok((issuer, verified))
    }
}
