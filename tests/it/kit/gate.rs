//! Helpers that run the whole gate: they compile a policy, evaluate a request, and return the
//! refusal or the request that is forwarded to the origin.

use super::{Held, hs_issuer, now, policy, rs_issuer};
use portcullis::error_response::ErrorResponses;
use portcullis::gate::{Decision, Evaluation, Memory, Need, Trace};
use portcullis::keys::KeyRequest;
use portcullis::outgoing::Outgoing;
use portcullis::policy::Policy;
use portcullis::refusal::Refusal;
use portcullis::request::Request;
use portcullis::response::OwnResponse;
use portcullis::time::UnixSeconds;
use serde_json::Value;
use std::iter;

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Call {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let url = format!("https://gate.example{path}");
        Self { method: method.to_owned(), url, headers: Vec::new() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn request(&self) -> Request<'_> {
        Request { method: &self.method, url: &self.url, headers: &self.headers }
    }
}

/// A request that is forwarded to the origin.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) removed: Vec<String>,
    pub(crate) set: Vec<(String, String)>,
    pub(crate) no_store: bool,
    pub(crate) unchanged: bool,
    pub(crate) anonymous: bool,
    /// The code of the refusal that was only reported, on a route in report mode.
    pub(crate) reported: Option<String>,
}

/// The trace of a request, and the keys and documents that it requested.
#[derive(Debug)]
pub(crate) struct Evaluated<'g> {
    pub(crate) trace: Trace<'g>,
    /// What the gate asked to be fetched before it decided.
    pub(crate) needs: Vec<Need>,
    /// The keys to fetch in the background.
    pub(crate) refresh: Option<KeyRequest>,
}

impl Sent {
    fn of(outgoing: &Outgoing<'_>) -> Self {
        let lines = outgoing.lines().unwrap();
        let mut lines = lines.split('\n').map(str::to_owned);
        let (url, removed) = (lines.next().unwrap(), lines.next().unwrap());
        let names = removed.split(',').filter(|name| !name.is_empty());
        Self {
            url,
            removed: names.map(str::to_owned).collect(),
            set: iter::from_fn(|| Some((lines.next()?, lines.next().unwrap()))).collect(),
            no_store: outgoing.no_store,
            unchanged: outgoing.is_unchanged(),
            anonymous: outgoing.is_anonymous(),
            reported: outgoing.reported().map(|refusal| refusal.code().to_string()),
        }
    }

    /// Returns a header that the gate set. Panics if it is set twice.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.set.iter().filter(|(set, _)| set == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is set twice");
        value
    }
}

/// Returns the response to a refused request that has no headers.
pub(crate) fn respond(
    responses: &ErrorResponses,
    refusal: &Refusal,
    ray: Option<&str>,
) -> OwnResponse {
    responses.respond(refusal, &Call::get("/").request(), ray)
}

/// A gate with a compiled policy.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) policy: Policy,
    pub(crate) memory: Memory,
}

impl Gate {
    pub(crate) fn new(raw: &Value) -> Self {
        Self::bound(raw, &Held::usual())
    }

    pub(crate) fn bound(raw: &Value, bindings: &Held) -> Self {
        match Policy::compile(raw, bindings).outcome {
            Ok(policy) => Self::of(policy),
            Err(faults) => panic!("the policy has faults: {faults:#?}"),
        }
    }

    /// Returns a gate for which nothing has been fetched.
    pub(crate) fn of(policy: Policy) -> Self {
        Self { memory: Memory::new(&policy), policy }
    }

    /// Returns the gate for the base token.
    pub(crate) fn hs() -> Self {
        Self::new(&policy(hs_issuer()))
    }

    /// Returns the gate for the base token with RS256.
    pub(crate) fn rs() -> Self {
        Self::new(&policy(rs_issuer()))
    }

    /// Evaluates a request without fetching anything that the gate asks for.
    pub(crate) fn evaluate<'g>(
        &'g self,
        call: &Call,
        at: UnixSeconds,
    ) -> (Evaluated<'g>, Result<Sent, Refusal>) {
        let mut evaluation = Evaluation::new(&self.policy, call.request());
        let mut needs = Vec::new();
        let decision = loop {
            match evaluation.run(&self.memory, at) {
                Ok(decision) => break decision,
                Err(need) => needs.push(need),
            }
        };
        let sent = match decision {
            Decision::Respond(response) => panic!("the gate responds itself: {response:?}"),
            Decision::Refuse(refusal) => Err(refusal),
            Decision::Forward(outgoing) => Ok(Sent::of(&outgoing)),
        };
        let (trace, refresh) = (evaluation.trace().clone(), evaluation.take_refresh());
        (Evaluated { trace, needs, refresh }, sent)
    }

    /// Returns the trace of a request, and the forwarded request or the refusal.
    pub(crate) fn trace<'g>(
        &'g self,
        call: &Call,
        at: UnixSeconds,
    ) -> (Trace<'g>, Result<Sent, Refusal>) {
        let (evaluated, sent) = self.evaluate(call, at);
        (evaluated.trace, sent)
    }

    pub(crate) fn ask(&self, call: &Call) -> Result<Sent, Refusal> {
        self.trace(call, now()).1
    }

    /// Returns the status and code of a refusal, such as `401 expired`, or `200` if the request is
    /// forwarded.
    pub(crate) fn verdict(&self, call: &Call) -> String {
        match self.ask(call) {
            Ok(_) => "200".to_owned(),
            Err(refusal) => format!("{} {}", refusal.code().status(), refusal.code()),
        }
    }

    /// Returns the verdict on a request whose only credential is this Bearer token.
    pub(crate) fn token(&self, token: &str) -> String {
        self.verdict(&Call::get("/").bearer(token))
    }

    /// Returns the gate's own response to a request for its metadata or to a preflight.
    pub(crate) fn own_response(&self, call: &Call) -> Option<OwnResponse> {
        match self.decision(call) {
            Decision::Respond(response) => Some(response),
            Decision::Refuse(_) | Decision::Forward(_) => None,
        }
    }

    /// Returns the response to a refused request.
    pub(crate) fn response(&self, call: &Call) -> OwnResponse {
        let refusal = self.ask(call).unwrap_err();
        self.policy.error_responses().respond(&refusal, &call.request(), None)
    }

    /// Returns the outgoing request. Panics if the request is not forwarded.
    pub(crate) fn outgoing<'r>(&'r self, call: &'r Call) -> Outgoing<'r> {
        match Evaluation::new(&self.policy, call.request()).run(&self.memory, now()) {
            Ok(Decision::Forward(outgoing)) => outgoing,
            other => panic!("not forwarded: {other:?}"),
        }
    }

    /// Returns the decision on a request. Panics if something has to be fetched first.
    pub(crate) fn decision<'r>(&'r self, call: &'r Call) -> Decision<'r> {
        Evaluation::new(&self.policy, call.request()).run(&self.memory, now()).unwrap()
    }
}
