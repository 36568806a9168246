//! The whole gate, from a policy and a request to what the client or the origin sees.

use super::{Held, hs_issuer, now, policy, rs_issuer};
use portcullis::gate::{Memory, Trace, judge, own_answer};
use portcullis::outgoing::Outgoing;
use portcullis::policy::Policy;
use portcullis::refusal::{Answer, Refusal};
use portcullis::request::Request;
use portcullis::time::UnixSeconds;
use serde_json::Value;
use std::iter;

/// A request.
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

/// What goes to the origin.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) removed: Vec<String>,
    pub(crate) set: Vec<(String, String)>,
    pub(crate) no_store: bool,
    pub(crate) as_it_came: bool,
    pub(crate) anonymous: bool,
    /// What it would have been refused for.
    pub(crate) reported: Option<String>,
}

impl Sent {
    /// A header that the gate set.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.set.iter().filter(|(set, _)| set == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is set twice");
        value
    }
}

/// A gate whose policy has compiled.
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

    /// With nothing fetched.
    pub(crate) fn of(policy: Policy) -> Self {
        Self { memory: Memory::of(&policy), policy }
    }

    /// For the base token.
    pub(crate) fn hs() -> Self {
        Self::new(&policy(hs_issuer()))
    }

    /// For the base token with RS256.
    pub(crate) fn rs() -> Self {
        Self::new(&policy(rs_issuer()))
    }

    /// Judges a request, works out what is sent, and says how far it came.
    pub(crate) fn trace<'g>(
        &'g self,
        call: &Call,
        at: UnixSeconds,
    ) -> (Trace<'g>, Result<Sent, Refusal>) {
        let mut trace = Trace::default();
        let request = call.request();
        let sent =
            judge(&self.policy, &self.memory, &request, at, &mut trace).and_then(|admitted| {
                let anonymous = admitted.claims().is_none();
                let outgoing = Outgoing::of(admitted, &request, self.policy.forwarding())?;
                let reported = outgoing.reported().map(|refusal| refusal.code().to_string());
                let lines = outgoing.lines().unwrap();
                let mut lines = lines.split('\n').map(str::to_owned);
                let (url, removed) = (lines.next().unwrap(), lines.next().unwrap());
                let names = removed.split(',').filter(|name| !name.is_empty());
                Ok(Sent {
                    reported,
                    url,
                    removed: names.map(str::to_owned).collect(),
                    set: iter::from_fn(|| Some((lines.next()?, lines.next().unwrap()))).collect(),
                    no_store: outgoing.no_store,
                    as_it_came: outgoing.goes_as_it_came(),
                    anonymous,
                })
            });
        (trace, sent)
    }

    pub(crate) fn ask(&self, call: &Call) -> Result<Sent, Refusal> {
        self.trace(call, now()).1
    }

    /// Status and code: `401 expired`, or `200` for what reaches the origin.
    pub(crate) fn verdict(&self, call: &Call) -> String {
        match self.ask(call) {
            Ok(_) => "200".to_owned(),
            Err(refusal) => format!("{} {}", refusal.code().status(), refusal.code()),
        }
    }

    /// The verdict on a token as the one Bearer credential of a request.
    pub(crate) fn token(&self, token: &str) -> String {
        self.verdict(&Call::get("/").bearer(token))
    }

    /// What the gate answers by itself, whether it is asked for its metadata or refuses.
    pub(crate) fn own_answer(&self, call: &Call) -> Option<Answer> {
        let request = call.request();
        match own_answer(&self.policy, &request) {
            Ok(answer) => answer,
            Err(refusal) => Some(refusal.answer_to(request.headers, self.policy.answers(), None)),
        }
    }

    /// What the client is told.
    pub(crate) fn answer(&self, call: &Call) -> Answer {
        let refusal = self.ask(call).unwrap_err();
        refusal.answer_to(call.request().headers, self.policy.answers(), None)
    }
}
