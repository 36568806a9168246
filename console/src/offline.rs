//! Evaluating a request without fetching anything.

use portcullis::gate::{Decision, Evaluation, Memory, Need, Trace};
use portcullis::introspection::{Failure, IntrospectionRequest, Response, Unjudged};
use portcullis::policy::Policy;
use portcullis::possession::ProofUse;
use portcullis::request::Request;
use portcullis::revocation::{Entry, Standing};
use portcullis::time::UnixSeconds;

/// A decision that was reached without fetching anything.
pub struct OfflineDecision<'g, 'r> {
    /// How far the request came.
    pub trace: Trace<'g>,
    /// The decision, or `None` if something has to be fetched that is not in memory.
    pub decision: Option<Decision<'r>>,
    /// The introspection that would have to be made, if that is why there is no decision.
    pub introspection: Option<Box<IntrospectionRequest>>,
    /// Whether the revocation store would have to be read.
    pub has_unread_revocations: bool,
}

/// What stands for the network and for the revocation store.
#[derive(Clone, Copy)]
pub struct Outside<'o> {
    /// The revocation store.
    pub standing: &'o dyn Fn(&Entry) -> Standing,
    /// The response of an issuer's introspection endpoint. `None` if it cannot be asked; then there
    /// is no decision.
    pub introspect: &'o dyn Fn(&IntrospectionRequest) -> Option<Result<Response, Failure>>,
}

/// A revocation store without entries, and no introspection endpoint.
pub const NOTHING: Outside<'static> =
    Outside { standing: &|_| Standing::Good, introspect: &|_| None };

/// Evaluates a request with what is in memory, at the time `now`. `outside` stands for everything
/// else.
pub fn decide<'g: 'r, 'r>(
    policy: &'g Policy,
    memory: &mut Memory,
    request: Request<'r>,
    now: UnixSeconds,
    outside: Outside<'_>,
) -> OfflineDecision<'g, 'r> {
    let mut evaluation = Evaluation::new(policy, request);
    let mut has_unread_revocations = false;
    let mut introspection = None;
    let decision = loop {
        match evaluation.run(memory, now) {
            Ok(decision) => break Some(decision),
            Err(Need::Keys(_)) => break None,
            Err(Need::Introspection(request)) => match (outside.introspect)(&request) {
                None => {
                    introspection = Some(request);
                    break None;
                }
                Some(response) => {
                    let judged = response.map_err(Unjudged::Failed).and_then(|response| {
                        memory.introspected(policy, &request, &response, now, now)
                    });
                    if judged.is_err() {
                        memory.introspections.failed(&request, now, now);
                    }
                }
            },
            // Nobody has used a proof that is only judged here.
            Err(Need::Replay(_)) => evaluation.proof_recorded(ProofUse::First),
            Err(Need::Revocations(entries)) => {
                has_unread_revocations = true;
                for entry in entries {
                    let standing = (outside.standing)(&entry);
                    memory.revocations.remember(entry, standing, now);
                }
            }
        }
    };
    let trace = evaluation.trace().clone();
    OfflineDecision { trace, decision, introspection, has_unread_revocations }
}
