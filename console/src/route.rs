//! Routes as they take effect.

use portcullis::issuer::Issuer;
use portcullis::policy::Policy;
use portcullis::report::Mode;
use portcullis::route::{Access, Requirements, Route};
use portcullis::rules::ClaimRule;
use portcullis::time::Seconds;
use serde_json::{Value, json};

/// One route as it takes effect.
#[derive(Clone, Debug)]
pub struct RouteDescription<'p> {
    /// The pattern as the policy writes it.
    pub pattern: &'p str,
    /// The methods. Empty if the route takes all methods.
    pub methods: Vec<String>,
    /// `required`, `optional` or `public`.
    pub access: &'static str,
    /// The names of the issuers whose tokens the route admits. Empty on a public route.
    pub issuers: Vec<&'p str>,
    /// Whether the policy names these issuers. If not, the route admits every issuer.
    pub names_issuers: bool,
    /// The requirements on a token's claims.
    pub requirements: &'p Requirements,
    /// The mode of the route itself.
    pub mode: Mode,
    /// Whether one of the admitted issuers is in report mode.
    pub has_reported_issuer: bool,
    /// `refuse` or `allow`.
    pub encoded_slash: &'static str,
    /// `refuse` or `allow`.
    pub path_parameters: &'static str,
    /// `no-store` or `origin`.
    pub cache: &'static str,
}

impl<'p> RouteDescription<'p> {
    /// Describes all routes of a policy, in the order in which they are tried.
    #[must_use]
    pub fn all(policy: &'p Policy) -> Vec<Self> {
        policy.routes().iter().map(|route| Self::new(policy, route)).collect()
    }

    /// Describes one route of a policy.
    pub(crate) fn new(policy: &'p Policy, route: &'p Route) -> Self {
        let is_public = route.access() == Access::Public;
        let issuers = policy.issuers().iter();
        let admitted: Vec<&Issuer> =
            issuers.filter(|issuer| !is_public && route.admits_issuer(issuer.id())).collect();
        Self {
            pattern: route.pattern().as_str(),
            methods: route.methods().names(),
            access: route.access().as_str(),
            issuers: admitted.iter().map(|issuer| issuer.name()).collect(),
            names_issuers: route.names_issuers() && !is_public,
            requirements: route.requirements(),
            mode: route.mode(),
            has_reported_issuer: admitted.iter().any(|issuer| issuer.mode() == Mode::Report),
            encoded_slash: route.encoded_slash(),
            path_parameters: route.path_parameters(),
            cache: route.cache(),
        }
    }

    /// The description for the page.
    pub(crate) fn to_json(&self) -> Value {
        let needs = self.requirements;
        json!({
            "path": self.pattern,
            "methods": self.methods,
            "access": self.access,
            "issuers": if self.names_issuers { self.issuers.as_slice() } else { &[] },
            "scopes": needs.scopes,
            "any_scope": needs.any_scope,
            "roles": needs.roles,
            "any_role": needs.any_role,
            "claims": needs.claims.iter().map(ClaimRule::to_string).collect::<Vec<_>>(),
            "acr": needs.acr,
            "max_auth_age": needs.max_auth_age.map(Seconds::get),
            "mode": self.mode.as_str(),
            "encoded_slash": self.encoded_slash,
            "path_parameters": self.path_parameters,
            "cache": self.cache,
        })
    }
}
