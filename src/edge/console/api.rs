//! The API of the console's page: the policy in force, the Worker's verdict on a request, and a
//! token to try.

use super::super::call::Call;
use super::super::isolate::{self, Isolate, Which};
use super::super::secrets_store::StoredSecrets;
use super::super::{clock, gateway, keys, stream};
use super::{ConsoleRequest, Problem, VERSION, is_on};
use crate::alg::Algorithm;
use crate::disclosure;
use crate::gate::{Decision, Evaluation, Trace};
use crate::json::text::{ObjectText, array, quoted};
use crate::keys::KeyRequest;
use crate::keys::cache::AskedKey;
use crate::outgoing::Outgoing;
use crate::policy::Fault;
use crate::refusal::{Code, Refusal, Step};
use crate::request::{Described, Request};
use crate::response::OwnResponse;
use crate::{extract, json, signature};
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;

/// The largest body of a request, in bytes.
const BODY_BYTES: usize = 32 * 1024;

const INVALID_POLICY: Problem = Problem::new(400, "the policy is invalid");

impl ConsoleRequest<'_> {
    /// Reads the body, a JSON value.
    pub(super) async fn body(&self) -> Result<Value, Problem> {
        let media_type = self.call.view.headers.get("content-type").unwrap_or_default();
        // A page of another site cannot send this type without a preflight, which is not granted.
        if !media_type.starts_with("application/json") {
            return Err(Problem::new(400, "the content type is not application/json"));
        }
        let stream =
            self.call.request.body().ok_or(Problem::new(400, "the request has no body"))?;
        let body = stream::read(&stream, BODY_BYTES).await;
        let body =
            body.map_err(|_| Problem::new(400, "the body is incomplete or larger than 32 KiB"))?;
        json::parse(&body).map_err(|_| Problem::new(400, "the body is not strict JSON"))
    }

    /// Describes the gate's policy, without any secret.
    pub(super) async fn describe(&self, isolate: Option<&Rc<Isolate>>) -> ObjectText {
        let (faults, warnings) = (Noted::default(), Noted::default());
        let (warn, fault) = (|one: &Fault| note(&warnings, one), |one: &Fault| note(&faults, one));
        // Compiled again for its faults and warnings.
        let Call { gate, env, purpose, .. } = *self.call;
        let stored = gate.secrets(env, &StoredSecrets::default()).await;
        let raw = gate.raw(env, Which::Enforced);
        let _ = isolate::compile(env, raw, &stored, purpose, &warn, &fault);
        let mut told = ObjectText::new();
        match (isolate, gate.raw(env, Which::Enforced)) {
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
        told.number("now", 1000_i64.saturating_mul(clock::now().get()));
        told.text("version", Some(VERSION));
        told.json("mint", if is_on(self.call.env, "CONSOLE_MINT") { "true" } else { "false" });
        told.array("faults", &faults.take());
        told.array("warnings", &warnings.take());
        told
    }

    /// Fetches the keys of the issuers that have none yet, within the bounds for requests.
    async fn fetch_keys(&self, isolate: &Rc<Isolate>) {
        for issuer in isolate.policy.issuers().iter().filter(|issuer| issuer.remote().is_some()) {
            let is_held = isolate.with_keys(issuer.id(), |cache| cache.held().is_some());
            if let (Some(false), Some(algorithm)) = (is_held, issuer.algorithms().first()) {
                let asked = AskedKey::any(*algorithm);
                let request = KeyRequest { issuer: issuer.id(), asked };
                keys::fetch(isolate, request, self.call).await;
            }
        }
    }

    /// Returns the Worker's verdict on a request that is described. Nothing is sent.
    pub(super) async fn evaluate(
        &self,
        isolate: Option<&Rc<Isolate>>,
        described: &Value,
    ) -> Result<ObjectText, Problem> {
        let isolate = isolate.ok_or(INVALID_POLICY)?;
        let described = Described::read(described).map_err(|problem| Problem::new(400, problem))?;
        let (request, policy) = (described.request(), &isolate.policy);
        let mut told = ObjectText::new();
        let mut evaluation = Evaluation::new(policy, request);
        let decision = gateway::decide(isolate, &mut evaluation, self.call).await;
        let trace = evaluation.trace();
        // The claims of a bound token are not for somebody who lacks its key.
        let lacks_key = matches!(&decision, Decision::Refuse(it) if it.step() == Step::Possession);
        if !lacks_key && let Some(claims) = introspected(isolate, &request) {
            told.json("introspected", &claims);
        }
        match &decision {
            Decision::Respond(response) => told.json("response", &response_text(response)),
            Decision::Forward(outgoing) => {
                tell_trace(&mut told, trace);
                if let Some(refusal) = outgoing.reported() {
                    tell_refusal(&mut told, refusal);
                }
                told.json("outgoing", &outgoing_text(outgoing));
            }
            Decision::Refuse(refusal) => {
                // Otherwise this endpoint would tell for any number of guesses whether they pass.
                let limited = gateway::limited(refusal.clone(), policy, self.call).await;
                if limited.code() == Code::RateLimited {
                    return Err(Problem::new(
                        429,
                        "too many rejected tokens came from this client",
                    ));
                }
                tell_trace(&mut told, trace);
                tell_refusal(&mut told, refusal);
                let response = policy.error_responses().respond(refusal, &request, None);
                told.json("response", &response_text(&response));
            }
        }
        Ok(told)
    }
}

/// What the provider says about the token of a request, if it is introspected and active.
fn introspected(isolate: &Isolate, request: &Request<'_>) -> Option<String> {
    let credential = extract::credential(isolate.policy.sources(), request).ok().flatten()?;
    let identity = isolate.memory().identities.get(credential.text())?;
    identity.evidence().introspection()?;
    serde_json::to_string(identity.members()).ok()
}

fn tell_trace(told: &mut ObjectText, trace: &Trace<'_>) {
    told.text("issuer", trace.issuer);
    told.text("alg", trace.algorithm.map(Algorithm::name));
    told.text("key", trace.key.as_deref());
}

fn tell_refusal(told: &mut ObjectText, refusal: &Refusal) {
    told.text("code", Some(refusal.code().as_str()));
    told.text("because", Some(refusal.because()));
    told.text("step", Some(refusal.step().as_str()));
}

/// Faults as JSON texts.
type Noted = RefCell<Vec<String>>;

fn note(list: &Noted, fault: &Fault) {
    let mut told = ObjectText::new();
    told.text("path", Some(&fault.path));
    told.text("problem", Some(&fault.problem));
    told.text("remedy", Some(&fault.remedy));
    list.borrow_mut().push(told.finish());
}

fn response_text(response: &OwnResponse) -> String {
    let mut shown = ObjectText::new();
    shown.number("status", response.status.into());
    let headers = response.headers.iter();
    shown.array("headers", &headers.map(|(name, value)| pair(name, value)).collect::<Vec<_>>());
    shown.text("body", Some(&response.body));
    shown.finish()
}

fn outgoing_text(outgoing: &Outgoing<'_>) -> String {
    let mut sent = ObjectText::new();
    sent.text("url", Some(&outgoing.url));
    let removed = outgoing.remove.iter();
    sent.array("remove", &removed.map(|name| quoted(name)).collect::<Vec<_>>());
    let set = outgoing.shown_headers(clock::now());
    sent.array("set", &set.map(|(name, value)| pair(name, &value)).collect::<Vec<_>>());
    sent.finish()
}

fn pair(name: &str, value: &str) -> String {
    array(&[quoted(name), quoted(value)])
}

/// Signs a token with an issuer's secret, to try the gate with.
pub(super) fn mint(isolate: Option<&Rc<Isolate>>, wanted: &Value) -> Result<ObjectText, Problem> {
    let policy = &isolate.ok_or(INVALID_POLICY)?.policy;
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
