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
mod log;
mod respond;

use self::headers::RequestHeaders;
use crate::gate::{self, Trace};
use crate::outgoing::Outgoing;
use crate::policy::Policy;
use crate::refusal::{AnswerStyle, Code, Refusal};
use crate::request::Request;
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
    _context: Context,
) -> worker::Result<web_sys::Response> {
    let method = request.method();
    let url = request.url();
    let headers = RequestHeaders::of(&request);
    let view = Request { method: &method, url: &url, headers: &headers };

    let Some(policy) = isolate::policy(&env) else {
        let refusal = Refusal::new(Code::Misconfigured, "the policy has a fault");
        return respond::refuse(&refusal, &AnswerStyle::default(), &method, &headers);
    };
    let mut trace = Trace::default();
    let outcome = judge_and_forward(&policy, &request, &view, &env, &mut trace).await;
    log::decision(&policy, &view, &trace, &outcome, &headers);
    match outcome {
        Ok(response) => Ok(response),
        Err(refusal) => respond::refuse(&refusal, policy.answers(), &method, &headers),
    }
}

async fn judge_and_forward<'p>(
    policy: &'p Policy,
    request: &web_sys::Request,
    view: &Request<'_>,
    env: &Env,
    trace: &mut Trace<'p>,
) -> Result<web_sys::Response, Refusal> {
    let admitted = gate::judge(policy, view, clock::now(), trace)?;
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
