//! The gate's verdict on a request, and how it came about.

use crate::describe;
use crate::offline::{self, OfflineDecision};
use crate::question::{Question, Withheld};
use crate::route::RouteDescription;
use crate::steps::{Progress, UnknownStep};
use portcullis::extract::{self, Credential};
use portcullis::gate::{Decision, Form, Trace};
use portcullis::issuer::Issuer;
use portcullis::json::Object;
use portcullis::outgoing::Outgoing;
use portcullis::policy::Policy;
use portcullis::refusal::remedy::{Case, Readable};
use portcullis::refusal::{Code, Refusal, Step};
use portcullis::request::Request;
use portcullis::response::OwnResponse;
use portcullis::route::Route;
use portcullis::time::UnixSeconds;
use serde_json::{Value, json};

/// Returns the verdict, as [`crate::functions::judge`] documents it.
pub(crate) fn verdict(question: &Question, request: &Request<'_>, now: UnixSeconds) -> Value {
    let compiled = question.compile();
    let warnings = describe::faults(&compiled.warnings);
    let policy = match compiled.outcome {
        Ok(policy) => policy,
        Err(faults) => {
            return json!({ "faults": describe::faults(&faults), "warnings": warnings });
        }
    };
    let credential = extract::credential(policy.sources(), request).ok().flatten();
    let own = Judgment::of(question, &policy, request, now);
    let judgment = match &question.answered {
        Some(answered) => own.corrected_by(answered),
        None => own,
    };
    Shown { policy: &policy, credential: credential.as_ref(), now, judgment }.to_json(warnings)
}

/// The outcome of a request.
struct Judgment<'g> {
    route: Option<&'g Route>,
    issuer: Option<String>,
    algorithm: Option<String>,
    key: Option<String>,
    /// What the provider says about the token, if the Worker has asked it.
    introspected: Option<Value>,
    /// The refusal, or the one that report mode has set aside.
    refused: Option<Refused>,
    /// The steps whose outcome cannot be determined here.
    unknown: Vec<UnknownStep>,
    /// The response to the client, if the gate refuses the request or responds itself.
    response: Option<Value>,
    /// What the origin would receive, if anything.
    outgoing: Option<Value>,
}

/// A refusal of this gate, or one that the Worker has reported.
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

impl<'g> Judgment<'g> {
    fn of(
        question: &Question,
        policy: &'g Policy,
        request: &Request<'_>,
        now: UnixSeconds,
    ) -> Self {
        let mut memory = question.memory(policy, now);
        let OfflineDecision { trace, decision, introspection, has_unread_revocations } =
            offline::decide(policy, &mut memory, *request, now, offline::NOTHING);
        let unknown = match introspection {
            Some(_) => Some(UnknownStep::not_introspected()),
            None => unknown_step(question, policy, &trace, decision.as_ref()),
        };
        let decision = decision.filter(|_| unknown.is_none());
        let (refused, response, outgoing) = match &decision {
            None => (None, None, None),
            Some(Decision::Respond(response)) => (None, Some(response_json(response)), None),
            Some(Decision::Refuse(refusal)) => {
                let responses = policy.error_responses();
                let response = responses.respond(refusal, request, None);
                (Some(Refused::of(refusal)), Some(response_json(&response)), None)
            }
            Some(Decision::Forward(outgoing)) => {
                let refused = outgoing.reported().map(Refused::of);
                (refused, None, Some(outgoing_json(outgoing, now)))
            }
        };
        let unread = has_unread_revocations.then(UnknownStep::unread_revocations);
        Self {
            route: trace.route,
            issuer: trace.issuer.map(str::to_owned),
            algorithm: trace.algorithm.map(|algorithm| algorithm.name().to_owned()),
            key: trace.key,
            introspected: None,
            refused,
            unknown: unknown.into_iter().chain(unread).collect(),
            response,
            outgoing,
        }
    }

    /// Replaces the outcome by the Worker's, which has the secrets, the keys and the revocation
    /// store.
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
            introspected: value("introspected"),
            refused,
            unknown: Vec::new(),
            response: value("response"),
            outgoing: value("outgoing"),
        }
    }
}

/// The step whose outcome depends on keys or secrets that the page does not have. `decision` is
/// `None` if the keys have to be fetched.
fn unknown_step(
    question: &Question,
    policy: &Policy,
    trace: &Trace<'_>,
    decision: Option<&Decision<'_>>,
) -> Option<UnknownStep> {
    let code = match decision {
        None => Code::KeysUnavailable,
        Some(Decision::Refuse(refusal)) => refusal.code(),
        Some(Decision::Forward(outgoing)) => outgoing.reported()?.code(),
        Some(Decision::Respond(_)) => return None,
    };
    let issuer = policy.issuers().iter().find(|issuer| Some(issuer.name()) == trace.issuer)?;
    if code == Code::KeysUnavailable {
        return Some(match question.published(issuer) {
            Some(Err(fault)) => UnknownStep::unusable_keys(&fault.to_string()),
            Some(Ok(_)) | None => UnknownStep::missing_keys(),
        });
    }
    if code == Code::MissingCertificate {
        return Some(UnknownStep::unseen_certificate());
    }
    if code == Code::NonceRequired && question.withholds_nonces() {
        return Some(UnknownStep::withheld_secret(Step::Possession));
    }
    if code != Code::BadSignature {
        return None;
    }
    match question.withheld(issuer.id()) {
        Withheld::Nothing => None,
        Withheld::Value => Some(UnknownStep::withheld_secret(Step::Signature)),
        Withheld::NumberAndValue => Some(UnknownStep::withheld_secret(Step::Key)),
    }
}

fn response_json(response: &OwnResponse) -> Value {
    json!({ "status": response.status, "headers": response.headers, "body": response.body })
}

fn outgoing_json(outgoing: &Outgoing<'_>, now: UnixSeconds) -> Value {
    let set: Vec<_> = outgoing.shown_headers(now).collect();
    let identity = outgoing.identity_claims(now).map(|(_, claims)| claims);
    json!({ "url": outgoing.url, "remove": outgoing.remove, "set": set, "identity": identity })
}

/// A judgment, with what is needed to show it.
struct Shown<'a> {
    policy: &'a Policy,
    credential: Option<&'a Credential<'a, 'a>>,
    now: UnixSeconds,
    judgment: Judgment<'a>,
}

impl Shown<'_> {
    fn to_json(&self, warnings: Value) -> Value {
        let Judgment {
            route,
            issuer,
            algorithm,
            key,
            introspected,
            refused,
            unknown,
            response,
            outgoing,
        } = &self.judgment;
        let verdict = match (refused, response, outgoing) {
            _ if !unknown.is_empty() => "unknown",
            (None, Some(_), _) => "answered",
            (Some(_), Some(_), _) => "refused",
            _ => "admitted",
        };
        let explained = refused.as_ref().map(|refused| self.explain(refused));
        let progress = Progress {
            route: *route,
            has_token: self.credential.is_some(),
            has_possession: self.policy.possession().is_used,
            has_revocation: self.policy.revocation().is_some(),
            is_verified: !self.is_opaque(),
            is_introspected: self.is_introspected(),
            is_answered: verdict == "answered",
            failed: refused.as_ref().map(|refused| refused.step).zip(explained.clone()),
            unknown,
        };
        let source = self.credential.map(|credential| credential.source().describe());
        let steps = progress.steps(|step| match step {
            Step::Path => route.map(|route| route.pattern().to_string()),
            Step::Found => source.clone(),
            Step::Parsed => algorithm.clone(),
            Step::Key => issuer.clone(),
            Step::Signature => key.clone(),
            Step::Introspection => issuer.clone(),
            Step::Type
            | Step::Issuer
            | Step::Audience
            | Step::Time
            | Step::Claims
            | Step::Possession
            | Step::Revocation
            | Step::Route
            | Step::Forward => None,
        });
        let mut shown = json!({
            "warnings": warnings,
            "verdict": verdict,
            "route": route.map(|route| RouteDescription::new(self.policy, route).to_json()),
            "issuer": issuer,
            "alg": algorithm,
            "key": key,
            "credential": self.form().map(Form::as_str),
            "introspected": introspected,
            "source": source,
            "signature_bytes": self.signature_bytes(),
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

    fn form(&self) -> Option<Form> {
        self.credential.map(|credential| Form::of(credential.text()))
    }

    /// The issuer that introspects the tokens of the route.
    fn introspecting(&self) -> Option<&Issuer> {
        self.policy.issuer(self.judgment.route?.introspecting()?)
    }

    /// Whether the token is opaque, and an issuer introspects it.
    fn is_opaque(&self) -> bool {
        self.form() == Some(Form::Opaque) && self.introspecting().is_some()
    }

    /// Whether the token is introspected.
    fn is_introspected(&self) -> bool {
        let named = self.judgment.issuer.as_deref();
        self.is_opaque()
            || self
                .introspecting()
                .is_some_and(|issuer| issuer.introspects_jwts() && Some(issuer.name()) == named)
    }

    /// Returns the length of a signature of the token's `alg`, even if the token is malformed.
    fn signature_bytes(&self) -> Option<usize> {
        Readable::of(self.credential?.text()).algorithm()?.signature_bytes()
    }

    fn explain(&self, refused: &Refused) -> Value {
        let issuer = self.judgment.issuer.as_deref();
        let token = Readable::of(self.credential.map(Credential::text).unwrap_or_default());
        let case = Case {
            policy: self.policy,
            issuer: self.policy.issuers().iter().find(|one| Some(one.name()) == issuer),
            route: self.judgment.route,
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
