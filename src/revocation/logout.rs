//! OpenID Connect Back-Channel Logout 1.0: a provider tells that a user has logged out.

use super::{Entry, LogoutEndpoint, Subject};
use crate::claims::{Expected, LOGOUT_EVENT, Registered, Rules, check_issuer};
use crate::json::{self, Object};
use crate::policy::Issuer;
use crate::refusal::{Code, Refusal};
use crate::signature::Verified;
use crate::time::{Seconds, UnixSeconds};
use serde_json::Value;

/// How old a logout token may be: providers send it at once, and say again what was not received.
const MAX_AGE: Seconds = Seconds::new(10 * 60);

/// A logout that a provider vouches for, and what it writes into the store.
#[derive(Debug)]
pub struct Logout {
    /// The entry that says that this logout token has been used.
    pub used: Entry,
    /// The entries that it makes: their keys, and their texts.
    pub revokes: Vec<(Entry, String)>,
}

impl Logout {
    /// Judges a verified logout token (section 2.6): its type, issuer, audience and times, the `events`
    /// member for logout, `sub` or `sid` or both, a `jti`, and no `nonce`.
    ///
    /// A session's logout also revokes the user's tokens of up to now: many access tokens do not name
    /// their session, and those of the user's other sessions are soon refreshed.
    ///
    /// # Errors
    ///
    /// The refusal of the first of these that does not hold.
    pub fn check(
        verified: Verified<'_>,
        issuer: &Issuer,
        endpoint: &LogoutEndpoint,
        now: UnixSeconds,
    ) -> Result<Self, Refusal> {
        if verified.is_nested()
            || !matches!(verified.media_type(), None | Some("logout+jwt" | "jwt"))
        {
            return Err(Refusal::new(Code::WrongType, "a typ that is not a logout token's"));
        }
        let payload = verified.into_payload();
        let members = json::parse_object(&payload.bytes).map_err(|_| {
            Refusal::new(Code::MalformedToken, "the payload is not a strict JSON object")
        })?;
        let registered = Registered::read(&members)?;
        check_event(&members)?;
        check_issuer(&registered, issuer.rules())?;
        check_audience(&registered, issuer.rules(), endpoint)?;
        let rules = Rules { max_age: Some(MAX_AGE), ..issuer.rules().clone() };
        registered.times.check(&rules, now)?;
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(invalid("jti, sub or sid is not a string")),
        };
        let missing = |because| Refusal::new(Code::MissingClaim, because);
        let id = text("jti")?.ok_or(missing("a logout token without jti"))?;
        let entry = |subject, value| Entry::new(subject, issuer.name(), value);
        let mut revokes = Vec::new();
        if let Some(subject) = text("sub")? {
            revokes.push((entry(Subject::Sub, subject), now.get().to_string()));
        }
        if let Some(session) = text("sid")? {
            revokes.push((entry(Subject::Sid, session), now.get().to_string()));
        }
        if revokes.is_empty() {
            return Err(missing("a logout token with neither sub nor sid"));
        }
        // As a token's own, so that one that was sent twice is known again.
        Ok(Self { used: entry(Subject::Jti, id), revokes })
    }
}

fn check_event(members: &Object) -> Result<(), Refusal> {
    let event =
        members.get("events").and_then(Value::as_object).and_then(|it| it.get(LOGOUT_EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(invalid("events does not hold the logout event"));
    }
    if members.contains_key("nonce") {
        return Err(invalid("a logout token has no nonce"));
    }
    Ok(())
}

fn check_audience(
    registered: &Registered<'_>,
    rules: &Rules,
    endpoint: &LogoutEndpoint,
) -> Result<(), Refusal> {
    let expected = match &endpoint.audience {
        Some(audience) => Expected::OneOf(audience.clone()),
        None => rules.audience.clone(),
    };
    let is_meant =
        expected == Expected::Any || registered.audience.iter().any(|one| expected.accepts(one));
    is_meant
        .then_some(())
        .ok_or(Refusal::new(Code::WrongAudience, "aud is not the logout endpoint's"))
}

const fn invalid(because: &'static str) -> Refusal {
    Refusal::new(Code::InvalidClaim, because)
}
