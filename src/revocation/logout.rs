//! OpenID Connect Back-Channel Logout 1.0: a provider reports that a user has logged out.

use super::{Entry, LogoutEndpoint, Standing, Subject};
use crate::identity::{LOGOUT_EVENT, Registered};
use crate::issuer::Issuer;
use crate::json::{self, Object};
use crate::refusal::{Code, Refusal};
use crate::rules::{Expected, TimeRules};
use crate::signature::Verified;
use crate::time::{Seconds, UnixSeconds};
use serde_json::Value;

/// The greatest age of a logout token. Providers send it at once, and repeat it if it was not
/// received.
const MAX_AGE: Seconds = Seconds::new(10 * 60);

/// A logout that a provider has reported, and the entries that it writes into the store.
#[derive(Debug)]
pub struct Logout {
    /// The entry that marks this logout token as used.
    pub used: Entry,
    /// The entries to write.
    pub revokes: Vec<Entry>,
    /// When the provider issued the logout token: the cut-off time of the entries. The time at
    /// which the token arrives would move with every copy of it that an attacker sends again.
    pub issued: UnixSeconds,
}

impl Logout {
    /// Checks a verified logout token (section 2.6): its type, issuer, audience and times, the
    /// `events` member for logout, `sub` or `sid` or both, a `jti`, and no `nonce`.
    ///
    /// The logout of a session also revokes all tokens that the user has so far. Many access tokens
    /// do not name their session, and the user's other sessions soon refresh theirs.
    ///
    /// # Errors
    ///
    /// The refusal of the first check that fails.
    pub fn check(
        verified: Verified<'_>,
        issuer: &Issuer,
        endpoint: &LogoutEndpoint,
        now: UnixSeconds,
    ) -> Result<Self, Refusal> {
        let header = verified.header();
        let media_type = header.media_type.as_deref();
        if header.is_nested || !matches!(media_type, None | Some("logout+jwt" | "jwt")) {
            return Err(Refusal::new(Code::WrongType, "the typ is not that of a logout token"));
        }
        let payload = verified.into_payload();
        let members = json::parse_object(&payload.bytes).map_err(|_| {
            Refusal::new(Code::MalformedToken, "the payload is not a strict JSON object")
        })?;
        let registered = Registered::read(&members)?;
        check_event(&members)?;
        registered.check_issuer(issuer.rules())?;
        let audience = endpoint.audience.clone().map(Expected::OneOf);
        registered.check_audience(audience.as_ref().unwrap_or(&issuer.rules().audience))?;
        let times = TimeRules { max_age: Some(MAX_AGE), ..issuer.rules().times };
        registered.times.check(times, now)?;
        let text = |name: &str| {
            json::optional_string(&members, name)
                .map_err(|_| invalid("jti, sub or sid is not a string"))
        };
        let missing = |because| Refusal::new(Code::MissingClaim, because);
        let id = text("jti")?.ok_or(missing("the logout token has no jti"))?;
        let entry = |subject, value| Entry::new(subject, issuer.name(), value);
        let mut revokes = Vec::new();
        revokes.extend(text("sub")?.map(|subject| entry(Subject::Sub, subject)));
        revokes.extend(text("sid")?.map(|session| entry(Subject::Sid, session)));
        if revokes.is_empty() {
            return Err(missing("the logout token has neither sub nor sid"));
        }
        // The same entry that revokes a token by its jti, so that a repeated logout token is
        // recognized.
        let used = entry(Subject::Jti, id);
        let issued = registered.times.issued.map_or(now, |issued| issued.min(now));
        Ok(Self { used, revokes, issued })
    }

    /// Returns the value to write for one of the entries, or `None` if what the store holds for it
    /// revokes at least as much: a later logout, or an operator's revocation of all tokens.
    #[must_use]
    pub fn value_for(&self, entry: &Entry, stored: Option<&str>) -> Option<String> {
        let is_revoked = match entry.meaning(stored) {
            Standing::Good | Standing::Unknown => false,
            Standing::Revoked => true,
            Standing::RevokedUpTo(time) => self.issued <= time,
        };
        (!is_revoked).then(|| self.issued.get().to_string())
    }
}

fn check_event(members: &Object) -> Result<(), Refusal> {
    let event =
        members.get("events").and_then(Value::as_object).and_then(|it| it.get(LOGOUT_EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(invalid("events does not contain the logout event"));
    }
    if members.contains_key("nonce") {
        return Err(invalid("the logout token has a nonce"));
    }
    Ok(())
}

const fn invalid(because: &'static str) -> Refusal {
    Refusal::new(Code::InvalidClaim, because)
}
