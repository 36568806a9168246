//! The record of a decision, for the Worker's log and for Analytics Engine.
//!
//! It contains names from the policy, codes and sentences of the gate's own, the method and the
//! platform's ID of the request. It never contains a token, a claim, a secret or a URL.

use super::call::Call;
use super::clock::Wait;
use super::{analytics, log, ray};
use crate::gate::{Form, Trace};
use crate::json::text::ObjectText;
use crate::policy::{Decisions, Policy};
use crate::refusal::Refusal;
use crate::request::Request;
use web_sys::Response;

/// A decision about a request.
pub(super) struct Record<'d> {
    pub(super) request: &'d Request<'d>,
    pub(super) trace: &'d Trace<'d>,
    pub(super) outcome: Outcome<'d>,
    /// How long the request waited between its arrival and the response's headers. Computation does
    /// not count, because the platform's clock only advances during I/O.
    pub(super) wait: &'d Wait,
}

/// The outcome of a request.
#[derive(Clone, Copy)]
pub(super) enum Outcome<'d> {
    /// The request was admitted, and the origin responded.
    Admitted(&'d Response),
    /// The request was admitted, and the caller of the gate got its identity.
    Authenticated,
    /// The gate responded itself, before it looked for a route, with this status.
    Answered(u16),
    /// The request was refused.
    Refused(&'d Refusal),
}

impl Outcome<'_> {
    fn response_status(self) -> Option<u16> {
        match self {
            Self::Admitted(response) => Some(response.status()),
            Self::Authenticated | Self::Answered(_) | Self::Refused(_) => None,
        }
    }
}

/// The columns of a record.
pub(super) struct Row<'d> {
    pub(super) verdict: &'static str,
    pub(super) code: Option<&'static str>,
    pub(super) because: Option<&'d str>,
    /// `None` if the gate does not see the response.
    pub(super) status: Option<u16>,
    pub(super) method: &'d str,
    pub(super) route: Option<&'d str>,
    pub(super) issuer: Option<&'d str>,
    /// The form of the credential: `jwt` or `opaque`.
    pub(super) credential: Option<&'static str>,
    pub(super) algorithm: Option<&'static str>,
    pub(super) key: Option<&'d str>,
    pub(super) cache: Option<&'static str>,
    pub(super) waited_ms: u32,
}

impl<'d> Record<'d> {
    /// Writes the record to every place that the policy names.
    pub(super) fn write(&self, policy: &Policy, call: &Call<'_>) {
        self.log_if_wanted(policy);
        if let Some(binding) = &policy.log().analytics {
            analytics::write(call, binding, self);
        }
    }

    /// Writes the record to the Worker's log, if the policy asks for it.
    pub(super) fn log_if_wanted(&self, policy: &Policy) {
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
        let mut line = ObjectText::new();
        line.text("alg", row.algorithm);
        line.text("because", row.because);
        line.text("cache", row.cache);
        line.text("code", row.code);
        line.text("credential", row.credential);
        line.text("decision", Some(row.verdict));
        line.text("event", Some("decision"));
        line.text("issuer", row.issuer);
        line.text("key", row.key);
        line.text("method", Some(row.method));
        line.text("ray", ray::of(self.request).as_deref());
        line.text("route", row.route);
        line.json("status", &row.status.map_or_else(|| "null".to_owned(), |it| it.to_string()));
        line.number("waited_ms", row.waited_ms.into());
        log::write(line);
    }

    /// The columns.
    pub(super) fn row(&self) -> Row<'d> {
        let (verdict, refusal, status) = match (self.outcome, &self.trace.reported) {
            (Outcome::Answered(status), _) => ("answered", None, Some(status)),
            (Outcome::Refused(refusal), _) => {
                ("refused", Some(refusal), Some(refusal.code().status()))
            }
            (Outcome::Admitted(_) | Outcome::Authenticated, reported) => {
                let verdict = if reported.is_some() { "reported" } else { "admitted" };
                (verdict, reported.as_ref(), self.outcome.response_status())
            }
        };
        Row {
            verdict,
            code: refusal.map(|refusal| refusal.code().as_str()),
            because: refusal.map(Refusal::because),
            status,
            method: self.request.method,
            route: self.trace.route.map(|route| route.pattern().as_str()),
            issuer: self.trace.issuer,
            credential: self.trace.form.map(Form::as_str),
            algorithm: self.trace.algorithm.map(|algorithm| algorithm.name()),
            key: self.trace.key.as_deref(),
            cache: match (self.trace.is_cached, self.trace.algorithm, self.trace.form) {
                (true, ..) => Some("hit"),
                (false, Some(_), _) | (false, None, Some(Form::Opaque)) => Some("miss"),
                (false, None, Some(Form::Jwt) | None) => None,
            },
            waited_ms: self.wait.so_far(),
        }
    }
}
