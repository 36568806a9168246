//! One request at the edge, with everything that its handling needs.

use super::clock::Wait;
use super::response;
use crate::error_response::ErrorResponses;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::response::OwnResponse;
use web_sys::Response;
use worker::{Context, Env};

/// One request, and the environment in which it is handled.
#[derive(Clone, Copy)]
pub(super) struct Call<'c> {
    /// The runtime's request.
    pub(super) request: &'c web_sys::Request,
    /// The same as the core reads it.
    pub(super) view: &'c Request<'c>,
    pub(super) env: &'c Env,
    pub(super) context: &'c Context,
    /// The time since the request arrived.
    pub(super) wait: &'c Wait,
}

impl Call<'_> {
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
