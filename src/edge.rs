//! The Cloudflare edge: the only module that knows the platform.
//!
//! It takes and returns the runtime's own `Request` and `Response`, so that a body is streamed and
//! never copied, and the origin's response goes back as it came.

mod analytics;
mod bindings;
mod bridge;
mod clock;
#[cfg(feature = "console")]
mod console;
mod decision;
#[cfg(feature = "entry")]
mod drive;
mod echo;
mod forward;
mod isolate;
mod keys;
mod log;
mod logout;
mod ray;
mod respond;
mod revocations;
mod stream;
mod unanswered;

use self::clock::Wait;
use self::decision::{Decision, Outcome};
use self::forward::{Sending, Sent};
use self::isolate::Isolate;
use crate::admitted::Admitted;
use crate::gate::{self, Trace};
use crate::keys::KeysWanted;
use crate::outgoing::Outgoing;
use crate::policy::Policy;
use crate::rate_limit;
use crate::refusal::{AnswerStyle, Code, Refusal};
use crate::report::Difference;
use crate::request::{Lines, Request};
use js_sys::Promise;
use std::rc::Rc;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use worker::{Context, Env};

/// Answers a request: forwards it if the policy in the `POLICY` variable admits it, and refuses it
/// otherwise.
///
/// A policy with a fault refuses everything with 500 `misconfigured`.
///
/// # Errors
///
/// Only where the runtime fails to construct a response of the gate's own; it then answers a bare 500.
pub async fn serve(
    request: web_sys::Request,
    env: Env,
    context: Context,
) -> worker::Result<web_sys::Response> {
    match answer(request, env, context).await? {
        Answer::There(response) => Ok(response),
        Answer::Awaited(promise) => Ok(JsFuture::from(promise).await?.unchecked_into()),
    }
}

/// What answers a request.
enum Answer {
    There(web_sys::Response),
    /// It is the origin's, or stands in for it, and nothing is to be done when it comes.
    Awaited(Promise),
}

async fn answer(request: web_sys::Request, env: Env, context: Context) -> worker::Result<Answer> {
    let wait = Wait::begin();
    let lines = bridge::read(&request);
    let lines = Lines::of(&lines);
    let view = lines.request();

    let isolate = Isolate::of(&env).await;
    #[cfg(feature = "console")]
    if let Some(asked) = console::Asked::of(&view, &request, &env, &context) {
        return Ok(Answer::There(asked.answer(isolate.as_ref()).await?));
    }
    let Some(isolate) = isolate else {
        let refusal = Refusal::new(Code::Misconfigured, "the policy has a fault");
        return respond::refuse(&refusal, &AnswerStyle::default(), &view).map(Answer::There);
    };
    let policy = &isolate.policy;
    let mut trace = Trace::default();
    let record = |trace: &Trace<'_>, outcome| {
        Decision { request: &view, trace, outcome, wait: &wait }.record(policy, &env, &context);
    };
    match gate::own_answer(policy, &view) {
        Ok(None) => {}
        Ok(Some(answer)) => {
            record(&trace, Outcome::Answered(answer.status));
            return Ok(Answer::There(respond::respond(&answer, view.method != "HEAD")?));
        }
        Err(refusal) => {
            record(&trace, Outcome::Refused(&refusal));
            return respond::refuse(&refusal, policy.answers(), &view).map(Answer::There);
        }
    }
    if let Some(answer) = logout::answer(&isolate, &request, &view, &env, &context).await {
        return answer.map(Answer::There);
    }
    let outgoing = judge(&isolate, &view, &env, &context, &mut trace)
        .await
        .and_then(|admitted| Outgoing::of(admitted, &view, policy.forwarding()));
    if let Some(candidate) = isolate.candidate() {
        compare(candidate, &outgoing, &view, &env, &context).await;
    }
    trace.reported = outgoing.as_ref().ok().and_then(Outgoing::reported).cloned();
    let judged_ms = policy.log().server_timing.then(|| wait.so_far());
    let outcome = match outgoing {
        Ok(outgoing) => {
            let answers_subprotocol = outgoing.answers_subprotocol();
            let is_recorded = trace.reported.is_some() || policy.log().follows_admitted();
            let is_followed = is_recorded || answers_subprotocol;
            let sending = Sending {
                outgoing,
                request: &request,
                method: view.method,
                env: &env,
                isolate: &isolate,
                wait: &wait,
                is_followed,
            };
            match forward::send(sending) {
                Ok(Sent::Awaited(answer)) if !is_followed => return Ok(Answer::Awaited(answer)),
                Ok(sent) => sent.answer(answers_subprotocol).await,
                Err(refusal) => Err(refusal),
            }
        }
        Err(refusal) => Err(limited(refusal, policy, &view, &env).await),
    };
    record(&trace, outcome.as_ref().map_or_else(Outcome::Refused, Outcome::Admitted));
    let response = match outcome {
        Ok(response) => response,
        Err(refusal) => respond::refuse(&refusal, policy.answers(), &view)?,
    };
    Ok(Answer::There(match judged_ms {
        Some(judged_ms) => respond::with_server_timing(response, judged_ms, wait.so_far())?,
        None => response,
    }))
}

/// How often a request is judged: at most once more for want of keys, and once for want of revocations.
const ROUNDS: usize = 3;

/// Judges the request; where that takes something that has to be fetched, again with it at hand.
async fn judge<'i>(
    isolate: &'i Rc<Isolate>,
    request: &Request<'_>,
    env: &Env,
    context: &Context,
    trace: &mut Trace<'i>,
) -> Result<Admitted<'i>, Refusal> {
    let ask = |trace: &mut Trace<'i>| {
        gate::judge(&isolate.policy, &isolate.memory(), request, clock::now(), trace)
    };
    let mut verdict = ask(trace);
    for _ in 1..ROUNDS {
        let keys_wanted = trace.keys_wanted.take();
        let is_without_keys = keys_wanted.as_ref().is_some_and(|wanted| !wanted.in_background);
        if let Some(wanted) = keys_wanted {
            keys::obtain(isolate, wanted, env, context).await;
        }
        let entries = std::mem::take(&mut trace.revocations_wanted);
        match isolate.policy.revocation() {
            Some(revocation) if !entries.is_empty() => {
                revocations::read(isolate, revocation, entries, env).await;
            }
            _ if !is_without_keys => break,
            _ => {}
        }
        *trace = Trace::default();
        verdict = ask(trace);
    }
    verdict
}

/// Counts a refused token against the client's address, and refuses as too many what is too many.
async fn limited(refusal: Refusal, policy: &Policy, request: &Request<'_>, env: &Env) -> Refusal {
    let Some(binding) = policy.rate_limit().filter(|_| rate_limit::counts(&refusal)) else {
        return refusal;
    };
    let address = request.headers.get("cf-connecting-ip");
    let Some(key) = address.and_then(|address| rate_limit::client_key(&address)) else {
        return refusal;
    };
    let over = bindings::is_over_the_limit(env, binding, &key).await;
    if over { rate_limit::refusal() } else { refusal }
}

/// Judges the request by the candidate policy too, and logs where that comes to something else. Waits
/// for nothing: keys that the candidate alone wants are fetched for requests to come.
async fn compare(
    candidate: &Rc<Isolate>,
    enforced: &Result<Outgoing<'_>, Refusal>,
    request: &Request<'_>,
    env: &Env,
    context: &Context,
) {
    let policy = &candidate.policy;
    let mut trace = Trace::default();
    let verdict = gate::judge(policy, &candidate.memory(), request, clock::now(), &mut trace)
        .and_then(|admitted| Outgoing::of(admitted, request, policy.forwarding()));
    if let Some(wanted) = trace.keys_wanted.take() {
        let wanted = KeysWanted { in_background: true, ..wanted };
        keys::obtain(candidate, wanted, env, context).await;
    }
    let entries = std::mem::take(&mut trace.revocations_wanted);
    if policy.revocation().is_some() && !entries.is_empty() {
        let (candidate, env) = (Rc::clone(candidate), env.clone());
        context.wait_until(async move {
            if let Some(revocation) = candidate.policy.revocation() {
                revocations::read(&candidate, revocation, entries, &env).await;
            }
        });
    }
    let unknown = verdict.as_ref().is_err_and(|refusal| {
        matches!(refusal.code(), Code::KeysUnavailable | Code::RevocationUnavailable)
    });
    if let Some(difference) = Difference::between(enforced, &verdict).filter(|_| !unknown) {
        log::difference(&difference, request, &trace);
    }
}

/// The Worker's `fetch` handler.
#[cfg(feature = "entry")]
mod entry {
    use super::Answer;
    use super::drive::drive;
    use wasm_bindgen::JsValue;
    use wasm_bindgen::prelude::wasm_bindgen;
    use worker::{Context, Env};

    /// What `#[event(fetch)]` makes of an async function, less the microtasks.
    #[expect(unreachable_pub, reason = "wasm-bindgen exports nothing else")]
    #[wasm_bindgen]
    pub fn handle(
        request: web_sys::Request,
        env: Env,
        context: worker::worker_sys::Context,
    ) -> JsValue {
        drive(async move {
            match super::answer(request, env, Context::new(context)).await? {
                Answer::There(response) => Ok(response.into()),
                Answer::Awaited(promise) => Ok(promise.into()),
            }
        })
    }
}
