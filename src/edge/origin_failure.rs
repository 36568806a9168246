//! The substitute for the response of an origin that fails.
//!
//! If nothing is recorded of an admitted request, the gate does not await the origin's response:
//! the response goes to the client straight from the runtime. If there is no response, the runtime
//! calls back with the request as received.

use super::bridge::{self, Refuse};
use super::clock::{self, Wait};
use super::isolate::Gate;
use super::record::{Outcome, Record};
use super::{forward, response};
use crate::gate::Evaluation;
use crate::request::Lines;
use std::rc::Weak;
use wasm_bindgen::closure::Closure;
use web_sys::{Request, Response};

/// Makes the function that [`super::bridge::ask`] calls for a gate's requests.
pub(super) fn substitute(gate: Weak<Gate>) -> Closure<Refuse> {
    Closure::new(move |request, began, is_late| {
        Ok(refuse(&gate, &request, &Wait::since(began), is_late)?.into())
    })
}

/// Records the failure and refuses the request.
fn refuse(
    gate: &Weak<Gate>,
    request: &Request,
    wait: &Wait,
    is_late: bool,
) -> worker::Result<Response> {
    let refusal = if is_late { forward::late() } else { forward::unreachable() };
    let lines = bridge::read(request);
    let lines = Lines::of(&lines);
    let view = lines.request();
    let Some(isolate) = gate.upgrade().and_then(|gate| gate.current()) else {
        return Err("a request was sent before there was a policy".into());
    };
    let policy = &isolate.policy;
    // The request was admitted before. This evaluation only provides the names for the record,
    // whatever has changed since.
    let mut evaluation = Evaluation::new(policy, view);
    let _ = evaluation.run(&isolate.memory(), clock::now());
    let (trace, outcome) = (evaluation.trace(), Outcome::Refused(&refusal));
    Record { request: &view, trace, outcome, wait }.log_if_wanted(policy);
    response::refuse(&refusal, policy.error_responses(), &view)
}
