//! One request at the edge, with everything that its handling needs.

use super::clock::Wait;
use super::isolate::Gate;
use super::response;
use crate::error_response::ErrorResponses;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::response::OwnResponse;
use js_sys::Promise;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::Response;
use worker::{Context, Env};

/// What to do with an admitted request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is forwarded to the origin.
    Forward,
    /// The caller gets its identity.
    Authenticate,
}

/// One request, and the environment in which it is handled.
#[derive(Clone, Copy)]
pub(super) struct Call<'c> {
    /// The runtime's request.
    pub(super) request: &'c web_sys::Request,
    /// The same as the core reads it.
    pub(super) view: &'c Request<'c>,
    pub(super) env: &'c Env,
    pub(super) context: &'c Context,
    pub(super) gate: &'c Rc<Gate>,
    pub(super) purpose: Purpose,
    /// The time since the request arrived.
    pub(super) wait: &'c Wait,
}

impl Call<'_> {
    /// Starts work that the runtime carries on even if this request ends. Returns a promise for its
    /// end, which only this request may await.
    pub(super) fn start(&self, work: impl Future<Output = ()> + 'static) -> Promise {
        let work = future_to_promise(async move {
            work.await;
            Ok(JsValue::UNDEFINED)
        });
        let finished = JsFuture::from(work.clone());
        self.context.wait_until(async move {
            let _ = finished.await;
        });
        work
    }

    /// Sends a response of the gate's own.
    pub(super) fn send(&self, response: &OwnResponse) -> worker::Result<Response> {
        Ok(response::own(response, self.view.method)?)
    }

    /// Refuses the request.
    pub(super) fn refuse(
        &self,
        refusal: &Refusal,
        responses: &ErrorResponses,
    ) -> worker::Result<Response> {
        response::refuse(refusal, responses, self.view)
    }
}
