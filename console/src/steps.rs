//! The list of steps: which ones a request has passed, and where it stopped.

use portcullis::refusal::Step;
use portcullis::route::{Access, Route};
use serde_json::{Value, json};

/// How far a request came.
pub(crate) struct Progress<'a> {
    /// The request's route.
    pub(crate) route: Option<&'a Route>,
    /// Whether the request has a token.
    pub(crate) has_token: bool,
    /// Whether the policy accepts tokens that are bound to a key.
    pub(crate) has_possession: bool,
    /// Whether the policy looks up revocations.
    pub(crate) has_revocation: bool,
    /// Whether the token is verified: it is not an opaque token that is only introspected.
    pub(crate) is_verified: bool,
    /// Whether the token is introspected.
    pub(crate) is_introspected: bool,
    /// Whether the gate responds itself, before any step.
    pub(crate) is_answered: bool,
    /// The step that refused the request, and why.
    pub(crate) failed: Option<(Step, Value)>,
    /// The steps whose outcome cannot be determined here.
    pub(crate) unknown: &'a [UnknownStep],
}

/// A step whose outcome cannot be determined here.
pub(crate) struct UnknownStep {
    step: Step,
    because: String,
    remedy: &'static str,
    /// Whether the outcomes of all later steps are unknown too.
    is_end: bool,
}

impl UnknownStep {
    /// The page does not have the secret.
    pub(crate) fn withheld_secret(step: Step) -> Self {
        Self {
            step,
            because: "the secret is withheld from this page".to_owned(),
            remedy: "ask the Worker, which has it; or paste it here (it does not leave this page)",
            is_end: true,
        }
    }

    /// The page does not see the client's certificate.
    pub(crate) fn unseen_certificate() -> Self {
        Self {
            step: Step::Possession,
            because: "this page cannot see the client's certificate".to_owned(),
            remedy: "send a request with the certificate to the deployed gate",
            is_end: true,
        }
    }

    /// The page does not have the issuer's keys.
    pub(crate) fn missing_keys() -> Self {
        Self {
            step: Step::Key,
            because: "this page does not have the issuer's keys".to_owned(),
            remedy: "ask the Worker, which fetches them",
            is_end: true,
        }
    }

    /// The keys that were provided cannot be used.
    pub(crate) fn unusable_keys(fault: &str) -> Self {
        Self {
            step: Step::Key,
            because: format!("the keys that were provided cannot be used: {fault}"),
            remedy: "ask the Worker, or correct the keys",
            is_end: true,
        }
    }

    /// The page does not ask the provider about the token.
    pub(crate) fn not_introspected() -> Self {
        Self {
            step: Step::Introspection,
            because: "this page does not ask the provider about the token".to_owned(),
            remedy: "ask the Worker, which introspects it",
            is_end: true,
        }
    }

    /// The page cannot read the revocation store.
    pub(crate) fn unread_revocations() -> Self {
        Self {
            step: Step::Revocation,
            because: "this page cannot read the revocation store".to_owned(),
            remedy: "ask the Worker, which reads it",
            is_end: false,
        }
    }
}

impl Progress<'_> {
    /// Lists every step in order. `detail` returns a few words for a step that was passed.
    pub(crate) fn steps(&self, detail: impl Fn(Step) -> Option<String>) -> Value {
        let unknown = self.unknown.iter().filter(|unknown| unknown.is_end).map(|it| it.step).min();
        let end = self.failed.as_ref().map(|failed| failed.0).into_iter().chain(unknown).min();
        let state = |step: Step| {
            let unknown = self.unknown.iter().find(|unknown| unknown.step == step);
            match (&self.failed, unknown) {
                (_, Some(unknown)) => json!({
                    "state": "unknown",
                    "because": unknown.because,
                    "remedy": unknown.remedy,
                }),
                (Some((failed, why)), None) if *failed == step => {
                    let mut state = why.clone();
                    let member = ("state".to_owned(), Value::from("failed"));
                    state.as_object_mut().into_iter().for_each(|it| it.extend([member.clone()]));
                    state
                }
                _ if end.is_some_and(|end| step > end) => json!({ "state": "not_reached" }),
                _ if self.skips(step) => json!({ "state": "skipped" }),
                _ => match detail(step) {
                    Some(detail) => json!({ "state": "passed", "detail": detail }),
                    None => json!({ "state": "passed" }),
                },
            }
        };
        let named = |step: Step| {
            let mut shown = state(step);
            let member = ("name".to_owned(), Value::from(step.as_str()));
            shown.as_object_mut().into_iter().for_each(|it| it.extend([member.clone()]));
            shown
        };
        Step::ALL.into_iter().map(named).collect()
    }

    /// Whether the gate has nothing to do at a step.
    fn skips(&self, step: Step) -> bool {
        let has_identity =
            self.has_token && self.route.is_none_or(|route| route.access() != Access::Public);
        if self.is_answered {
            return true;
        }
        match step {
            Step::Path | Step::Forward => false,
            Step::Possession => !has_identity || !self.has_possession,
            Step::Revocation => !has_identity || !self.has_revocation,
            Step::Parsed | Step::Key | Step::Signature => !has_identity || !self.is_verified,
            Step::Introspection => !has_identity || !self.is_introspected,
            Step::Found
            | Step::Type
            | Step::Issuer
            | Step::Audience
            | Step::Time
            | Step::Claims
            | Step::Route => !has_identity,
        }
    }
}
