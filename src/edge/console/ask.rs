//! What the page asks of the Worker: the policy it works by, its verdict on a request, a token to try.

use super::super::isolate::{self, Isolate};
use super::super::{clock, judge, keys, stream};
use super::{Asked, Problem, is_on};
use crate::alg::Algorithm;
use crate::disclosure;
use crate::gate::{self, Trace};
use crate::keys::KeysWanted;
use crate::keys::cache::AskedKey;
use crate::outgoing::Outgoing;
use crate::policy::Fault;
use crate::refusal::{Answer, Refusal};
use crate::request::Described;
use crate::token::Header;
use crate::{json, signature};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::rc::Rc;

/// Bytes of a request's body.
const BODY_BYTES: usize = 32 * 1024;

const FAULTY: Problem = Problem::new(400, "the policy has a fault");

impl Asked<'_> {
    /// The body, a JSON value.
    pub(super) async fn body(&self) -> Result<Value, Problem> {
        let media_type = self.view.headers.get("content-type").unwrap_or_default();
        // A page of another site cannot send this without asking first, and nobody says yes.
        if !media_type.starts_with("application/json") {
            return Err(Problem::new(400, "the body is not said to be application/json"));
        }
        let stream = self.request.body().ok_or(Problem::new(400, "there is no body"))?;
        let body = stream::read(&stream, BODY_BYTES).await;
        let body = body.map_err(|_| Problem::new(400, "the body broke off, or is over 32 KiB"))?;
        json::parse(&body).map_err(|_| Problem::new(400, "the body is not strict JSON"))
    }

    /// What there is to know of the gate's policy, and nothing secret.
    pub(super) async fn gate(&self, isolate: Option<&Rc<Isolate>>) -> Value {
        let (faults, warnings) = (RefCell::default(), RefCell::default());
        let note = |list: &RefCell<Vec<Value>>, fault: &Fault| {
            let Fault { path, problem, remedy } = fault;
            let fault = json!({ "path": path, "problem": problem, "remedy": remedy });
            list.borrow_mut().push(fault);
        };
        let (warn, fault) = (|one: &Fault| note(&warnings, one), |one: &Fault| note(&faults, one));
        // What keeps it from compiling is noted.
        let _ = isolate::compile(self.env, isolate::POLICY, warn, fault).await;
        let mut told = json!({ "policy": null, "secrets": [], "keys": {} });
        if let (Some(isolate), Ok(raw)) = (isolate, isolate::raw_policy(self.env, isolate::POLICY))
        {
            self.fetch_keys(isolate).await;
            told = disclosure::of(raw, &isolate.policy, &isolate.memory().keys);
        }
        let now = 1000_i64.saturating_mul(clock::now().get());
        for (name, value) in [
            ("now", json!(now)),
            ("version", json!(env!("CARGO_PKG_VERSION"))),
            ("mint", json!(is_on(self.env, "CONSOLE_MINT"))),
            ("faults", json!(faults.take())),
            ("warnings", json!(warnings.take())),
        ] {
            told.as_object_mut().map(|told| told.insert(name.to_owned(), value));
        }
        told
    }

    /// Fetches the keys of issuers of which none have been, within the bounds that hold for requests.
    async fn fetch_keys(&self, isolate: &Rc<Isolate>) {
        for issuer in isolate.policy.issuers().iter().filter(|issuer| issuer.remote().is_some()) {
            let place = issuer.place();
            let is_held = isolate.with_keys(place, |cache| cache.held().is_some());
            if let (Some(false), Some(algorithm)) = (is_held, issuer.algorithms().first()) {
                let header = Header {
                    algorithm: *algorithm,
                    key_id: None,
                    media_type: None,
                    is_nested: false,
                };
                let asked = AskedKey::of(&header);
                let wanted = KeysWanted { issuer: place, asked, in_background: false };
                keys::obtain(isolate, wanted, self.env, self.context).await;
            }
        }
    }

    /// The Worker's verdict on a request that is described. It is sent nowhere.
    pub(super) async fn judge(
        &self,
        isolate: Option<&Rc<Isolate>>,
        described: &Value,
    ) -> Result<Value, Problem> {
        let isolate = isolate.ok_or(FAULTY)?;
        let described = Described::read(described).map_err(|problem| Problem::new(400, problem))?;
        let (request, policy) = (described.request(), &isolate.policy);
        let mut trace = Trace::default();
        let judged = match gate::own_answer(policy, &request) {
            Ok(Some(answer)) => return Ok(json!({ "response": shown(&answer) })),
            Err(refusal) => Err(refusal),
            Ok(None) => judge(isolate, &request, self.env, self.context, &mut trace)
                .await
                .and_then(|admitted| Outgoing::of(admitted, &request, policy.forwarding())),
        };
        let answer =
            |refusal: &Refusal| shown(&refusal.answer_to(request.headers, policy.answers(), None));
        let refusal = judged.as_ref().map_or_else(Some, Outgoing::reported);
        Ok(json!({
            "issuer": trace.issuer,
            "alg": trace.algorithm.map(Algorithm::name),
            "key": trace.key,
            "code": refusal.map(|refusal| refusal.code().as_str()),
            "because": refusal.map(Refusal::because),
            "step": refusal.map(|refusal| refusal.step().as_str()),
            "response": judged.as_ref().err().map(answer),
            "outgoing": judged.as_ref().ok().map(|outgoing| {
                json!({ "url": outgoing.url, "remove": outgoing.remove, "set": outgoing.set })
            }),
        }))
    }
}

fn shown(answer: &Answer) -> Value {
    json!({ "status": answer.status, "headers": answer.headers, "body": answer.body })
}

/// A token under an issuer's secret, to try the gate with.
pub(super) fn mint(isolate: Option<&Rc<Isolate>>, wanted: &Value) -> Result<Value, Problem> {
    let policy = &isolate.ok_or(FAULTY)?.policy;
    let name = wanted.get("issuer").and_then(Value::as_str);
    let issuer = policy.issuers().iter().find(|issuer| Some(issuer.name()) == name);
    let keys = issuer.and_then(|issuer| issuer.keys()).map(|keys| keys.keys());
    let key = keys.into_iter().flatten().find(|key| key.algorithms().contains(&Algorithm::HS256));
    let key = key.ok_or(Problem::new(400, "no issuer of that name signs with HS256"))?;
    let claims = wanted.get("claims").filter(|claims| claims.is_object());
    let claims = claims.ok_or(Problem::new(400, "claims is not an object"))?;
    let mut header = json::Object::new();
    header.insert("typ".to_owned(), Value::from("JWT"));
    header.extend(wanted.get("header").and_then(Value::as_object).cloned().unwrap_or_default());
    header.insert("alg".to_owned(), Value::from("HS256"));
    Ok(json!({ "token": signature::signed(key, &Value::Object(header), claims) }))
}
