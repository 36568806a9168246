//! The gate itself: judges a request, and forwards, authenticates or refuses it.

use super::call::{Call, Purpose};
use super::forward::{Sending, Sent};
use super::identity::Identity;
use super::isolate::Isolate;
use super::record::{Outcome, Record};
use super::{
    Reply, bindings, clock, forward, introspection, keys, proofs, response, revocations, shadow,
};
use crate::gate::{Decision, Evaluation, Memory, Need};
use crate::outgoing::Outgoing;
use crate::policy::Policy;
use crate::possession::ProofUse;
use crate::rate_limit;
use crate::refusal::Refusal;
use crate::time::UnixSeconds;
use std::rc::Rc;
use web_sys::Response;

/// Judges the request, and forwards, authenticates or refuses it.
pub(super) async fn respond(call: &Call<'_>, isolate: &Rc<Isolate>) -> worker::Result<Reply> {
    let policy = &isolate.policy;
    let certificate = || proofs::certificate(call.request);
    let mut evaluation = Evaluation::new(policy, *call.view).with_certificate(&certificate);
    let decision = decide(isolate, &mut evaluation, call).await;
    let (trace, nonce) = (evaluation.trace(), evaluation.nonce());
    let record = |outcome| {
        Record { request: call.view, trace, outcome, wait: call.wait }.write(policy, call);
    };
    let is_own = matches!(decision, Decision::Respond(_));
    if let Some(candidate) = isolate.candidate().filter(|_| !is_own) {
        shadow::compare(candidate, &decision, call);
    }
    let judged_ms = policy.log().server_timing.then(|| call.wait.so_far());
    let outcome = match decision {
        Decision::Respond(response) => {
            record(Outcome::Answered(response.status));
            return call.send(&response).map(Reply::Ready);
        }
        Decision::Refuse(refusal) => Err(limited(refusal, policy, call).await),
        Decision::Forward(outgoing) if call.purpose == Purpose::Authenticate => {
            record(Outcome::Authenticated);
            let identity = Identity::of(&outgoing, policy, call.view.method, nonce);
            return Ok(Reply::Identity(identity));
        }
        Decision::Forward(outgoing) => match send(outgoing, nonce, isolate, call).await {
            Ok(Reply::Ready(response)) => Ok(response),
            Ok(other @ (Reply::Pending(_) | Reply::Identity(_))) => return Ok(other),
            Err(refusal) => Err(refusal),
        },
    };
    record(outcome.as_ref().map_or_else(Outcome::Refused, Outcome::Admitted));
    let response = match outcome {
        Ok(response) => response,
        Err(refusal) => call.refuse(&refusal, policy.error_responses())?,
    };
    Ok(Reply::Ready(match judged_ms {
        Some(judged_ms) => response::with_server_timing(response, judged_ms, call.wait.so_far())?,
        None => response,
    }))
}

/// Evaluates a request until it is decided, and fetches whatever that needs.
pub(super) async fn decide<'g: 'r, 'r>(
    isolate: &Rc<Isolate>,
    evaluation: &mut Evaluation<'g, 'r>,
    call: &Call<'_>,
) -> Decision<'r> {
    let run = |memory: &Memory, now, answer: Option<ProofUse>| {
        if let Some(answer) = answer {
            evaluation.proof_recorded(answer);
        }
        evaluation.run(memory, now)
    };
    let decision = settle(isolate, call, run).await;
    if let Some(request) = evaluation.take_refresh() {
        keys::refresh(isolate, request, call);
    }
    decision
}

/// Runs an evaluation until it has an outcome, and fetches whatever that needs. What a Durable
/// Object says about the proof of this request is passed to the next run.
pub(super) async fn settle<T>(
    isolate: &Rc<Isolate>,
    call: &Call<'_>,
    mut run: impl FnMut(&Memory, UnixSeconds, Option<ProofUse>) -> Result<T, Need>,
) -> T {
    let mut answer = None;
    loop {
        // The borrow of the memory ends before anything is awaited.
        let outcome = run(&isolate.memory(), clock::now(), answer.take());
        match outcome {
            Ok(outcome) => return outcome,
            Err(Need::Keys(request)) => keys::fetch(isolate, request, call).await,
            Err(Need::Introspection(request)) => introspection::ask(isolate, *request, call).await,
            Err(Need::Revocations(entries)) => {
                revocations::read(isolate, entries, call.env).await;
            }
            Err(Need::Replay(check)) => answer = Some(proofs::record(&check, call.env).await),
        }
    }
}

/// Sends a request to the origin. Awaits the response only if something remains to be done with it.
async fn send(
    outgoing: Outgoing<'_>,
    nonce: Option<&str>,
    isolate: &Isolate,
    call: &Call<'_>,
) -> Result<Reply, Refusal> {
    let sets_subprotocol = outgoing.responds_with_subprotocol();
    let is_recorded = outgoing.reported().is_some() || isolate.policy.log().follows_admitted();
    let is_awaited = is_recorded || sets_subprotocol || nonce.is_some();
    match forward::send(Sending { outgoing, call, isolate, is_awaited })? {
        Sent::Pending(promise) if !is_awaited => Ok(Reply::Pending(promise)),
        sent @ (Sent::Pending(_) | Sent::Ready(_)) => {
            let response: Response = sent.response(sets_subprotocol).await?;
            Ok(Reply::Ready(match nonce {
                Some(nonce) => {
                    response::with_nonce(response, nonce).map_err(|_| forward::unreachable())?
                }
                None => response,
            }))
        }
    }
}

/// Counts a rejected token against the client's address. Returns the refusal, or 429 once the
/// client is over the limit.
pub(super) async fn limited(refusal: Refusal, policy: &Policy, call: &Call<'_>) -> Refusal {
    let Some(binding) = policy.rate_limit().filter(|_| rate_limit::counts(&refusal)) else {
        return refusal;
    };
    let address = call.view.headers.get("cf-connecting-ip");
    let Some(key) = address.and_then(|address| rate_limit::client_key(&address)) else {
        return refusal;
    };
    let is_over = bindings::is_over_the_limit(call.env, binding, &key).await;
    if is_over { rate_limit::refusal() } else { refusal }
}
