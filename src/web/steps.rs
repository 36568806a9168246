//! The line of steps: which a request has passed, and where it stopped.

use crate::refusal::Step;
use crate::route::{Access, Route};
use serde_json::{Value, json};

/// How far a request came.
pub(super) struct Progress<'a> {
    /// The route that it took.
    pub(super) route: Option<&'a Route>,
    /// Whether there is a token.
    pub(super) has_token: bool,
    /// Whether revocations are looked up.
    pub(super) has_revocation: bool,
    /// Whether the gate answers by itself, before any step.
    pub(super) is_answered: bool,
    /// The step that refused it, and why.
    pub(super) failed: Option<(Step, Value)>,
    /// The steps of which cannot be told what they would come to.
    pub(super) unknown: &'a [Halt],
}

/// A step of which cannot be told from here what it would come to.
pub(super) struct Halt {
    step: Step,
    because: String,
    remedy: &'static str,
    /// Whether the steps after it can be told either.
    is_end: bool,
}

impl Halt {
    /// The secret is elsewhere.
    pub(super) fn withheld_secret(step: Step) -> Self {
        Self {
            step,
            because: "the secret is withheld from this page".to_owned(),
            remedy: "ask the Worker, which has it; or paste it here, which it does not leave",
            is_end: true,
        }
    }

    /// The issuer's keys are elsewhere.
    pub(super) fn unfetched_keys() -> Self {
        Self {
            step: Step::Key,
            because: "the issuer's keys have not been handed over".to_owned(),
            remedy: "ask the Worker, which fetches them",
            is_end: true,
        }
    }

    /// What was handed over is no set of keys.
    pub(super) fn unusable_keys(fault: &str) -> Self {
        Self {
            step: Step::Key,
            because: format!("the keys that were handed over cannot be used: {fault}"),
            remedy: "ask the Worker, or correct the keys",
            is_end: true,
        }
    }

    /// The revocation store is elsewhere.
    pub(super) fn unread() -> Self {
        Self {
            step: Step::Revocation,
            because: "the revocation store cannot be read from this page".to_owned(),
            remedy: "ask the Worker, which reads it",
            is_end: false,
        }
    }
}

impl Progress<'_> {
    /// Every step in the order of the code. `detail` has a few words for a step that was passed.
    pub(super) fn steps(&self, detail: impl Fn(Step) -> Option<String>) -> Value {
        let halted = self.unknown.iter().filter(|halt| halt.is_end).map(|halt| halt.step).min();
        let end = self.failed.as_ref().map(|failed| failed.0).into_iter().chain(halted).min();
        let state = |step: Step| {
            let halt = self.unknown.iter().find(|halt| halt.step == step);
            match (&self.failed, halt) {
                (_, Some(halt)) => json!({
                    "state": "unknown",
                    "because": halt.because,
                    "remedy": halt.remedy,
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

    /// Whether there is nothing to do at a step.
    fn skips(&self, step: Step) -> bool {
        let is_public = self.route.is_some_and(|route| route.access == Access::Public);
        match step {
            _ if self.is_answered => true,
            Step::Path | Step::Forward => false,
            _ if is_public => true,
            Step::Revocation => !self.has_token || !self.has_revocation,
            _ => !self.has_token,
        }
    }
}
