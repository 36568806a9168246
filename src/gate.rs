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

mod establish;
mod evaluation;
mod logout;
mod memory;
mod need;
mod trace;
mod warm_up;

pub use self::establish::Form;
pub use self::evaluation::{Decision, Evaluation};
pub use self::logout::LogoutEvaluation;
pub use self::memory::Memory;
pub use self::need::Need;
pub use self::trace::Trace;
pub use self::warm_up::warm_up;

use self::need::Stop;
use crate::admitted::{Admitted, Checked, IssuerAdmitted};
use crate::claims::Claims;
use crate::cross_site;
use crate::extract::{self, Credential};
use crate::keys::KeyRequest;
use crate::path::CanonicalPath;
use crate::policy::Policy;
use crate::possession::{self, ClientCertificate, Outcome, Possession, Presentation, Progress};
use crate::request::Request;
use crate::revocation::{Lookup, Revocation};
use crate::route::Route;
use crate::time::UnixSeconds;

/// One round of judging.
struct Judging<'j, 'g> {
    policy: &'g Policy,
    memory: &'j Memory,
    now: UnixSeconds,
    /// The number of introspection answers when the request arrived.
    arrived: u64,
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
        let (of_identity, identity) = match self.cached(route, credential) {
            Some(cached) => cached,
            None => self.established(route, credential, issuer)?,
        };
        let admitted = IssuerAdmitted::check(route, of_identity)?;
        let issuer = issuer.insert(admitted).issuer();
        let claims = Claims::check(identity, issuer, self.now)?;
        if !self.trace.is_cached {
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
}
