//! The gate's verdict on a token. It is sent nowhere but to the introspection endpoint of its
//! issuer.

use super::introspection;
use crate::doctor::examination::TokenCheck;
use crate::token_request::with_token;
use portcullis::gate::{Decision, Memory, Trace};
use portcullis::introspection::IntrospectionRequest;
use portcullis::issuer::Issuer;
use portcullis::issuer_id::IssuerId;
use portcullis::policy::Policy;
use portcullis::refusal::remedy::{Case, Readable};
use portcullis::refusal::{Code, Refusal};
use portcullis::request::Request;
use portcullis::time::UnixSeconds;
use portcullis_console::offline::{self, Outside};
use serde_json::{Value, json};

/// A request to judge the token with.
#[derive(Clone, Debug)]
pub(crate) struct TokenRequest {
    /// The request as it is shown: its route or its path.
    pub(crate) shown: String,
    /// The method.
    pub(crate) method: String,
    /// The URL.
    pub(crate) url: String,
    /// The DPoP proof that is sent with the token.
    pub(crate) proof: Option<String>,
}

/// The verdict on one request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Verdict {
    /// The request, for display.
    pub(crate) request: String,
    /// The name of the issuer whose rules applied.
    pub(crate) issuer: Option<String>,
    /// The name of the key under which the signature verified.
    pub(crate) key: Option<String>,
    /// The refusal, if there is one.
    pub(crate) refusal: Option<Explained>,
    /// Whether the request passes in spite of the refusal, because of report mode.
    pub(crate) is_only_reported: bool,
    /// Whether the verdict depends on the revocation store, which this command cannot read.
    pub(crate) is_revocation_unknown: bool,
}

/// A refusal, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Explained {
    /// The reason code.
    pub(crate) code: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// Why the request is refused.
    pub(crate) because: String,
    /// What to do about it.
    pub(crate) remedy: String,
}

/// The verdicts on the token, one for each request.
#[derive(Debug)]
pub(crate) struct Verdicts(pub(crate) Vec<Verdict>);

impl Verdicts {
    /// Judges the token with the gate's own code.
    pub(crate) fn of(
        check: &TokenCheck<'_>,
        policy: &Policy,
        memory: Memory,
        without_client: &[IssuerId],
        now: UnixSeconds,
    ) -> Self {
        let readable = Readable::of(check.token);
        let mut examiner = Examiner { check, policy, memory, without_client, now, readable };
        Self(check.requests.iter().map(|request| examiner.verdict(request)).collect())
    }

    /// Whether some request would pass.
    pub(crate) fn is_admitted_somewhere(&self) -> bool {
        self.0.iter().any(Verdict::is_admitted)
    }

    /// The verdicts, for display. Requests with the same verdict share a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut rest: Vec<&Verdict> = self.0.iter().collect();
        while let Some(first) = rest.first().copied() {
            let (alike, others): (Vec<&Verdict>, Vec<&Verdict>) =
                rest.into_iter().partition(|other| other.has_same_outcome_as(first));
            rest = others;
            let requests: Vec<&str> =
                alike.iter().map(|verdict| verdict.request.as_str()).collect();
            lines.push(format!("{}: {}", requests.join(", "), first.outcome()));
        }
        lines
    }

    /// The verdicts as JSON.
    pub(crate) fn to_json(&self) -> Value {
        self.0.iter().map(Verdict::to_json).collect()
    }
}

impl Verdict {
    fn has_same_outcome_as(&self, other: &Self) -> bool {
        let outcome = |verdict: &Self| Self { request: String::new(), ..verdict.clone() };
        outcome(self) == outcome(other)
    }

    /// Whether the request would reach the origin.
    pub(crate) fn is_admitted(&self) -> bool {
        self.refusal.is_none() || self.is_only_reported
    }

    fn outcome(&self) -> String {
        let issuer = self.issuer.as_deref().unwrap_or("none");
        let unseen = if self.is_revocation_unknown { ", unless it is revoked" } else { "" };
        match &self.refusal {
            None => {
                let how = match &self.key {
                    Some(key) => format!("key {key}"),
                    None => "introspected".to_owned(),
                };
                format!("the token passes{unseen} (issuer {issuer}, {how})")
            }
            Some(Explained { code, status, because, remedy }) => {
                let verdict = if self.is_only_reported {
                    "the request passes without an identity because of report mode; in enforce \
                     mode it would be"
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
            "revocation_unseen": self.is_revocation_unknown,
            "issuer": self.issuer,
            "key": self.key,
            "code": self.refusal.as_ref().map(|refusal| refusal.code),
            "status": self.refusal.as_ref().map(|refusal| refusal.status),
            "because": self.refusal.as_ref().map(|refusal| &refusal.because),
            "remedy": self.refusal.as_ref().map(|refusal| &refusal.remedy),
        })
    }
}

struct Examiner<'a> {
    check: &'a TokenCheck<'a>,
    policy: &'a Policy,
    memory: Memory,
    without_client: &'a [IssuerId],
    now: UnixSeconds,
    readable: Readable,
}

impl<'a> Examiner<'a> {
    fn verdict(&mut self, token_request: &TokenRequest) -> Verdict {
        let url = token_request.url.clone();
        let (url, mut headers) = with_token(self.policy, self.check.token, url);
        headers.extend(token_request.proof.clone().map(|proof| ("DPoP".to_owned(), proof)));
        let request = Request { method: &token_request.method, url: &url, headers: &headers };
        let (policy, without_client, now) = (self.policy, self.without_client, self.now);
        let introspect = |request: &IntrospectionRequest| {
            let issuer = policy.issuer(request.issuer)?;
            let is_possible = !without_client.contains(&issuer.id());
            is_possible.then(|| introspection::call(issuer, &request.token, now))
        };
        let outside = Outside { introspect: &introspect, ..offline::NOTHING };
        let offline = offline::decide(policy, &mut self.memory, request, now, outside);
        let trace = offline.trace;
        let mut issuers = self.policy.issuers().iter();
        let issuer = issuers.find(|issuer| Some(issuer.name()) == trace.issuer);
        let has_placeholder =
            issuer.is_some_and(|issuer| self.check.placeholder_issuers.contains(&issuer.id()));
        let (refusal, is_only_reported) = match &offline.decision {
            // The verdict on the placeholder may not be the one on the real key.
            _ if has_placeholder => (Some(without_keys()), false),
            None if offline.introspection.is_some() => (Some(without_client_of()), false),
            None => (Some(self.explained(&unfetched(), &trace, issuer)), false),
            Some(Decision::Respond(_)) => (None, false),
            Some(Decision::Refuse(refusal)) => {
                (Some(self.explained(refusal, &trace, issuer)), false)
            }
            Some(Decision::Forward(outgoing)) => {
                let refusal = outgoing.reported();
                let refusal = refusal.map(|refusal| self.explained(refusal, &trace, issuer));
                let is_only_reported = refusal.is_some();
                (refusal, is_only_reported)
            }
        };
        Verdict {
            request: token_request.shown.clone(),
            issuer: trace.issuer.map(str::to_owned),
            key: trace.key,
            refusal,
            is_only_reported,
            is_revocation_unknown: offline.has_unread_revocations,
        }
    }

    fn explained(
        &self,
        refusal: &Refusal,
        trace: &Trace<'_>,
        issuer: Option<&Issuer>,
    ) -> Explained {
        let code = refusal.code();
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

fn unfetched() -> Refusal {
    Refusal::new(Code::KeysUnavailable, "the issuer's keys could not be fetched")
}

fn without_client_of() -> Explained {
    Explained {
        code: Code::IntrospectionUnavailable.as_str(),
        status: Code::IntrospectionUnavailable.status(),
        because: "the client's secret or key is in a binding that is not on this machine"
            .to_owned(),
        remedy: "add the binding to .dev.vars, and run this command again".to_owned(),
    }
}

fn without_keys() -> Explained {
    Explained {
        code: Code::KeysUnavailable.as_str(),
        status: Code::KeysUnavailable.status(),
        because: "the issuer's keys are in a binding that is not on this machine".to_owned(),
        remedy: "add the binding to .dev.vars, and run this command again".to_owned(),
    }
}
