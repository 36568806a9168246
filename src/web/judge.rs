//! The gate's verdict on a request, and how it came about.

use super::describe;
use super::question::{Question, Withheld};
use super::steps::{Halt, Progress};
use crate::extract::{self, Found, Source};
use crate::gate::{self, Memory, Trace};
use crate::json::Object;
use crate::outgoing::Outgoing;
use crate::policy::Policy;
use crate::refusal::remedy::{Case, Readable};
use crate::refusal::{Answer, Code, Refusal, Step};
use crate::request::Request;
use crate::revocation::Standing;
use crate::route::Route;
use crate::time::UnixSeconds;
use serde_json::{Value, json};

/// The verdict, as [`super::face::judge`] gives it.
pub(super) fn verdict(question: &Question, request: &Request<'_>, now: UnixSeconds) -> Value {
    let compiled = question.compile();
    let warnings = describe::faults(&compiled.warnings);
    let policy = match compiled.outcome {
        Ok(policy) => policy,
        Err(faults) => {
            return json!({ "faults": describe::faults(&faults), "warnings": warnings });
        }
    };
    let found = extract::token(policy.sources(), request).ok().flatten();
    let own = Judgement::of(question, &policy, request, now);
    let judgement = match &question.answered {
        Some(answered) => own.corrected_by(answered),
        None => own,
    };
    Shown { policy: &policy, found: found.as_ref(), now, judgement }.to_json(warnings)
}

/// What became of a request.
struct Judgement<'g> {
    route: Option<&'g Route>,
    issuer: Option<String>,
    algorithm: Option<String>,
    key: Option<String>,
    /// What it is refused for, or would be, were that more than reported.
    refused: Option<Refused>,
    /// What cannot be told from here.
    unknown: Vec<Halt>,
    /// What the client would be answered, if the gate refuses it, or answers by itself.
    response: Option<Value>,
    /// What the origin would be sent, if anything.
    outgoing: Option<Value>,
}

/// A refusal, of this gate's or as the Worker tells of it.
struct Refused {
    code: Code,
    because: String,
    step: Step,
}

impl Refused {
    fn of(refusal: &Refusal) -> Self {
        let because = refusal.because().to_owned();
        Self { code: refusal.code(), because, step: refusal.step() }
    }
}

impl<'g> Judgement<'g> {
    fn of(
        question: &Question,
        policy: &'g Policy,
        request: &Request<'g>,
        now: UnixSeconds,
    ) -> Self {
        let mut trace = Trace::default();
        let mut unknown = Vec::new();
        let refuse = |refusal: &Refusal| {
            Some(answer(&refusal.answer_to(request.headers, policy.answers(), None)))
        };
        let mut of = |trace: Trace<'g>, refused, response, outgoing| Self {
            route: trace.route,
            issuer: trace.issuer.map(str::to_owned),
            algorithm: trace.algorithm.map(|algorithm| algorithm.name().to_owned()),
            key: trace.key,
            refused,
            unknown: std::mem::take(&mut unknown),
            response,
            outgoing,
        };
        match gate::own_answer(policy, request) {
            Ok(None) => {}
            Ok(Some(own)) => return of(trace, None, Some(answer(&own)), None),
            Err(refusal) => {
                return of(trace, Some(Refused::of(&refusal)), refuse(&refusal), None);
            }
        }
        let mut memory = question.memory(policy, now);
        let mut outcome = ask(policy, &memory, request, now, &mut trace);
        let wanted = std::mem::take(&mut trace.revocations_wanted);
        let has_unread = !wanted.is_empty();
        if has_unread {
            for entry in wanted {
                memory.revocations.remember(entry, Standing::Good, now);
            }
            trace = Trace::default();
            outcome = ask(policy, &memory, request, now, &mut trace);
        }
        let refusal = match &outcome {
            Ok(outgoing) => outgoing.reported(),
            Err(refusal) => Some(refusal),
        };
        let halt = refusal.and_then(|refusal| withheld(question, policy, &trace, refusal));
        let is_halted = halt.is_some();
        let mut judgement = of(
            trace,
            refusal.filter(|_| !is_halted).map(Refused::of),
            outcome.as_ref().err().filter(|_| !is_halted).and_then(refuse),
            outcome.ok().filter(|_| !is_halted).map(|outgoing| {
                json!({ "url": outgoing.url, "remove": outgoing.remove, "set": outgoing.set })
            }),
        );
        judgement.unknown.extend(halt);
        if has_unread {
            judgement.unknown.push(Halt::unread());
        }
        judgement
    }

    /// What the Worker has found out, which has the secrets, the keys and the revocations.
    fn corrected_by(self, answered: &Object) -> Self {
        let text = |name: &str| answered.get(name).and_then(Value::as_str).map(str::to_owned);
        let value = |name: &str| answered.get(name).filter(|value| !value.is_null()).cloned();
        let refused = text("code").and_then(|code| {
            Some(Refused {
                code: Code::from_name(&code)?,
                because: text("because").unwrap_or_default(),
                step: Step::from_name(&text("step")?)?,
            })
        });
        Self {
            route: self.route,
            issuer: text("issuer"),
            algorithm: text("alg"),
            key: text("key"),
            refused,
            unknown: Vec::new(),
            response: value("response"),
            outgoing: value("outgoing"),
        }
    }
}

fn ask<'g>(
    policy: &'g Policy,
    memory: &Memory,
    request: &Request<'g>,
    now: UnixSeconds,
    trace: &mut Trace<'g>,
) -> Result<Outgoing<'g>, Refusal> {
    gate::judge(policy, memory, request, now, trace)
        .and_then(|admitted| Outgoing::of(admitted, request, policy.forwarding()))
}

/// Whether a refusal came about for want of what the page does not have.
fn withheld(
    question: &Question,
    policy: &Policy,
    trace: &Trace<'_>,
    refusal: &Refusal,
) -> Option<Halt> {
    let issuer = policy.issuers().iter().find(|issuer| Some(issuer.name()) == trace.issuer)?;
    match (refusal.code(), question.withheld(issuer.place())) {
        (Code::KeysUnavailable, _) => Some(match question.published(issuer) {
            Some(Err(fault)) => Halt::unusable_keys(&fault.to_string()),
            _ => Halt::unfetched_keys(),
        }),
        (Code::BadSignature, Withheld::What) => Some(Halt::withheld_secret(Step::Signature)),
        (Code::BadSignature, Withheld::WhichAndWhat) => Some(Halt::withheld_secret(Step::Key)),
        _ => None,
    }
}

fn answer(answer: &Answer) -> Value {
    json!({ "status": answer.status, "headers": answer.headers, "body": answer.body })
}

/// A judgement, to be shown.
struct Shown<'a> {
    policy: &'a Policy,
    found: Option<&'a Found<'a, 'a>>,
    now: UnixSeconds,
    judgement: Judgement<'a>,
}

impl Shown<'_> {
    fn to_json(&self, warnings: Value) -> Value {
        let Judgement { route, issuer, algorithm, key, refused, unknown, response, outgoing } =
            &self.judgement;
        let verdict = match (refused, response, outgoing) {
            _ if !unknown.is_empty() => "unknown",
            (None, Some(_), _) => "answered",
            (Some(_), Some(_), _) => "refused",
            _ => "admitted",
        };
        let explained = refused.as_ref().map(|refused| self.explained(refused));
        let progress = Progress {
            route: *route,
            has_token: self.found.is_some(),
            has_revocation: self.policy.revocation().is_some(),
            is_answered: verdict == "answered",
            failed: refused.as_ref().map(|refused| refused.step).zip(explained.clone()),
            unknown,
        };
        let source = self.found.map(|found| source(found.source));
        let steps = progress.steps(|step| match step {
            Step::Path => route.map(|route| route.pattern.to_string()),
            Step::Found => source.clone(),
            Step::Parsed => algorithm.clone(),
            Step::Key => issuer.clone(),
            Step::Signature => key.clone(),
            _ => None,
        });
        let mut shown = json!({
            "warnings": warnings,
            "verdict": verdict,
            "route": route.map(|route| describe::route(self.policy, route)),
            "issuer": issuer,
            "alg": algorithm,
            "key": key,
            "source": source,
            "steps": steps,
        });
        let mut set = |name: &str, value: Value| {
            shown.as_object_mut().map(|shown| shown.insert(name.to_owned(), value));
        };
        match (verdict, explained) {
            ("answered", _) => set("answer", json!(response)),
            ("refused", Some(mut explained)) => {
                let response = response.as_ref().and_then(Value::as_object);
                if let (Some(explained), Some(response)) = (explained.as_object_mut(), response) {
                    explained.extend(response.clone());
                }
                set("refusal", explained);
            }
            ("admitted", explained) => {
                set("outgoing", json!(outgoing));
                if let Some(explained) = explained {
                    set("reported", explained);
                }
            }
            _ => {}
        }
        shown
    }

    fn explained(&self, refused: &Refused) -> Value {
        let issuer = self.judgement.issuer.as_deref();
        let token = Readable::of(self.found.map(|found| found.text.as_ref()).unwrap_or_default());
        let case = Case {
            policy: self.policy,
            issuer: self.policy.issuers().iter().find(|one| Some(one.name()) == issuer),
            route: self.judgement.route,
            token: &token,
            now: self.now,
        };
        json!({
            "code": refused.code.as_str(),
            "because": refused.because,
            "remedy": case.remedy(refused.code),
        })
    }
}

/// Where a token was, in words.
fn source(source: &Source) -> String {
    match source {
        Source::Authorization => "authorization".to_owned(),
        Source::Cookie(name) => format!("cookie {name}"),
        Source::Header(name) => format!("header {name}"),
        Source::Query(name) => format!("query {name}"),
        Source::WebSocketProtocol => "websocket-protocol".to_owned(),
    }
}
