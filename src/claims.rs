//! The claims in whose name a request is made: an established identity that is valid now (RFC 7519
//! sections 4 and 7.2).

use crate::identity::Identity;
use crate::issuer::Issuer;
use crate::issuer_id::IssuerId;
use crate::json::{self, Object};
use crate::refusal::{Code, Refusal};
use crate::rules::{Rules, SenderConstrained};
use crate::time::{Seconds, UnixSeconds};
use serde_json::Value;
use std::fmt;
use std::rc::Rc;

/// The claims of an established identity that have passed their issuer's rules at the time of the
/// request.
///
/// Only [`Claims::check`] makes one:
///
/// ```compile_fail,E0451
/// use portcullis::claims::Claims;
///
/// fn forge() -> Claims<'static> {
///     Claims { identity: todo!(), rules: todo!() } // error[E0451]: the fields are private
/// }
/// ```
///
/// And the identity that it takes can only come from a verified signature, or from the issuer's
/// introspection endpoint:
///
/// ```compile_fail,E0451
/// use portcullis::identity::Identity;
///
/// fn forge() -> Identity {
///     Identity { issuer: todo!(), ..todo!() } // error[E0451]: the fields are private
/// }
/// ```
pub struct Claims<'g> {
    identity: Rc<Identity>,
    rules: &'g Rules,
}

impl<'g> Claims<'g> {
    /// Checks the claims of an identity by its issuer's rules, at the time `now`. An identity that
    /// was just established and one from the cache pass the same checks.
    ///
    /// # Errors
    ///
    /// The refusal of the first check that fails, in the order time, subject, required claims,
    /// rules for single claims.
    pub fn check(
        identity: Rc<Identity>,
        issuer: &'g Issuer,
        now: UnixSeconds,
    ) -> Result<Self, Refusal> {
        let (rules, members) = (issuer.rules(), identity.members());
        identity.times().check(rules.times, now)?;
        check_subject(members, rules)?;
        for name in &rules.require {
            if json::at(members, name).is_none_or(Value::is_null) {
                return Err(Refusal::new(
                    Code::MissingClaim,
                    "a claim that the policy requires is absent",
                )
                .about(name));
            }
        }
        for rule in &rules.claims {
            if !rule.holds(members).map_err(|refusal| refusal.about(&rule.path))? {
                return Err(invalid("a claim rule of the issuer does not hold").about(&rule.path));
            }
        }
        Ok(Self { identity, rules })
    }

    /// The issuer that vouched for them.
    #[must_use]
    pub fn issuer(&self) -> IssuerId {
        self.identity.issuer()
    }

    /// The identity that they are of.
    #[must_use]
    pub const fn identity(&self) -> &Rc<Identity> {
        &self.identity
    }

    /// All claims.
    pub(crate) fn members(&self) -> &Object {
        self.identity.members()
    }

    /// The value at a name, or at a JSON Pointer (RFC 6901) if `path` starts with `/`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Value> {
        json::at(self.members(), path)
    }

    /// When the user signed in (OpenID Connect Core section 2, `auth_time`), if the token says so.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<UnixSeconds> {
        self.at("auth_time").and_then(|time| UnixSeconds::from_numeric_date(time).ok())
    }

    /// How far the issuer's clock and the gate's may differ.
    #[must_use]
    pub const fn leeway(&self) -> Seconds {
        self.rules.times.leeway
    }

    /// When they expire, if the issuer says so.
    #[must_use]
    pub(crate) fn expires(&self) -> Option<UnixSeconds> {
        self.identity.times().expires
    }

    /// Whether the issuer's tokens may or must be bound to a key.
    pub(crate) const fn sender_constrained(&self) -> SenderConstrained {
        self.rules.sender_constrained
    }

    /// The claims as the issuer wrote them, base64url.
    #[must_use]
    pub fn payload_segment(&self) -> &str {
        self.identity.payload_segment()
    }

    /// The scopes (RFC 6749 section 3.3), from a string or an array.
    ///
    /// # Errors
    ///
    /// `invalid_claim` for any other shape, for scope-tokens with characters that the RFC does not
    /// allow, and if `scope` and `scp` are both present and differ.
    pub fn scopes(&self) -> Result<Vec<&str>, Refusal> {
        if let Some(path) = &self.rules.scopes_claim {
            return self.present(path).map_or_else(|| Ok(Vec::new()), scope_list);
        }
        let read = |name| self.present(name).map(scope_list).transpose();
        match (read("scope")?, read("scp")?) {
            (Some(scope), Some(scp)) => {
                let same = scope.iter().all(|one| scp.contains(one))
                    && scp.iter().all(|one| scope.contains(one));
                same.then_some(scope).ok_or(invalid("scope and scp differ"))
            }
            (Some(scopes), None) | (None, Some(scopes)) => Ok(scopes),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// The claim at this path, unless it is absent or null: some issuers write null for a user
    /// without scopes or roles.
    fn present(&self, path: &str) -> Option<&Value> {
        self.at(path).filter(|value| !value.is_null())
    }

    /// Whether the claim at this path holds the scopes, so that an array there is a list of scopes.
    #[must_use]
    pub(crate) fn holds_scopes(&self, path: &str) -> bool {
        let name = |text: &str| text.strip_prefix('/').unwrap_or(text).to_owned();
        match &self.rules.scopes_claim {
            Some(claim) => name(claim) == name(path),
            None => matches!(name(path).as_str(), "scope" | "scp"),
        }
    }

    /// The roles, from a string, an array of strings, or an object whose members are objects: the
    /// roles are then the names of its members, as Zitadel writes them.
    ///
    /// # Errors
    ///
    /// `invalid_claim` for any other shape.
    pub fn roles(&self) -> Result<Vec<&str>, Refusal> {
        match self.present(&self.rules.roles_claim) {
            None => Ok(Vec::new()),
            Some(Value::String(role)) => Ok(vec![role]),
            Some(Value::Array(roles)) => roles
                .iter()
                .map(|role| role.as_str().ok_or(invalid("a role is not a string")))
                .collect(),
            Some(Value::Object(roles)) if roles.values().all(Value::is_object) => {
                Ok(roles.keys().map(String::as_str).collect())
            }
            Some(Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::Null) => {
                Err(invalid("the roles are neither a string nor an array, nor named by objects"))
            }
        }
    }
}

/// Prints no claim, because claims are personal data.
impl fmt::Debug for Claims<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Claims")
            .field("members", &self.members().len())
            .finish_non_exhaustive()
    }
}

fn check_subject(members: &Object, rules: &Rules) -> Result<(), Refusal> {
    let Some(accepted) = &rules.subject else { return Ok(()) };
    match members.get("sub") {
        None => Err(Refusal::new(Code::MissingClaim, "there is no sub")),
        Some(Value::String(subject)) if accepted.contains(subject) => Ok(()),
        Some(_) => Err(invalid("the policy does not accept the sub")),
    }
}

/// Returns the scopes of a claim, from a string or an array of strings.
///
/// # Errors
///
/// `invalid_claim` for any other type, and for a scope that is not a scope-token.
pub(crate) fn scope_list(value: &Value) -> Result<Vec<&str>, Refusal> {
    let scopes: Vec<&str> = match value {
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => text.split(' ').collect(),
        Value::Array(scopes) => scopes
            .iter()
            .map(|scope| scope.as_str().ok_or(invalid("a scope is not a string")))
            .collect::<Result<_, _>>()?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(invalid("the scopes are neither a string nor an array"));
        }
    };
    if scopes.iter().all(|scope| is_scope_token(scope)) {
        Ok(scopes)
    } else {
        Err(invalid("the scopes are not scope-tokens with single spaces between them"))
    }
}

/// Whether a text is a scope-token of RFC 6749 section 3.3: visible ASCII without `"` and `\`.
pub(crate) fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}

const fn invalid(because: &'static str) -> Refusal {
    Refusal::new(Code::InvalidClaim, because)
}
