//! What the page asks of the Worker: the policy it works by, its verdict on a request, a token to try.

use super::super::isolate::{self, Isolate};
use super::super::{clock, judge, keys, stream};
use super::{Asked, Problem, VERSION, is_on};
use crate::alg::Algorithm;
use crate::disclosure;
use crate::gate::{self, Trace};
use crate::json::text::{ObjectText, array, quoted};
use crate::keys::KeysWanted;
use crate::keys::cache::AskedKey;
use crate::outgoing::Outgoing;
use crate::policy::Fault;
use crate::refusal::Answer;
use crate::request::Described;
use crate::token::Header;
use crate::{json, signature};
use serde_json::Value;
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
    pub(super) async fn gate(&self, isolate: Option<&Rc<Isolate>>) -> ObjectText {
        let (faults, warnings) = (Noted::default(), Noted::default());
        let (warn, fault) = (|one: &Fault| note(&warnings, one), |one: &Fault| note(&faults, one));
        // What keeps it from compiling is noted.
        let _ = isolate::compile(self.env, isolate::POLICY, &warn, &fault).await;
        let mut told = ObjectText::new();
        match (isolate, isolate::raw_policy(self.env, isolate::POLICY)) {
            (Some(isolate), Ok(raw)) => {
                self.fetch_keys(isolate).await;
                disclosure::tell(&mut told, raw, &isolate.policy, &isolate.memory().keys);
            }
            _ => {
                told.json("policy", "null");
                told.array("secrets", &[]);
                told.json("keys", "{}");
            }
        }
        told.json("now", &1000_i64.saturating_mul(clock::now().get()).to_string());
        told.text("version", Some(VERSION));
        told.json("mint", if is_on(self.env, "CONSOLE_MINT") { "true" } else { "false" });
        told.array("faults", &faults.take());
        told.array("warnings", &warnings.take());
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
    ) -> Result<ObjectText, Problem> {
        let isolate = isolate.ok_or(FAULTY)?;
        let described = Described::read(described).map_err(|problem| Problem::new(400, problem))?;
        let (request, policy) = (described.request(), &isolate.policy);
        let mut told = ObjectText::new();
        let mut trace = Trace::default();
        let judged = match gate::own_answer(policy, &request) {
            Ok(Some(answer)) => {
                told.json("response", &shown(&answer));
                return Ok(told);
            }
            Err(refusal) => Err(refusal),
            Ok(None) => judge(isolate, &request, self.env, self.context, &mut trace)
                .await
                .and_then(|admitted| Outgoing::of(admitted, &request, policy.forwarding())),
        };
        told.text("issuer", trace.issuer);
        told.text("alg", trace.algorithm.map(Algorithm::name));
        told.text("key", trace.key.as_deref());
        if let Some(refusal) = judged.as_ref().map_or_else(Some, Outgoing::reported) {
            told.text("code", Some(refusal.code().as_str()));
            told.text("because", Some(refusal.because()));
            told.text("step", Some(refusal.step().as_str()));
        }
        match &judged {
            Ok(outgoing) => told.json("outgoing", &sent(outgoing)),
            Err(refusal) => {
                let answer = refusal.answer_to(request.headers, policy.answers(), None);
                told.json("response", &shown(&answer));
            }
        }
        Ok(told)
    }
}

/// Faults as they are told, one JSON text each.
type Noted = RefCell<Vec<String>>;

fn note(list: &Noted, fault: &Fault) {
    let mut told = ObjectText::new();
    told.text("path", Some(&fault.path));
    told.text("problem", Some(&fault.problem));
    told.text("remedy", Some(&fault.remedy));
    list.borrow_mut().push(told.finish());
}

fn shown(answer: &Answer) -> String {
    let mut shown = ObjectText::new();
    shown.json("status", &answer.status.to_string());
    let headers = answer.headers.iter();
    shown.array("headers", &headers.map(|(name, value)| pair(name, value)).collect::<Vec<_>>());
    shown.text("body", Some(&answer.body));
    shown.finish()
}

fn sent(outgoing: &Outgoing<'_>) -> String {
    let mut sent = ObjectText::new();
    sent.text("url", Some(&outgoing.url));
    let removed = outgoing.remove.iter();
    sent.array("remove", &removed.map(|name| quoted(name)).collect::<Vec<_>>());
    let set = outgoing.set.iter();
    sent.array("set", &set.map(|(name, value)| pair(name, value)).collect::<Vec<_>>());
    sent.finish()
}

fn pair(name: &str, value: &str) -> String {
    array(&[quoted(name), quoted(value)])
}

/// A token under an issuer's secret, to try the gate with.
pub(super) fn mint(isolate: Option<&Rc<Isolate>>, wanted: &Value) -> Result<ObjectText, Problem> {
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
    let mut minted = ObjectText::new();
    minted.text("token", Some(&signature::signed(key, &Value::Object(header), claims)));
    Ok(minted)
}
