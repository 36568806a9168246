//! The candidate policy in shadow mode.

use super::call::Call;
use super::isolate::Isolate;
use super::{clock, introspection, keys, log, proofs, revocations};
use crate::gate::{Decision, Evaluation, Need};
use crate::possession::ProofUse;
use crate::refusal::Code;
use crate::shadow::Difference;
use std::rc::Rc;

/// Judges the request by the candidate policy too, and logs it if the verdict or the identity would
/// differ. The request waits for nothing: what only the candidate needs is fetched for later
/// requests.
pub(super) fn compare(candidate: &Rc<Isolate>, enforced: &Decision<'_>, call: &Call<'_>) {
    let certificate = || proofs::certificate(call.request);
    let evaluation = Evaluation::new(&candidate.policy, *call.view);
    let mut evaluation = evaluation.with_certificate(&certificate);
    let mut outcome = evaluation.run(&candidate.memory(), clock::now());
    if let Err(Need::Replay(_)) = outcome {
        // The Durable Object is that of the enforced policy, which alone may record the proof.
        evaluation.proof_recorded(ProofUse::First);
        outcome = evaluation.run(&candidate.memory(), clock::now());
    }
    if let Some(request) = evaluation.take_refresh() {
        keys::refresh(candidate, request, call);
    }
    let decision = match outcome {
        Ok(decision) => decision,
        Err(Need::Keys(request)) => return keys::refresh(candidate, request, call),
        Err(Need::Introspection(request)) => {
            return introspection::refresh(candidate, *request, call);
        }
        Err(Need::Replay(_)) => return,
        Err(Need::Revocations(entries)) => {
            let (candidate, env) = (Rc::clone(candidate), call.env.clone());
            return call.context.wait_until(async move {
                revocations::read(&candidate, entries, &env).await;
            });
        }
    };
    // While something that it needs cannot be fetched, the candidate has no verdict.
    if let Decision::Refuse(refusal) = &decision
        && matches!(
            refusal.code(),
            Code::KeysUnavailable | Code::IntrospectionUnavailable | Code::RevocationUnavailable
        )
    {
        return;
    }
    if let Some(difference) = Difference::between(enforced, &decision) {
        log::difference(&difference, call.view, evaluation.trace());
    }
}
