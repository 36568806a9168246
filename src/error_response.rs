//! The one map from a refusal to an HTTP response.
//!
//! All refusals of a token look alike from outside, except for an expired one, so that a response
//! gives forgers no hint which check failed.

use crate::cors::Cors;
use crate::path::split_url;
use crate::refusal::{Challenge, Code, Refusal};
use crate::request::Request;
use crate::resource::Resources;
use crate::response::{self, OwnResponse};

/// How the gate responds to refused requests. Made by the policy's compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponses {
    /// The protection space (RFC 9110 section 11.5): visible ASCII and spaces without `"` and `\`.
    pub realm: String,
    /// The algorithms of DPoP proofs, with spaces between them.
    pub algorithms: String,
    /// How much the body says.
    pub detail: Detail,
    /// The metadata that challenges point to.
    pub resources: Resources,
    /// The pages of other web origins that may read the responses.
    pub cors: Option<Cors>,
}

impl Default for ErrorResponses {
    fn default() -> Self {
        Self {
            realm: "api".to_owned(),
            algorithms: String::new(),
            detail: Detail::None,
            resources: Resources::default(),
            cors: None,
        }
    }
}

/// How much of the reason a refused client is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Nothing beyond status and challenge.
    #[default]
    None,
    /// The reason code. For development only, because it tells a forger which check failed.
    Reason,
}

impl ErrorResponses {
    /// Makes the response to a refused request: status, standard challenge, a problem body (RFC
    /// 9457), and CORS headers as the policy allows them to the page that asks.
    ///
    /// `ray` is the platform's ID of the request, from `CF-Ray`, if there is one.
    #[must_use]
    pub fn respond(
        &self,
        refusal: &Refusal,
        request: &Request<'_>,
        ray: Option<&str>,
    ) -> OwnResponse {
        let mut response = OwnResponse {
            status: refusal.code().status(),
            headers: vec![
                ("Content-Type", "application/problem+json".to_owned()),
                ("Cache-Control", "no-store".to_owned()),
            ],
            body: self.problem(refusal.code(), ray),
        };
        let details = refusal.details();
        if let Some(challenge) = self.challenge(refusal, request) {
            response.headers.push(("WWW-Authenticate", challenge));
        }
        if let Some(nonce) = &details.nonce {
            response.headers.push(("DPoP-Nonce", nonce.clone()));
        }
        if refusal.code() == Code::MethodNotAllowed {
            response.headers.push(("Allow", details.methods.join(", ")));
        }
        if let Some(pause) = details.retry_after {
            response.headers.push(("Retry-After", pause.get().to_string()));
        }
        if let Some(cors) = &self.cors {
            cors.expose(request.headers, &mut response);
        }
        response
    }

    fn problem(&self, code: Code, ray: Option<&str>) -> String {
        let mut problem = response::problem(code.status());
        match self.detail {
            Detail::None => {}
            Detail::Reason => problem.text("code", Some(code.as_str())),
        }
        if ray.is_some() {
            problem.text("ray", ray);
        }
        problem.finish()
    }

    /// The challenges of a refusal (RFC 9110 section 11.6.1). `error` goes with the scheme that the
    /// client used, and a client that used `DPoP` gets no other.
    fn challenge(&self, refusal: &Refusal, request: &Request<'_>) -> Option<String> {
        let (error, of_proof) = match refusal.code().challenge() {
            Challenge::None => return None,
            Challenge::Bare => (String::new(), false),
            Challenge::Error(error, description) => (error_text(error, description), false),
            Challenge::Proof(error, description) => (error_text(error, description), true),
        };
        let details = refusal.details();
        let mut about = String::new();
        if !details.scopes.is_empty() {
            about.push_str(&format!(", scope=\"{}\"", details.scopes.join(" ")));
        }
        if !details.acr.is_empty() {
            about.push_str(&format!(", acr_values=\"{}\"", details.acr.join(" ")));
        }
        if let Some(max_age) = details.max_auth_age {
            about.push_str(&format!(", max_age=\"{}\"", max_age.get()));
        }
        if let Some(resource) = self.resources.of_path(split_url(request.url).path) {
            about.push_str(&format!(", resource_metadata=\"{}\"", resource.url));
        }
        let (realm, algorithms) = (&self.realm, &self.algorithms);
        let bearer = |error: &str| format!("Bearer realm=\"{realm}\"{error}{about}");
        let dpop =
            |error: &str| format!("DPoP realm=\"{realm}\"{error}, algs=\"{algorithms}\"{about}");
        let schemes = details.schemes;
        Some(match (schemes.bearer, schemes.dpop) {
            _ if of_proof || (schemes.used_dpop && !error.is_empty()) => dpop(&error),
            (true, true) => format!("{}, {}", bearer(&error), dpop("")),
            (false, true) => dpop(&error),
            (_, false) => bearer(&error),
        })
    }
}

fn error_text(error: &str, description: &str) -> String {
    format!(", error=\"{error}\", error_description=\"{description}\"")
}
