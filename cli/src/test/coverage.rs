//! What of a policy the cases exercise.

use super::judge::Judged;
use portcullis::policy::Policy;
use portcullis::refusal::Code;
use portcullis::route::Access;
use serde_json::{Value, json};

/// The parts of a policy, and which of them are covered.
#[derive(Debug)]
pub(super) struct Coverage {
    parts: Vec<Part>,
}

/// A part of a policy that a case can exercise.
#[derive(Debug)]
struct Part {
    /// What is exercised, such as `route /api/*, GET`.
    of: String,
    /// What a case has to show, such as `admits a request`.
    shows: &'static str,
    needs: Needs,
    is_covered: bool,
}

/// The case that covers a part.
#[derive(Debug)]
enum Needs {
    /// A request on the route, with the method or with any, reaches the API.
    Admitted { route: usize, method: Option<String> },
    /// A request on the route is refused with this code. The reason begins or ends so.
    Refused { route: usize, code: Code, begins: &'static str, ends: String },
    /// A token of the issuer is admitted.
    AdmittedOf { issuer: String },
    /// A token of the issuer is refused by the rule for this claim.
    RefusedOf { issuer: String, ends: String },
}

impl Coverage {
    /// Lists the parts of a policy.
    pub(super) fn of(policy: &Policy) -> Self {
        let mut parts = Vec::new();
        let mut part = |of: &str, shows, needs| {
            parts.push(Part { of: of.to_owned(), shows, needs, is_covered: false });
        };
        for (route, known) in policy.routes().iter().enumerate() {
            let pattern = known.pattern().as_str();
            let mut methods = known.methods().names();
            // GET includes HEAD (RFC 9110 section 9.3.2), and needs no case of its own.
            let has_get = methods.iter().any(|method| method == "GET");
            methods.retain(|method| !has_get || method != "HEAD");
            let named = if methods.is_empty() {
                format!("route {pattern}")
            } else {
                format!("route {pattern}, {}", methods.join(" "))
            };
            let refused = |code, begins, ends| Needs::Refused { route, code, begins, ends };
            if methods.is_empty() {
                let needs = Needs::Admitted { route, method: None };
                part(&named, "a request reaches the API", needs);
            }
            for method in methods {
                let of = format!("route {pattern}, {method}");
                let needs = Needs::Admitted { route, method: Some(method) };
                part(&of, "a request reaches the API", needs);
            }
            if known.access() == Access::Required {
                let needs = refused(Code::MissingToken, "", String::new());
                part(&named, "a request without a token is refused", needs);
            }
            let requirements = known.requirements();
            if !requirements.scopes.is_empty() || !requirements.any_scope.is_empty() {
                let needs = refused(Code::InsufficientScope, "", String::new());
                part(&named, "a token without the scopes is refused", needs);
            }
            if !requirements.roles.is_empty() || !requirements.any_role.is_empty() {
                let needs = refused(Code::ClaimNotAllowed, "the token lacks a role", String::new());
                part(&named, "a token without the roles is refused", needs);
            }
            for rule in &requirements.claims {
                let needs = refused(Code::ClaimNotAllowed, "", format!(": {}", rule.path));
                let of = format!("{named}, rule {rule}");
                part(&of, "a token that breaks the rule is refused", needs);
            }
            if !requirements.acr.is_empty() || requirements.max_auth_age.is_some() {
                let code = Code::InsufficientUserAuthentication;
                let needs = refused(code, "", String::new());
                part(&named, "a token of a weaker or older sign-in is refused", needs);
            }
        }
        for issuer in policy.issuers() {
            let of = format!("issuer {}", issuer.name());
            let needs = Needs::AdmittedOf { issuer: issuer.name().to_owned() };
            part(&of, "a token is admitted", needs);
            for rule in &issuer.rules().claims {
                let needs = Needs::RefusedOf {
                    issuer: issuer.name().to_owned(),
                    ends: format!(": {}", rule.path),
                };
                let of = format!("{of}, rule {rule}");
                part(&of, "a token that breaks the rule is refused", needs);
            }
        }
        Self { parts }
    }

    /// Notes what a case that passed covers.
    pub(super) fn note(&mut self, judged: &Judged) {
        for part in &mut self.parts {
            part.is_covered = part.is_covered || part.needs.are_met_by(judged);
        }
    }

    /// The share that is covered, in percent, rounded down.
    pub(super) fn percent(&self) -> usize {
        let covered = self.covered().saturating_mul(100);
        covered.checked_div(self.parts.len()).unwrap_or(100)
    }

    fn covered(&self) -> usize {
        self.parts.iter().filter(|part| part.is_covered).count()
    }

    fn missing(&self) -> impl Iterator<Item = String> {
        let missing = self.parts.iter().filter(|part| !part.is_covered);
        missing.map(|part| format!("{}: {}", part.of, part.shows))
    }

    /// The coverage, for people.
    pub(super) fn text(&self) -> String {
        let (covered, all) = (self.covered(), self.parts.len());
        let mut text = format!("coverage: {covered} of {all} ({} %)", self.percent());
        if covered < all {
            text.push_str("\nno case shows that:");
        }
        self.missing().for_each(|line| text.push_str(&format!("\n  {line}")));
        text
    }

    /// The coverage as JSON.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "covered": self.covered(),
            "all": self.parts.len(),
            "percent": self.percent(),
            "missing": self.missing().collect::<Vec<_>>(),
        })
    }
}

impl Needs {
    fn are_met_by(&self, judged: &Judged) -> bool {
        let is_admitted = judged.api.is_some() && judged.reason.is_none();
        let is_refused = |code, begins: &str, ends: &str| {
            judged.reason.as_ref().is_some_and(|reason| {
                reason.code == code
                    && reason.because.starts_with(begins)
                    && reason.because.ends_with(ends)
            })
        };
        match self {
            Self::Admitted { route, method } => {
                is_admitted
                    && judged.route == Some(*route)
                    && method.as_ref().is_none_or(|method| *method == judged.method)
            }
            Self::Refused { route, code, begins, ends } => {
                judged.route == Some(*route) && is_refused(*code, begins, ends)
            }
            Self::AdmittedOf { issuer } => is_admitted && judged.issuer.as_ref() == Some(issuer),
            Self::RefusedOf { issuer, ends } => {
                judged.issuer.as_ref() == Some(issuer) && is_refused(Code::InvalidClaim, "", ends)
            }
        }
    }
}
