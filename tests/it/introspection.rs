//! Token introspection: which tokens are sent, what is sent, how responses are judged, and what
//! limits the calls.

mod bound;
mod limits;
mod request;
mod response;
mod signed;

use crate::kit::{Call, Gate, Held, NOW, hs_issuer, keys, policy, with};
use portcullis::gate::{Evaluation, Memory, Need};
use portcullis::introspection::{Failure, IntrospectionRequest, Response, Unjudged};
use portcullis::policy::Policy;
use portcullis::possession::ClientCertificate;
use portcullis::refusal::Refusal;
use portcullis::time::UnixSeconds;
use serde_json::{Value, json};

/// A token that only its provider understands.
pub(super) const OPAQUE: &str = "mF_9.B5f-4.1JqM";

/// The base token's claims, as an introspection response.
pub(super) fn active() -> Value {
    json!({
        "active": true, "iss": "https://i", "aud": "api", "sub": "u", "exp": NOW + 86_400,
        "client_id": "app", "scope": "read",
    })
}

/// The settings of an endpoint.
pub(super) fn endpoint() -> Value {
    json!({
        "endpoint": "https://i/introspect", "client_id": "gate",
        "client_secret": "CLIENT_SECRET",
    })
}

/// An issuer that only introspects.
pub(super) fn opaque_issuer() -> Value {
    let changes = json!({ "keys": null, "algorithms": null, "introspection": endpoint() });
    with(hs_issuer(), changes)
}

/// The same, with some settings changed.
pub(super) fn opaque_issuer_with(changes: Value) -> Value {
    with(opaque_issuer(), json!({ "introspection": with(endpoint(), changes) }))
}

/// An issuer that has keys and introspects.
pub(super) fn both(changes: Value) -> Value {
    with(hs_issuer(), json!({ "introspection": with(endpoint(), changes) }))
}

pub(super) fn bindings() -> Held {
    Held::usual()
        .value("ED25519_PRIVATE", keys::ED25519_PRIVATE)
        .value("P256_PRIVATE", keys::P256_PRIVATE)
}

pub(super) fn gate(issuer: Value) -> Gate {
    Gate::bound(&policy(issuer), &bindings())
}

pub(super) fn at(seconds: i64) -> UnixSeconds {
    UnixSeconds::new(NOW + seconds)
}

/// A response of an endpoint that answers with JSON.
pub(super) fn json_response(body: &Value) -> Response {
    response(200, "application/json", body.to_string())
}

pub(super) fn response(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Response {
    Response { status, content_type: Some(content_type.to_owned()), body: body.into() }
}

/// A request at the gate, and what it needs next.
pub(super) struct Asking<'g> {
    policy: &'g Policy,
    memory: &'g Memory,
    evaluation: Evaluation<'g, 'g>,
    pub(super) needed: Option<Box<IntrospectionRequest>>,
}

impl<'g> Asking<'g> {
    pub(super) fn new(gate: &'g Gate, call: &'g Call) -> Self {
        let Gate { policy, memory } = gate;
        let evaluation = Evaluation::new(policy, call.request());
        Self { policy, memory, evaluation, needed: None }
    }

    /// Evaluates the request of a client that presents what `read` returns.
    pub(super) fn with_certificate(
        mut self,
        read: &'g dyn Fn() -> Option<ClientCertificate>,
    ) -> Self {
        self.evaluation = self.evaluation.with_certificate(read);
        self
    }

    /// Evaluates the request. Returns its verdict, or `needs introspection`.
    pub(super) fn run(&mut self, at: UnixSeconds) -> String {
        use portcullis::gate::Decision;
        match self.evaluation.run(self.memory, at) {
            Ok(Decision::Forward(_)) => "200".to_owned(),
            Ok(Decision::Refuse(refusal)) => code(&refusal),
            Ok(Decision::Respond(_)) => "answered".to_owned(),
            Err(Need::Introspection(request)) => {
                self.needed = Some(request);
                "needs introspection".to_owned()
            }
            Err(need) => format!("{need:?}"),
        }
    }

    /// Gives the response to the call that the request needs.
    pub(super) fn answer(
        &self,
        response: &Response,
        asked: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<(), Unjudged> {
        let request = self.needed.as_ref().expect("the request needs an introspection");
        self.memory.introspected(self.policy, request, response, asked, now)
    }
}

pub(super) fn code(refusal: &Refusal) -> String {
    format!("{} {}", refusal.code().status(), refusal.code())
}

/// The verdict on an opaque token for which the endpoint gives this response, or the failure.
pub(super) fn verdict_on(gate: &Gate, response: &Response) -> Result<String, Failure> {
    verdict_of(gate, OPAQUE, response, 0)
}

/// The same for a token, at a time.
pub(super) fn verdict_of(
    gate: &Gate,
    token: &str,
    response: &Response,
    seconds: i64,
) -> Result<String, Failure> {
    let call = Call::get("/").bearer(token);
    let mut asking = Asking::new(gate, &call);
    let first = asking.run(at(seconds));
    if first != "needs introspection" {
        return Ok(first);
    }
    match asking.answer(response, at(seconds), at(seconds)) {
        Ok(()) => Ok(asking.run(at(seconds))),
        Err(Unjudged::Failed(failure)) => {
            let request = asking.needed.as_ref().unwrap();
            gate.memory.introspections.failed(request, at(seconds), at(seconds));
            Err(failure)
        }
        Err(Unjudged::Keys(_)) => Ok("needs keys".to_owned()),
    }
}
