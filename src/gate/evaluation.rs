//! Evaluating a request until it is decided.

use super::need::Rounds;
use super::{Judging, Memory, Need, Trace};
use crate::cors;
use crate::keys::KeyRequest;
use crate::outgoing::Outgoing;
use crate::path::CanonicalPath;
use crate::policy::Policy;
use crate::possession::{ClientCertificate, Progress, ProofUse};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::response::OwnResponse;
use crate::time::UnixSeconds;

/// What the gate does with a request.
#[derive(Debug)]
pub enum Decision<'g> {
    /// It responds itself: with its metadata or key set, or to a preflight.
    Respond(OwnResponse),
    /// It refuses the request.
    Refuse(Refusal),
    /// It sends the request to the origin.
    Forward(Outgoing<'g>),
}

/// The evaluation of one request.
pub struct Evaluation<'g, 'r> {
    policy: &'g Policy,
    request: Request<'r>,
    rounds: Rounds,
    /// The number of introspection answers at the first call.
    arrived: Option<u64>,
    trace: Trace<'g>,
    refresh: Option<KeyRequest>,
    certificate: Option<&'r dyn Fn() -> Option<ClientCertificate>>,
    proof: Progress,
}

impl<'g: 'r, 'r> Evaluation<'g, 'r> {
    /// Prepares the evaluation of a request by a policy.
    #[must_use]
    pub fn new(policy: &'g Policy, request: Request<'r>) -> Self {
        let (rounds, trace, proof) = Default::default();
        let (arrived, refresh, certificate) = (None, None, None);
        Self { policy, request, rounds, arrived, trace, refresh, certificate, proof }
    }

    /// Provides the client's certificate, which is read only for a token that is bound to one.
    /// Without this, the client counts as one without a certificate.
    #[must_use]
    pub fn with_certificate(self, read: &'r dyn Fn() -> Option<ClientCertificate>) -> Self {
        Self { certificate: Some(read), ..self }
    }

    /// Judges the request with the keys and the revocation entries in `memory`, at the time `now`.
    ///
    /// # Errors
    ///
    /// What must be fetched before the next call. After a limited number of calls, the result is
    /// always a decision.
    pub fn run(&mut self, memory: &Memory, now: UnixSeconds) -> Result<Decision<'r>, Need> {
        self.trace = Trace::default();
        match own_response(self.policy, &self.request) {
            Ok(None) => {}
            Ok(Some(response)) => return Ok(Decision::Respond(response)),
            Err(refusal) => return Ok(Decision::Refuse(refusal)),
        }
        let arrived = *self.arrived.get_or_insert_with(|| memory.introspections.answers());
        let Self { policy, request, trace, refresh, certificate, proof, .. } = self;
        let certificate = *certificate;
        let mut judging =
            Judging { policy, memory, now, arrived, trace, refresh, certificate, proof };
        let admitted = judging.admit(request);
        let outgoing = self
            .rounds
            .end(admitted)?
            .and_then(|admitted| Outgoing::of(admitted, &self.request, self.policy.forwarding()));
        Ok(match outgoing {
            Ok(outgoing) => {
                self.trace.reported = outgoing.reported().cloned();
                Decision::Forward(outgoing)
            }
            Err(refusal) => Decision::Refuse(match self.proof.nonce() {
                Some(nonce) => refusal.with_nonce(nonce),
                None => refusal,
            }),
        })
    }

    /// Takes the answer to [`Need::Replay`], which holds for this request alone.
    pub const fn proof_recorded(&mut self, answer: ProofUse) {
        self.proof.answered(answer);
    }

    /// The nonce for the client's next DPoP proof, if the response to the client has to contain one
    /// (RFC 9449 section 8.2).
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.proof.nonce()
    }

    /// How far the request came in the last run, for logs.
    #[must_use]
    pub const fn trace(&self) -> &Trace<'g> {
        &self.trace
    }

    /// The keys to fetch in the background, for later requests.
    pub const fn take_refresh(&mut self) -> Option<KeyRequest> {
        self.refresh.take()
    }
}

/// What the gate responds itself, before it looks for a route: its metadata, its key set, and
/// preflights.
#[inline(never)]
fn own_response(policy: &Policy, request: &Request<'_>) -> Result<Option<OwnResponse>, Refusal> {
    if let Some(response) = policy.resources().respond(request)? {
        return Ok(Some(response));
    }
    if let Some(identity) = &policy.forwarding().headers.identity
        && let Some(response) = identity.respond(request)?
    {
        return Ok(Some(response));
    }
    let Some(cors) = policy.cors().filter(|_| cors::is_preflight(request)) else {
        return Ok(None);
    };
    let path = CanonicalPath::of_url(request.url)?;
    let methods = policy.route_table().methods(&path)?;
    Ok(Some(cors.preflight(request, &methods)))
}
