//! Evaluating a request without fetching anything.

use portcullis::gate::{Decision, Evaluation, Memory, Need, Trace};
use portcullis::policy::Policy;
use portcullis::request::Request;
use portcullis::revocation::Standing;
use portcullis::time::UnixSeconds;

/// A decision that was reached without fetching anything.
pub struct OfflineDecision<'g, 'r> {
    /// How far the request came.
    pub trace: Trace<'g>,
    /// The decision, or `None` if the issuer's keys would have to be fetched.
    pub decision: Option<Decision<'r>>,
    /// Whether the revocation store would have to be read. The decision treats its entries as
    /// absent.
    pub has_unread_revocations: bool,
}

/// Evaluates a request with what is in memory, at the time `now`. Remembers entries of the
/// revocation store that are not in memory as absent.
pub fn decide<'g: 'r, 'r>(
    policy: &'g Policy,
    memory: &mut Memory,
    request: Request<'r>,
    now: UnixSeconds,
) -> OfflineDecision<'g, 'r> {
    let mut evaluation = Evaluation::new(policy, request);
    let mut has_unread_revocations = false;
    let decision = loop {
        match evaluation.run(memory, now) {
            Ok(decision) => break Some(decision),
            Err(Need::Keys(_)) => break None,
            Err(Need::Revocations(entries)) => {
                has_unread_revocations = true;
                for entry in entries {
                    memory.revocations.remember(entry, Standing::Good, now);
                }
            }
        }
    };
    OfflineDecision { trace: evaluation.trace().clone(), decision, has_unread_revocations }
}
