//! Evaluating a request without fetching anything.

use portcullis::gate::{Decision, Evaluation, Memory, Need, Trace};
use portcullis::policy::Policy;
use portcullis::possession::ProofUse;
use portcullis::request::Request;
use portcullis::revocation::{Entry, Standing};
use portcullis::time::UnixSeconds;

/// A decision that was reached without fetching anything.
pub struct OfflineDecision<'g, 'r> {
    /// How far the request came.
    pub trace: Trace<'g>,
    /// The decision, or `None` if the issuer's keys would have to be fetched.
    pub decision: Option<Decision<'r>>,
    /// Whether the revocation store would have to be read.
    pub has_unread_revocations: bool,
}

/// Evaluates a request with what is in memory, at the time `now`. `standing` stands for the
/// revocation store.
pub fn decide<'g: 'r, 'r>(
    policy: &'g Policy,
    memory: &mut Memory,
    request: Request<'r>,
    now: UnixSeconds,
    standing: &dyn Fn(&Entry) -> Standing,
) -> OfflineDecision<'g, 'r> {
    let mut evaluation = Evaluation::new(policy, request);
    let mut has_unread_revocations = false;
    let decision = loop {
        match evaluation.run(memory, now) {
            Ok(decision) => break Some(decision),
            Err(Need::Keys(_)) => break None,
            // Nobody has used a proof that is only judged here.
            Err(Need::Replay(_)) => evaluation.proof_recorded(ProofUse::First),
            Err(Need::Revocations(entries)) => {
                has_unread_revocations = true;
                for entry in entries {
                    let standing = standing(&entry);
                    memory.revocations.remember(entry, standing, now);
                }
            }
        }
    };
    OfflineDecision { trace: evaluation.trace().clone(), decision, has_unread_revocations }
}

/// A revocation store without entries.
#[must_use]
pub const fn absent(_: &Entry) -> Standing {
    Standing::Good
}
