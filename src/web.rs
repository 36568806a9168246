//! The browser's face of the gate: the same judgement, on plain objects.
//!
//! Nothing here is a method of the Worker: the two features exclude each other on wasm32.

use crate::gate::{self, Memory, Trace};
use crate::outgoing::Outgoing;
use crate::policy::{Bindings, Fault, Policy};
use crate::refusal::{Answer, AnswerStyle, Refusal};
use crate::request::Request;
use crate::time::UnixSeconds;
use serde::Deserialize;
use serde::Serialize as _;
use serde_json::{Map, Value, json};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// What the page hands over.
#[derive(Deserialize)]
struct Question {
    /// The policy, as under `[vars.POLICY]`.
    policy: Value,
    /// Secrets, keys and services by the names of their bindings; a service is `true`.
    #[serde(default)]
    bindings: Map<String, Value>,
    /// The request's method.
    method: String,
    /// The request's absolute URL.
    url: String,
    /// The request's header lines, a name and a value each.
    #[serde(default)]
    headers: Vec<(String, String)>,
}

struct Given(Map<String, Value>);

impl Bindings for Given {
    fn value(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn is_service(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    fn is_kv_namespace(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }
}

/// Judges a request by a policy, at `now` in milliseconds since the epoch (`Date.now()`).
///
/// `question` is `{ policy, bindings?, method, url, headers? }`. The answer holds `faults` where the
/// policy has any; `answer` where the gate answers by itself; else `steps`, and either `refusal` (code, explanation, and the HTTP answer) or
/// `outgoing` (what the origin would be sent).
///
/// # Errors
///
/// A string that says what is wrong with the shape of `question`.
#[wasm_bindgen]
pub fn judge(question: JsValue, now: f64) -> Result<JsValue, JsValue> {
    let question: Question = serde_wasm_bindgen::from_value(question)?;
    let verdict = verdict(question, UnixSeconds::from_milliseconds(now));
    Ok(verdict.serialize(&Serializer::json_compatible())?)
}

fn verdict(question: Question, now: UnixSeconds) -> Value {
    let compilation = Policy::compile(&question.policy, &Given(question.bindings));
    let warnings: Vec<_> = compilation.warnings.iter().map(shown).collect();
    let policy = match compilation.outcome {
        Ok(policy) => policy,
        Err(faults) => {
            let faults: Vec<_> = faults.iter().map(shown).collect();
            return json!({ "faults": faults, "warnings": warnings });
        }
    };
    let request =
        Request { method: &question.method, url: &question.url, headers: &question.headers };
    let mut trace = Trace::default();
    if let Ok(Some(answer)) = gate::own_answer(&policy, &request) {
        let Answer { status, headers, body } = answer;
        let answer = json!({ "status": status, "headers": headers, "body": body });
        return json!({ "warnings": warnings, "answer": answer });
    }
    let outcome = gate::judge(&policy, &Memory::of(&policy), &request, now, &mut trace)
        .and_then(|admitted| Outgoing::of(admitted, &request, policy.forwarding()));
    let steps = json!({
        "route": trace.route.map(|route| route.pattern.as_str()),
        "alg": trace.algorithm.map(|algorithm| algorithm.name()),
        "issuer": trace.issuer,
        "key": trace.key,
    });
    match outcome {
        Ok(outgoing) => json!({
            "warnings": warnings,
            "steps": steps,
            "outgoing": { "url": outgoing.url, "remove": outgoing.remove, "set": outgoing.set },
        }),
        Err(refusal) => json!({
            "warnings": warnings,
            "steps": steps,
            "refusal": explained(&refusal, &request, policy.answers()),
        }),
    }
}

fn shown(fault: &Fault) -> Value {
    json!({ "path": fault.path, "problem": fault.problem, "remedy": fault.remedy })
}

fn explained(refusal: &Refusal, request: &Request<'_>, style: &AnswerStyle) -> Value {
    let answer = refusal.answer_to(request.headers, style, None);
    json!({
        "code": refusal.code().as_str(),
        "because": refusal.because(),
        "status": answer.status,
        "headers": answer.headers,
        "body": answer.body,
    })
}
