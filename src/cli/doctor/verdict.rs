//! What the gate would make of a token. Nothing is sent anywhere.

use std::mem;

use crate::cli::carry::carried;
use crate::gate::{Memory, Trace, judge};
use crate::policy::Policy;
use crate::refusal::remedy::{Case, Readable};
use crate::refusal::{Code, Refusal};
use crate::request::Request;
use crate::revocation::Standing;
use crate::time::UnixSeconds;
use serde_json::{Value, json};

use super::examination::Question;

/// A request that the token is to go with.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The route, or the path, as it is to be shown.
    pub(crate) shown: String,
    /// The method.
    pub(crate) method: String,
    /// The path.
    pub(crate) path: String,
}

/// What became of one request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Verdict {
    /// Which request, in words.
    pub(crate) request: String,
    /// The issuer whose rules were applied, by the policy's name for it.
    pub(crate) issuer: Option<String>,
    /// The key that bore the signature out.
    pub(crate) key: Option<String>,
    /// Why it was refused, if it was.
    pub(crate) refusal: Option<Explained>,
    /// Whether it would pass all the same, because no more than a report is asked for.
    pub(crate) is_only_reported: bool,
    /// Whether it counts as not revoked: the store cannot be read from here.
    pub(crate) is_revocation_unseen: bool,
}

/// A refusal, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Explained {
    /// The reason code.
    pub(crate) code: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What exactly was wrong.
    pub(crate) because: String,
    /// What to do about it.
    pub(crate) remedy: String,
}

/// What became of the token in each request.
#[derive(Debug)]
pub(crate) struct Verdicts(pub(crate) Vec<Verdict>);

impl Verdicts {
    /// Judges the token with the core's own gate.
    pub(crate) fn of(
        question: &Question<'_>,
        policy: &Policy,
        memory: Memory,
        now: UnixSeconds,
    ) -> Self {
        let readable = Readable::of(question.token);
        let mut judge = Judge { question, policy, memory, now, readable };
        Self(question.requests.iter().map(|asked| judge.verdict(asked)).collect())
    }

    /// Whether some request would pass.
    pub(crate) fn is_admitted_somewhere(&self) -> bool {
        self.0.iter().any(Verdict::is_admitted)
    }

    /// The verdicts in words, requests of one fate together.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut rest: Vec<&Verdict> = self.0.iter().collect();
        while let Some(first) = rest.first().copied() {
            let (alike, others): (Vec<&Verdict>, Vec<&Verdict>) =
                rest.into_iter().partition(|other| other.shares_fate_with(first));
            rest = others;
            let requests: Vec<&str> =
                alike.iter().map(|verdict| verdict.request.as_str()).collect();
            lines.push(format!("{}: {}", requests.join(", "), first.fate()));
        }
        lines
    }

    /// The verdicts for a machine.
    pub(crate) fn to_json(&self) -> Value {
        self.0.iter().map(Verdict::to_json).collect()
    }
}

impl Verdict {
    fn shares_fate_with(&self, other: &Self) -> bool {
        let fate = |verdict: &Self| Self { request: String::new(), ..verdict.clone() };
        fate(self) == fate(other)
    }

    /// Whether the request would reach the origin.
    pub(crate) fn is_admitted(&self) -> bool {
        self.refusal.is_none() || self.is_only_reported
    }

    fn fate(&self) -> String {
        let issuer = self.issuer.as_deref().unwrap_or("none");
        let unseen = if self.is_revocation_unseen { ", unless it is revoked" } else { "" };
        match &self.refusal {
            None => {
                let key = self.key.as_deref().unwrap_or("none");
                format!("the token passes{unseen} (issuer {issuer}, key {key})")
            }
            Some(Explained { code, status, because, remedy }) => {
                let verdict = if self.is_only_reported {
                    "the request passes without claims, as no more than a report is asked for; else"
                } else {
                    "the token is"
                };
                format!(
                    "{verdict} refused with {status}, {code}: {because} (issuer {issuer})\n    \
                     {remedy}"
                )
            }
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "request": self.request,
            "admitted": self.is_admitted(),
            "only_reported": self.is_only_reported,
            "revocation_unseen": self.is_revocation_unseen,
            "issuer": self.issuer,
            "key": self.key,
            "code": self.refusal.as_ref().map(|refusal| refusal.code),
            "status": self.refusal.as_ref().map(|refusal| refusal.status),
            "because": self.refusal.as_ref().map(|refusal| &refusal.because),
            "remedy": self.refusal.as_ref().map(|refusal| &refusal.remedy),
        })
    }
}

struct Judge<'a> {
    question: &'a Question<'a>,
    policy: &'a Policy,
    memory: Memory,
    now: UnixSeconds,
    readable: Readable,
}

impl<'a> Judge<'a> {
    fn verdict(&mut self, asked: &Asked) -> Verdict {
        let url = format!("https://gate.invalid{}", asked.path);
        let (url, headers) = carried(self.policy, self.question.token, url);
        let request = Request { method: &asked.method, url: &url, headers: &headers };
        let mut trace = Trace::default();
        let mut outcome = self.outcome(&request, &mut trace);
        let wanted = mem::take(&mut trace.revocations_wanted);
        let is_revocation_unseen = !wanted.is_empty();
        if is_revocation_unseen {
            for entry in wanted {
                self.memory.revocations.remember(entry, Standing::Good, self.now);
            }
            trace = Trace::default();
            outcome = self.outcome(&request, &mut trace);
        }
        let place = trace
            .issuer
            .and_then(|name| self.policy.issuers().iter().position(|issuer| issuer.name() == name));
        let stood_in = place.is_some_and(|place| self.question.without_keys.contains(&place));
        let (refusal, is_only_reported) = match outcome {
            // Whatever the stand-in for a key made of it, the key itself may not.
            _ if stood_in => (Some(without_keys()), false),
            Ok(reported) => {
                let refusal = reported.map(|refusal| self.explained(&refusal, &trace, place));
                let is_only_reported = refusal.is_some();
                (refusal, is_only_reported)
            }
            Err(refusal) => (Some(self.explained(&refusal, &trace, place)), false),
        };
        let issuer = trace.issuer.map(str::to_owned);
        Verdict {
            request: asked.shown.clone(),
            issuer,
            key: trace.key,
            refusal,
            is_only_reported,
            is_revocation_unseen,
        }
    }

    /// What is only reported, or what is refused.
    fn outcome(
        &self,
        request: &Request<'_>,
        trace: &mut Trace<'a>,
    ) -> Result<Option<Refusal>, Refusal> {
        let admitted = judge(self.policy, &self.memory, request, self.now, trace)?;
        Ok(admitted.would_be_refusal().cloned())
    }

    fn explained(&self, refusal: &Refusal, trace: &Trace<'_>, place: Option<usize>) -> Explained {
        let code = refusal.code();
        let issuer = place.and_then(|place| self.policy.issuers().get(place));
        let case = Case {
            policy: self.policy,
            issuer,
            route: trace.route,
            token: &self.readable,
            now: self.now,
        };
        Explained {
            code: code.as_str(),
            status: code.status(),
            because: refusal.because().to_owned(),
            remedy: case.remedy(code),
        }
    }
}

fn without_keys() -> Explained {
    Explained {
        code: Code::KeysUnavailable.as_str(),
        status: Code::KeysUnavailable.status(),
        because: "the issuer's keys are in a binding that is not here".to_owned(),
        remedy: "write the binding into .dev.vars, and ask again".to_owned(),
    }
}
