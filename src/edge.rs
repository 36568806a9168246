//! The Cloudflare edge: the only module that knows the platform.
//!
//! It takes and returns the runtime's own `Request` and `Response`, so that a body is streamed and
//! never copied, and the origin's response goes back as it came.

mod bindings;
mod clock;
mod echo;
mod forward;
mod headers;
mod isolate;
mod keys;
mod log;
mod respond;

use self::headers::RequestHeaders;
use self::isolate::Isolate;
use crate::admitted::Admitted;
use crate::gate::{self, Trace};
use crate::outgoing::Outgoing;
use crate::policy::Policy;
use crate::refusal::{AnswerStyle, Code, Refusal};
use crate::request::Request;
use std::rc::Rc;
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
    let method = request.method();
    let url = request.url();
    let headers = RequestHeaders::of(&request);
    let view = Request { method: &method, url: &url, headers: &headers };

    let Some(isolate) = Isolate::of(&env).await else {
        let refusal = Refusal::new(Code::Misconfigured, "the policy has a fault");
        return respond::refuse(&refusal, &AnswerStyle::default(), &method, &headers);
    };
    let policy = &isolate.policy;
    let mut trace = Trace::default();
    match gate::own_answer(policy, &view) {
        Ok(None) => {}
        Ok(Some(answer)) => {
            log::own_answer(policy, &view, &answer, &headers);
            return Ok(respond::respond(&answer, method != "HEAD")?);
        }
        Err(refusal) => {
            log::decision(policy, &view, &trace, &Err(refusal.clone()), &headers);
            return respond::refuse(&refusal, policy.answers(), &method, &headers);
        }
    }
    let outcome = match judge(&isolate, &view, &env, &context, &mut trace).await {
        Ok(admitted) => forward(admitted, policy, &request, &view, &env).await,
        Err(refusal) => Err(refusal),
    };
    log::decision(policy, &view, &trace, &outcome, &headers);
    match outcome {
        Ok(response) => Ok(response),
        Err(refusal) => respond::refuse(&refusal, policy.answers(), &method, &headers),
    }
}

/// Judges the request; where that takes keys that have to be fetched, once more with them at hand.
async fn judge<'i>(
    isolate: &'i Rc<Isolate>,
    request: &Request<'_>,
    env: &Env,
    context: &Context,
    trace: &mut Trace<'i>,
) -> Result<Admitted<'i>, Refusal> {
    let ask = |trace: &mut Trace<'i>| {
        gate::judge(&isolate.policy, &isolate.published(), request, clock::now(), trace)
    };
    let verdict = ask(trace);
    let Some(wanted) = trace.keys_wanted.take() else { return verdict };
    let in_background = wanted.in_background;
    keys::obtain(isolate, wanted, env, context).await;
    if in_background {
        return verdict;
    }
    *trace = Trace::default();
    ask(trace)
}

async fn forward(
    admitted: Admitted<'_>,
    policy: &Policy,
    request: &web_sys::Request,
    view: &Request<'_>,
    env: &Env,
) -> Result<web_sys::Response, Refusal> {
    let outgoing = Outgoing::of(admitted, view, policy.forwarding())?;
    forward::send(outgoing, request, env, policy.origin_timeout()).await
}

/// The Worker's `fetch` handler.
#[cfg(feature = "entry")]
mod entry {
    use worker::{Context, Env, event};

    #[event(fetch)]
    async fn fetch(
        request: web_sys::Request,
        env: Env,
        context: Context,
    ) -> worker::Result<web_sys::Response> {
        super::serve(request, env, context).await
    }
}
