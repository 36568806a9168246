//! What a token says, judged: issuer, audience, time, type, and the rules of the issuer's policy
//! (RFC 7519 sections 4 and 7.2, RFC 8725 sections 3.8 to 3.12).
//!
//! A registered claim of the wrong JSON type is refused whether or not a rule reads it: taking it for
//! absent is how `"nbf": "9999999999"` once meant "no nbf" (CVE-2026-25537).

mod cache;
mod rule;

pub use self::cache::{Provenance, Token, TokenCache};
pub use self::rule::{ClaimRule, Condition};

use crate::json::{self, Object};
use crate::refusal::{Code, Refusal, Step};
use crate::signature::Verified;
use crate::time::{Seconds, UnixSeconds};
use serde_json::Value;
use std::fmt;
use std::rc::Rc;

/// What an issuer's tokens must say. Made by the policy's compiler.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Accepted values of `iss`.
    pub issuer: Expected,
    /// The tenant that `iss` names must be the one that a claim names.
    pub tenant: Option<TenantClaim>,
    /// Accepted values of `aud`, of which a token needs one.
    pub audience: Expected,
    /// How far clocks may differ.
    pub leeway: Seconds,
    /// How old a token may be by its `iat`, which is then required.
    pub max_age: Option<Seconds>,
    /// Accepted values of `typ`, as [`Verified::media_type`] writes them; `None` accepts none, `JWT`
    /// and `at+jwt`.
    pub types: Option<Vec<String>>,
    /// Claims that must be present, by name or JSON Pointer.
    pub require: Vec<String>,
    /// Rules for single claims, each of which must hold.
    pub claims: Vec<ClaimRule>,
    /// Whether `exp` must be present.
    pub expiry_required: bool,
    /// Accepted values of `sub`; `None` accepts any.
    pub subject: Option<Vec<String>>,
    /// Where scopes stand, by name or JSON Pointer; `None` means `scope`, else `scp`.
    pub scopes_claim: Option<String>,
    /// Where roles stand, by name or JSON Pointer.
    pub roles_claim: String,
}

/// A claim that repeats the tenant within `iss`, as in `https://login.example/{tid}/v2.0`: a token whose
/// two names for its tenant differ is nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantClaim {
    /// The claim's name.
    pub claim: String,
    /// What stands in `iss` before the tenant.
    pub prefix: String,
    /// What stands in `iss` after the tenant.
    pub suffix: String,
}

impl TenantClaim {
    fn tenant_of<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        issuer.strip_prefix(self.prefix.as_str())?.strip_suffix(self.suffix.as_str())
    }
}

/// Values that a claim is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Exactly one of these.
    OneOf(Vec<String>),
    /// Anything, spelled `"*"`: the check is waived.
    Any,
}

impl Expected {
    /// Whether that value is accepted, compared byte for byte.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        match self {
            Self::OneOf(values) => values.iter().any(|one| one == value),
            Self::Any => true,
        }
    }
}

/// The event that makes a token a back-channel logout token (OpenID Connect Back-Channel Logout 1.0
/// section 2.4).
pub(crate) const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The type of the gate's own hop proofs, which no policy can make an access token.
pub(crate) const PROOF_TYPE: &str = "portcullis-proof+jwt";

/// The claims of a verified token that has passed its issuer's rules.
pub struct Claims<'g> {
    established: Rc<Established>,
    rules: &'g Rules,
}

/// What has been established of a token for good, as long as its key and its issuer's rules stay: all but
/// whether it is the time for it.
struct Established {
    members: Object,
    payload_segment: String,
    times: Times,
}

impl<'g> Claims<'g> {
    /// Judges a verified token by its issuer's rules at the time `now`.
    ///
    /// # Errors
    ///
    /// The refusal of the first rule that it breaks, in the order type, shape, issuer, audience, time,
    /// required claims, rules for single claims.
    pub fn check(
        verified: Verified<'_>,
        rules: &'g Rules,
        now: UnixSeconds,
    ) -> Result<Self, Refusal> {
        check_type(&verified, rules)?;
        let payload = verified.into_payload();
        let members = json::parse_object(&payload.bytes).map_err(|_| {
            Refusal::new(Code::MalformedToken, "the payload is not a strict JSON object")
                .at(Step::Type)
        })?;
        let registered = Registered::read(&members).map_err(|refusal| refusal.at(Step::Type))?;
        check_purpose(&members).map_err(|refusal| refusal.at(Step::Type))?;
        check_issuer(&registered, rules)
            .and_then(|()| check_tenant(&registered, &members, rules))
            .map_err(|refusal| refusal.at(Step::Issuer))?;
        check_audience(&registered, rules)?;
        let times = registered.times;
        times.check(rules, now)?;
        check_subject(&registered, rules)?;
        for name in &rules.require {
            if json::at(&members, name).is_none_or(Value::is_null) {
                return Err(Refusal::new(Code::MissingClaim, "a claim that the policy requires"));
            }
        }
        for rule in &rules.claims {
            if !rule.holds_among(&members)? {
                return Err(invalid("a claim rule of the issuer does not hold"));
            }
        }
        let payload_segment = payload.segment.to_owned();
        let established = Rc::new(Established { members, payload_segment, times });
        Ok(Self { established, rules })
    }

    /// Judges anew, at the time `now`, what was established before by the same rules.
    fn again(
        established: Rc<Established>,
        rules: &'g Rules,
        now: UnixSeconds,
    ) -> Result<Self, Refusal> {
        established.times.check(rules, now)?;
        Ok(Self { established, rules })
    }

    /// The value at a name, or at a JSON Pointer (RFC 6901) if it starts with `/`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Value> {
        json::at(&self.established.members, path)
    }

    /// When the user signed in (OpenID Connect Core section 2, `auth_time`), if the token says so.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<UnixSeconds> {
        self.at("auth_time").and_then(|time| UnixSeconds::from_numeric_date(time).ok())
    }

    /// How far the issuer's clock may differ.
    #[must_use]
    pub const fn leeway(&self) -> Seconds {
        self.rules.leeway
    }

    /// The payload as it stood in the token, base64url.
    #[must_use]
    pub fn payload_segment(&self) -> &str {
        &self.established.payload_segment
    }

    /// The token's scopes (RFC 6749 section 3.3), as a string of them or as an array.
    ///
    /// # Errors
    ///
    /// `invalid_claim` for any other shape, for scope-tokens with other characters than the RFC's,
    /// and where `scope` and `scp` are both present and differ.
    pub fn scopes(&self) -> Result<Vec<&str>, Refusal> {
        if let Some(path) = &self.rules.scopes_claim {
            return self.at(path).map_or_else(|| Ok(Vec::new()), scope_list);
        }
        let read = |name| self.at(name).map(scope_list).transpose();
        match (read("scope")?, read("scp")?) {
            (Some(scope), Some(scp)) => {
                let same = scope.iter().all(|one| scp.contains(one))
                    && scp.iter().all(|one| scope.contains(one));
                same.then_some(scope).ok_or(invalid("scope and scp disagree"))
            }
            (Some(scopes), None) | (None, Some(scopes)) => Ok(scopes),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// Whether scopes stand at that path, so that an array there is a list of scopes.
    #[must_use]
    pub(crate) fn holds_scopes(&self, path: &str) -> bool {
        let name = |text: &str| text.strip_prefix('/').unwrap_or(text).to_owned();
        match &self.rules.scopes_claim {
            Some(claim) => name(claim) == name(path),
            None => matches!(name(path).as_str(), "scope" | "scp"),
        }
    }

    /// The token's roles: one string, or an array of strings.
    ///
    /// # Errors
    ///
    /// `invalid_claim` for any other shape.
    pub fn roles(&self) -> Result<Vec<&str>, Refusal> {
        match self.at(&self.rules.roles_claim) {
            None => Ok(Vec::new()),
            Some(Value::String(role)) => Ok(vec![role]),
            Some(Value::Array(roles)) => roles
                .iter()
                .map(|role| role.as_str().ok_or(invalid("a role that is not a string")))
                .collect(),
            Some(_) => Err(invalid("roles that are neither a string nor an array")),
        }
    }
}

/// No claim is shown: they are somebody's.
impl fmt::Debug for Claims<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Claims")
            .field("members", &self.established.members.len())
            .finish_non_exhaustive()
    }
}

/// The registered claims (RFC 7519 section 4.1, RFC 8693 section 4.3, OpenID Connect Core section 2), of
/// the right types.
pub(crate) struct Registered<'c> {
    issuer: Option<&'c str>,
    subject: Option<&'c str>,
    pub(crate) audience: Vec<&'c str>,
    pub(crate) times: Times,
}

/// When a token is good (RFC 7519 sections 4.1.4 to 4.1.6).
#[derive(Clone, Copy)]
pub(crate) struct Times {
    expires: Option<UnixSeconds>,
    not_before: Option<UnixSeconds>,
    issued: Option<UnixSeconds>,
}

impl<'c> Registered<'c> {
    pub(crate) fn read(members: &'c Object) -> Result<Self, Refusal> {
        text(members, "jti", "jti is not a string")?;
        text(members, "client_id", "client_id is not a string")?;
        date(members, "auth_time", "auth_time is not a date")?;
        Ok(Self {
            issuer: text(members, "iss", "iss is not a string")?,
            subject: text(members, "sub", "sub is not a string")?,
            audience: audience(members)?,
            times: Times {
                expires: date(members, "exp", "exp is not a date")?,
                not_before: date(members, "nbf", "nbf is not a date")?,
                issued: date(members, "iat", "iat is not a date")?,
            },
        })
    }
}

fn text<'c>(
    members: &'c Object,
    name: &str,
    otherwise: &'static str,
) -> Result<Option<&'c str>, Refusal> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(otherwise)),
    }
}

fn date(
    members: &Object,
    name: &str,
    otherwise: &'static str,
) -> Result<Option<UnixSeconds>, Refusal> {
    let date = members.get(name).map(UnixSeconds::from_numeric_date).transpose();
    date.map_err(|_| invalid(otherwise))
}

fn audience(members: &Object) -> Result<Vec<&str>, Refusal> {
    const OTHERWISE: Refusal = invalid("aud is neither a string nor an array of strings");
    match members.get("aud") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) => {
            several.iter().map(|one| one.as_str().ok_or(OTHERWISE)).collect()
        }
        Some(_) => Err(OTHERWISE),
    }
}

fn check_type(verified: &Verified<'_>, rules: &Rules) -> Result<(), Refusal> {
    let accepted = match (verified.media_type(), &rules.types) {
        (Some(PROOF_TYPE), _) => false,
        (Some(media_type), Some(types)) => types.iter().any(|one| one == media_type),
        (Some(media_type), None) => matches!(media_type, "jwt" | "at+jwt"),
        (None, Some(_)) => false,
        (None, None) => true,
    };
    if !accepted {
        return Err(Refusal::new(
            Code::WrongType,
            "a typ that the issuer's policy does not accept",
        ));
    }
    if verified.is_nested() {
        return Err(Refusal::new(Code::WrongType, "a token within a token"));
    }
    Ok(())
}

fn check_purpose(members: &Object) -> Result<(), Refusal> {
    if members.contains_key("cnf") {
        // RFC 7800: whoever presents it must prove possession of a key, and nobody asked for that.
        return Err(invalid("a sender-constrained token (cnf), which is not supported"));
    }
    let events = members.get("events").and_then(Value::as_object);
    if events.is_some_and(|events| events.contains_key(LOGOUT_EVENT)) {
        return Err(Refusal::new(Code::WrongType, "a logout token"));
    }
    Ok(())
}

pub(crate) fn check_issuer(registered: &Registered<'_>, rules: &Rules) -> Result<(), Refusal> {
    match (&rules.issuer, registered.issuer) {
        (Expected::Any, _) => Ok(()),
        (Expected::OneOf(_), None) => Err(Refusal::new(Code::MissingClaim, "no iss")),
        (expected, Some(issuer)) if expected.accepts(issuer) => Ok(()),
        _ => Err(Refusal::new(Code::UnknownIssuer, "iss is not the issuer's")),
    }
}

fn check_tenant(
    registered: &Registered<'_>,
    members: &Object,
    rules: &Rules,
) -> Result<(), Refusal> {
    let Some(tenant) = &rules.tenant else { return Ok(()) };
    let named = registered.issuer.and_then(|issuer| tenant.tenant_of(issuer));
    let claimed = text(members, &tenant.claim, "the tenant's claim is not a string")?;
    if claimed.is_none() {
        return Err(Refusal::new(Code::MissingClaim, "no claim for the tenant"));
    }
    (claimed == named).then_some(()).ok_or(invalid("iss and the tenant's claim disagree"))
}

fn check_audience(registered: &Registered<'_>, rules: &Rules) -> Result<(), Refusal> {
    let meant_for_here = match &rules.audience {
        Expected::Any => true,
        expected => registered.audience.iter().any(|one| expected.accepts(one)),
    };
    meant_for_here
        .then_some(())
        .ok_or(Refusal::new(Code::WrongAudience, "aud holds none of the expected audiences"))
}

impl Times {
    /// Whether it is the time for it, by the rules.
    pub(crate) fn check(&self, rules: &Rules, now: UnixSeconds) -> Result<(), Refusal> {
        match self.expires {
            Some(expires) if now >= expires.plus(rules.leeway) => {
                return Err(Refusal::new(Code::Expired, "exp has passed"));
            }
            None if rules.expiry_required => {
                return Err(Refusal::new(Code::MissingClaim, "no exp").at(Step::Time));
            }
            _ => {}
        }
        let latest = now.plus(rules.leeway);
        if self.not_before.is_some_and(|not_before| latest < not_before) {
            return Err(Refusal::new(Code::NotYetValid, "nbf lies in the future"));
        }
        if self.issued.is_some_and(|issued| latest < issued) {
            return Err(Refusal::new(Code::NotYetValid, "iat lies in the future"));
        }
        let Some(max_age) = rules.max_age else { return Ok(()) };
        match self.issued {
            None => {
                Err(Refusal::new(Code::MissingClaim, "no iat, which max_age needs").at(Step::Time))
            }
            Some(issued) if now >= issued.plus(max_age.plus(rules.leeway)) => {
                Err(Refusal::new(Code::TooOld, "iat is older than max_age"))
            }
            Some(_) => Ok(()),
        }
    }
}

fn check_subject(registered: &Registered<'_>, rules: &Rules) -> Result<(), Refusal> {
    let Some(accepted) = &rules.subject else { return Ok(()) };
    match registered.subject {
        None => Err(Refusal::new(Code::MissingClaim, "no sub")),
        Some(subject) if accepted.iter().any(|one| one == subject) => Ok(()),
        Some(_) => Err(invalid("a sub that the policy does not accept")),
    }
}

fn scope_list(value: &Value) -> Result<Vec<&str>, Refusal> {
    let scopes: Vec<&str> = match value {
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => text.split(' ').collect(),
        Value::Array(scopes) => scopes
            .iter()
            .map(|scope| scope.as_str().ok_or(invalid("a scope that is not a string")))
            .collect::<Result<_, _>>()?,
        _ => return Err(invalid("scopes that are neither a string nor an array")),
    };
    if scopes.iter().all(|scope| is_scope_token(scope)) {
        Ok(scopes)
    } else {
        Err(invalid("scopes that are not single-spaced scope-tokens"))
    }
}

/// RFC 6749 section 3.3 `scope-token`: visible ASCII without `"` and `\`.
pub(crate) fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}

const fn invalid(because: &'static str) -> Refusal {
    Refusal::new(Code::InvalidClaim, because)
}
