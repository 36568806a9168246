//! Answering in the place of an origin that does not.
//!
//! Where nothing is recorded of a request that is admitted, nobody waits for its answer here: it goes to the client
//! straight from the runtime. An answer that does not come is told of by calling back, with the request as it came.

use super::bridge::{self, Refuse};
use super::clock::{self, Wait};
use super::decision::{Decision, Outcome};
use super::isolate::Isolate;
use super::{forward, respond};
use crate::gate::{self, Trace};
use crate::request::Lines;
use wasm_bindgen::closure::Closure;
use web_sys::{Request, Response};

thread_local! {
    /// What [`super::bridge::ask`] calls.
    pub(super) static REFUSE: Closure<Refuse> = Closure::new(|request, began, is_late| {
        Ok(refuse(&request, &Wait::since(began), is_late)?.into())
    });
}

/// The refusal, recorded.
fn refuse(request: &Request, wait: &Wait, is_late: bool) -> worker::Result<Response> {
    let refusal = if is_late { forward::late() } else { forward::unreachable() };
    let lines = bridge::read(request);
    let lines = Lines::of(&lines);
    let view = lines.request();
    let Some(isolate) = Isolate::made() else {
        return Err("no request is sent before there is a policy".into());
    };
    let policy = &isolate.policy;
    // It was admitted. This is for the names of what it was admitted by, whatever has changed since.
    let mut trace = Trace::default();
    let _ = gate::judge(policy, &isolate.memory(), &view, clock::now(), &mut trace);
    Decision { request: &view, trace: &trace, outcome: Outcome::Refused(&refusal), wait }
        .log_where_wanted(policy);
    respond::refuse(&refusal, policy.answers(), &view)
}
