//! The registered claims (RFC 7519 section 4.1, RFC 8693 section 4.3, OpenID Connect Core section
//! 2).
//!
//! A registered claim of the wrong JSON type is rejected whether or not a rule reads it. A gate
//! that treats it as absent would read `"nbf": "9999999999"` as "no nbf" (CVE-2026-25537).

use crate::json::{self, Object};
use crate::refusal::{Code, Refusal, Step};
use crate::rules::{Expected, Rules, TimeRules};
use crate::time::UnixSeconds;
use serde_json::Value;

/// The registered claims of a token, all of the right types.
pub(crate) struct Registered<'c> {
    pub(crate) issuer: Option<&'c str>,
    pub(crate) audience: Vec<&'c str>,
    pub(crate) times: Times,
}

impl<'c> Registered<'c> {
    pub(crate) fn read(members: &'c Object) -> Result<Self, Refusal> {
        text(members, "jti", "jti is not a string")?;
        text(members, "sub", "sub is not a string")?;
        text(members, "client_id", "client_id is not a string")?;
        date(members, "auth_time", "auth_time is not a date")?;
        Ok(Self {
            issuer: text(members, "iss", "iss is not a string")?,
            audience: audience(members)?,
            times: Times {
                expires: date(members, "exp", "exp is not a date")?,
                not_before: date(members, "nbf", "nbf is not a date")?,
                issued: date(members, "iat", "iat is not a date")?,
            },
        })
    }

    /// Checks `iss` against the issuer's rules.
    pub(crate) fn check_issuer(&self, rules: &Rules) -> Result<(), Refusal> {
        match (&rules.issuer, self.issuer) {
            (Expected::Any, _) => Ok(()),
            (Expected::OneOf(_), None) => Err(Refusal::new(Code::MissingClaim, "there is no iss")),
            (expected @ Expected::OneOf(_), Some(issuer)) if expected.accepts(issuer) => Ok(()),
            (Expected::OneOf(_), Some(_)) => {
                Err(Refusal::new(Code::UnknownIssuer, "iss is not one of the issuer's"))
            }
        }
    }

    /// Checks that `aud` contains one of the expected values.
    pub(crate) fn check_audience(&self, expected: &Expected) -> Result<(), Refusal> {
        let is_meant = match expected {
            Expected::Any => true,
            expected @ Expected::OneOf(_) => self.audience.iter().any(|one| expected.accepts(one)),
        };
        is_meant
            .then_some(())
            .ok_or(Refusal::new(Code::WrongAudience, "aud contains none of the accepted audiences"))
    }
}

/// When a token is valid (RFC 7519 sections 4.1.4 to 4.1.6).
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) expires: Option<UnixSeconds>,
    not_before: Option<UnixSeconds>,
    pub(crate) issued: Option<UnixSeconds>,
}

impl Times {
    /// Checks that `exp`, if there is one, has not passed at the time `now`.
    pub(crate) fn check_expiry(&self, rules: TimeRules, now: UnixSeconds) -> Result<(), Refusal> {
        match self.expires {
            Some(expires) if now >= expires.plus(rules.leeway) => {
                Err(Refusal::new(Code::Expired, "exp has passed"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Checks that the token is valid at the time `now`.
    pub(crate) fn check(&self, rules: TimeRules, now: UnixSeconds) -> Result<(), Refusal> {
        self.check_expiry(rules, now)?;
        if self.expires.is_none() && rules.expiry_required {
            return Err(Refusal::new(Code::MissingClaim, "there is no exp").at(Step::Time));
        }
        let latest = now.plus(rules.leeway);
        if self.not_before.is_some_and(|not_before| latest < not_before) {
            return Err(Refusal::new(Code::NotYetValid, "nbf is in the future"));
        }
        if self.issued.is_some_and(|issued| latest < issued) {
            return Err(Refusal::new(Code::NotYetValid, "iat is in the future"));
        }
        let Some(max_age) = rules.max_age else { return Ok(()) };
        match self.issued {
            None => {
                let because = "there is no iat, which max_age requires";
                Err(Refusal::new(Code::MissingClaim, because).at(Step::Time))
            }
            Some(issued) if now >= issued.plus(max_age.plus(rules.leeway)) => {
                Err(Refusal::new(Code::TooOld, "iat is longer ago than max_age"))
            }
            Some(_) => Ok(()),
        }
    }
}

/// Reads a claim that must be a string if it is present.
pub(crate) fn text<'c>(
    members: &'c Object,
    name: &str,
    otherwise: &'static str,
) -> Result<Option<&'c str>, Refusal> {
    json::optional_string(members, name).map_err(|_| Refusal::new(Code::InvalidClaim, otherwise))
}

fn date(
    members: &Object,
    name: &str,
    otherwise: &'static str,
) -> Result<Option<UnixSeconds>, Refusal> {
    let date = members.get(name).map(UnixSeconds::from_numeric_date).transpose();
    date.map_err(|_| Refusal::new(Code::InvalidClaim, otherwise))
}

fn audience(members: &Object) -> Result<Vec<&str>, Refusal> {
    const OTHERWISE: Refusal =
        Refusal::new(Code::InvalidClaim, "aud is neither a string nor an array of strings");
    match members.get("aud") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) => {
            several.iter().map(|one| one.as_str().ok_or(OTHERWISE)).collect()
        }
        Some(_) => Err(OTHERWISE),
    }
}
