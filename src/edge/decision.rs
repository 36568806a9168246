//! What the gate decided of a request, and what is recorded of it.
//!
//! What is recorded: names from the policy, codes and sentences of the gate's own, the method and the
//! platform's ray. What never is: a token, a claim, a secret, a URL.

use super::clock::Wait;
use super::{analytics, log, ray};
use crate::gate::Trace;
use crate::policy::{Decisions, Policy};
use crate::refusal::Refusal;
use crate::request::Request;
use serde_json::json;
use web_sys::Response;
use worker::{Context, Env};

/// A decision.
pub(super) struct Decision<'d> {
    pub(super) request: &'d Request<'d>,
    pub(super) trace: &'d Trace<'d>,
    pub(super) outcome: Outcome<'d>,
    /// From the request's arrival to the answer's headers, as far as it waited: the platform's clock
    /// stands still while the gate works.
    pub(super) wait: &'d Wait,
}

/// How it went out.
#[derive(Clone, Copy)]
pub(super) enum Outcome<'d> {
    /// The origin's answer.
    Admitted(&'d Response),
    /// The gate's own, which no route was asked for, by its status.
    Answered(u16),
    /// A refusal.
    Refused(&'d Refusal),
}

/// A decision's columns.
pub(super) struct Row<'d> {
    pub(super) verdict: &'static str,
    pub(super) code: Option<&'static str>,
    pub(super) because: Option<&'static str>,
    pub(super) status: u16,
    pub(super) method: &'d str,
    pub(super) route: Option<&'d str>,
    pub(super) issuer: Option<&'d str>,
    pub(super) algorithm: Option<&'static str>,
    pub(super) key: Option<&'d str>,
    pub(super) cache: Option<&'static str>,
    pub(super) waited_ms: u32,
}

impl<'d> Decision<'d> {
    /// Writes it wherever the policy wants it.
    pub(super) fn record(&self, policy: &Policy, env: &Env, context: &Context) {
        self.log_where_wanted(policy);
        if let Some(binding) = &policy.log().analytics {
            analytics::write(env, context, binding, self);
        }
    }

    /// Writes it to the Worker's log, if the policy wants it there.
    pub(super) fn log_where_wanted(&self, policy: &Policy) {
        let is_refusal =
            matches!(self.outcome, Outcome::Refused(_)) || self.trace.reported.is_some();
        let is_logged = match policy.log().decisions {
            Decisions::None => false,
            Decisions::Refused => is_refusal,
            Decisions::All => true,
        };
        if is_logged {
            self.log();
        }
    }

    fn log(&self) {
        let row = self.row();
        log::line(&json!({
            "event": "decision",
            "decision": row.verdict,
            "code": row.code,
            "because": row.because,
            "status": row.status,
            "method": row.method,
            "route": row.route,
            "issuer": row.issuer,
            "alg": row.algorithm,
            "key": row.key,
            "cache": row.cache,
            "waited_ms": row.waited_ms,
            "ray": ray::of(self.request),
        }));
    }

    /// Its columns.
    pub(super) fn row(&self) -> Row<'d> {
        let (verdict, refusal, status) = match (self.outcome, &self.trace.reported) {
            (Outcome::Answered(status), _) => ("answered", None, status),
            (Outcome::Admitted(answer), None) => ("admitted", None, answer.status()),
            (Outcome::Admitted(answer), Some(refusal)) => {
                ("reported", Some(refusal), answer.status())
            }
            (Outcome::Refused(refusal), _) => ("refused", Some(refusal), refusal.code().status()),
        };
        Row {
            verdict,
            code: refusal.map(|refusal| refusal.code().as_str()),
            because: refusal.map(Refusal::because),
            status,
            method: self.request.method,
            route: self.trace.route.map(|route| route.pattern.as_str()),
            issuer: self.trace.issuer,
            algorithm: self.trace.algorithm.map(|algorithm| algorithm.name()),
            key: self.trace.key.as_deref(),
            cache: match (self.trace.is_recalled, self.trace.algorithm) {
                (true, _) => Some("hit"),
                (false, Some(_)) => Some("miss"),
                (false, None) => None,
            },
            waited_ms: self.wait.so_far(),
        }
    }
}
