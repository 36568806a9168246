//! The rules of an issuer: what the claims of its tokens must be (RFC 7519 section 4, RFC 8725
//! sections 3.8 to 3.12). Made by the policy's compiler.

mod claim;

pub use self::claim::{ClaimRule, Condition};

use crate::time::Seconds;

/// What the claims of an issuer's tokens must be.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Accepted values of `iss`.
    pub issuer: Expected,
    /// The claim that must name the same tenant as `iss`, if the issuer has tenants.
    pub tenant: Option<TenantClaim>,
    /// Accepted values of `aud`. A token needs one of them.
    pub audience: Expected,
    /// When a token is valid.
    pub times: TimeRules,
    /// Accepted values of `typ`, as [`crate::token::Header::media_type`] writes them. `None`
    /// accepts an absent `typ`, `JWT` and `at+jwt`.
    pub types: Option<Vec<String>>,
    /// Claims that must be present, by name or JSON Pointer.
    pub require: Vec<String>,
    /// Rules for single claims. All of them must hold.
    pub claims: Vec<ClaimRule>,
    /// Accepted values of `sub`. `None` accepts any.
    pub subject: Option<Vec<String>>,
    /// Whether tokens may or must be bound to a key.
    pub sender_constrained: SenderConstrained,
    /// The claim that holds the scopes, by name or JSON Pointer. `None` means `scope`, else `scp`.
    pub scopes_claim: Option<String>,
    /// The claim that holds the roles, by name or JSON Pointer.
    pub roles_claim: String,
}

/// Whether an issuer's tokens may or must be bound to a key with `cnf` (RFC 7800).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SenderConstrained {
    /// A token with `cnf` is rejected.
    #[default]
    Refused,
    /// A token with `cnf` must be proved. A token without it is a bearer token.
    Accepted,
    /// Every token must have `cnf` and be proved.
    Required,
}

/// The rules for `exp`, `nbf` and `iat`.
#[derive(Clone, Copy, Debug)]
pub struct TimeRules {
    /// How far the issuer's clock and the gate's may differ.
    pub leeway: Seconds,
    /// The greatest age by `iat`, which is then required.
    pub max_age: Option<Seconds>,
    /// Whether `exp` must be present.
    pub expiry_required: bool,
}

/// A claim that repeats the tenant within `iss`, as in `https://login.example/{tid}/v2.0`. A token
/// in which the two differ is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantClaim {
    /// The claim's name.
    pub claim: String,
    /// The part of `iss` before the tenant.
    pub prefix: String,
    /// The part of `iss` after the tenant.
    pub suffix: String,
}

impl TenantClaim {
    /// Returns the tenant that an `iss` names, or `None` if it has another form.
    #[must_use]
    pub fn tenant_of<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        issuer.strip_prefix(self.prefix.as_str())?.strip_suffix(self.suffix.as_str())
    }
}

/// The values that a claim is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// One of these.
    OneOf(Vec<String>),
    /// Any value, which the policy writes as `"*"`.
    Any,
}

impl Expected {
    /// Whether this value is accepted. Values are compared byte for byte.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        match self {
            Self::OneOf(values) => values.iter().any(|one| one == value),
            Self::Any => true,
        }
    }
}
