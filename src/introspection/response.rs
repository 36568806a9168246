//! Judging the response of an introspection endpoint (RFC 7662 section 2.2, RFC 9701 section 5).

use super::request::SIGNED_RESPONSE;
use super::{Introspection, IntrospectionRequest};
use crate::budget;
use crate::identity::{Evidence, Identity, IntrospectionEvidence};
use crate::issuer::Issuer;
use crate::json::{self, NotStrictJson, Object};
use crate::keys::{KeyCaches, KeyRequest, Picked};
use crate::possession;
use crate::refusal::{Code, Refusal};
use crate::signature;
use crate::time::{Seconds, UnixSeconds};
use crate::token::{INTROSPECTION_TYPE, Unverified};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

/// The oldest signed response that is accepted, beyond the issuer's `leeway`: a fetch takes at most
/// 5 seconds.
const SIGNED_FOR: Seconds = Seconds::new(10);

/// The response of an introspection endpoint. It contains claims, so it has no `Debug`.
pub struct Response {
    /// The status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why the endpoint gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    problem: Cow<'static, str>,
    remedy: &'static str,
}

impl Failure {
    /// A failure, and what the operator can do about it. Neither may contain anything of the
    /// response.
    #[must_use]
    pub fn new(problem: impl Into<Cow<'static, str>>, remedy: &'static str) -> Self {
        Self { problem: problem.into(), remedy }
    }

    /// What went wrong.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        self.remedy
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}; {}", self.problem, self.remedy)
    }
}

/// Why a response was not judged.
#[derive(Debug)]
pub enum Unjudged {
    /// The keys of its signature have to be fetched first.
    Keys(KeyRequest),
    /// It is not an answer.
    Failed(Failure),
}

impl From<Failure> for Unjudged {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What a response says about a token.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The token is active, and has these claims.
    Active(Rc<Identity>),
    /// The token is rejected.
    Rejected {
        /// With this refusal.
        refusal: Refusal,
        /// Whether the endpoint says that the token is active.
        is_active: bool,
    },
}

/// What there is to judge a response by.
pub(super) struct Judging<'j> {
    pub(super) issuer: &'j Issuer,
    pub(super) introspection: &'j Introspection,
    pub(super) request: &'j IntrospectionRequest,
    pub(super) keys: &'j KeyCaches,
    /// When the call began.
    pub(super) asked: UnixSeconds,
    pub(super) now: UnixSeconds,
    /// The number of this answer.
    pub(super) number: u64,
}

impl Judging<'_> {
    /// Judges a response.
    #[cold]
    #[inline(never)]
    pub(super) fn judge(&self, response: &Response) -> Result<Answer, Unjudged> {
        check_status(response)?;
        let content_type = response.content_type.as_deref().unwrap_or_default();
        let content_type = content_type.split(';').next().unwrap_or_default().trim();
        let expected = if self.introspection.signed { SIGNED_RESPONSE } else { "application/json" };
        if !content_type.eq_ignore_ascii_case(expected) {
            return Err(self.wrong_content_type().into());
        }
        if response.body.len() > budget::INTROSPECTION_BYTES {
            return Err(too_large().into());
        }
        let mut members = if self.introspection.signed {
            self.verified(&response.body)?
        } else {
            json::parse_object(&response.body).map_err(not_strict)?
        };
        match members.get("active") {
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => {
                let because = "the introspection endpoint says that the token is not active";
                let refusal = Refusal::new(Code::InactiveToken, because);
                return Ok(Answer::Rejected { refusal, is_active: false });
            }
            Some(_) | None => {
                let problem = "the response has no \"active\" that is true or false";
                return Err(Failure::new(problem, CHECK_ENDPOINT).into());
            }
        }
        if let Some(confirmation) = &self.request.confirmation
            && members.entry("cnf").or_insert_with(|| confirmation.clone()) != confirmation
        {
            let refusal = possession::contradictory();
            return Ok(Answer::Rejected { refusal, is_active: true });
        }
        let evidence = Evidence::Introspection(IntrospectionEvidence {
            asked: self.asked,
            number: self.number,
            signature: self.request.signature.clone(),
        });
        Ok(match Identity::from_response(members, evidence, self.issuer) {
            Ok(identity) => Answer::Active(Rc::new(identity)),
            Err(refusal) => Answer::Rejected { refusal, is_active: true },
        })
    }

    #[cold]
    #[inline(never)]
    fn wrong_content_type(&self) -> Failure {
        if self.introspection.signed {
            let problem = "the response is not a signed one \
                           (application/token-introspection+jwt)";
            Failure::new(
                problem,
                "have the provider sign responses for this client, or remove signed",
            )
        } else {
            Failure::new("the response is not application/json", CHECK_ENDPOINT)
        }
    }

    /// Verifies a signed response, and returns what it says about the token.
    #[cold]
    #[inline(never)]
    fn verified(&self, body: &[u8]) -> Result<Object, Unjudged> {
        let invalid = |problem: &'static str| {
            Failure::new(problem, "check that issuer, client_id and the issuer's keys are right")
        };
        let text = str::from_utf8(body).unwrap_or_default().trim_ascii();
        let token = Unverified::parse(text)
            .map_err(|_| invalid("the signed response is not a compact JWS"))?;
        if token.header().media_type.as_deref() != Some(INTROSPECTION_TYPE) {
            let problem = "the typ of the signed response is not token-introspection+jwt";
            return Err(invalid(problem).into());
        }
        let picked = self.issuer.pick_keys(token.header(), self.keys, self.now, &mut None);
        let keys = match picked {
            Ok(Picked::Keys(keys)) => keys,
            Ok(Picked::Needed(request)) => return Err(Unjudged::Keys(request)),
            Err(_) => return Err(invalid("no key of the issuer fits the signed response").into()),
        };
        let verified = signature::verify(token, &keys)
            .map_err(|_| invalid("the signature of the signed response does not verify"))?;
        let mut members = json::parse_object(&verified.into_payload().bytes).map_err(not_strict)?;
        if !self.is_for_this_client(&members) {
            let problem = "iss, aud or iat of the signed response is wrong: it is from another \
                           issuer, for another client, or not new";
            return Err(invalid(problem).into());
        }
        match members.remove("token_introspection") {
            Some(Value::Object(members)) => Ok(members),
            _ => Err(invalid("the signed response has no token_introspection").into()),
        }
    }

    /// Whether a signed response is from the issuer, for this client, and new (RFC 9701 section 5).
    #[cold]
    #[inline(never)]
    fn is_for_this_client(&self, members: &Object) -> bool {
        let text = |name| members.get(name).and_then(Value::as_str);
        let rules = self.issuer.rules();
        let client = self.introspection.client.id.as_str();
        let names_client = match members.get("aud") {
            Some(Value::Array(several)) => several.iter().any(|one| one == client),
            one => one.and_then(Value::as_str) == Some(client),
        };
        let issued = members.get("iat").and_then(|iat| UnixSeconds::from_numeric_date(iat).ok());
        let leeway = rules.times.leeway;
        let is_new = issued.is_some_and(|issued| {
            issued <= self.now.plus(leeway) && self.now <= issued.plus(leeway.plus(SIGNED_FOR))
        });
        text("iss").is_some_and(|iss| rules.issuer.accepts(iss)) && names_client && is_new
    }
}

const CHECK_ENDPOINT: &str = "check that endpoint is the provider's introspection endpoint";

const CHECK_CREDENTIALS: &str = "check client_id, auth and the client's secret or key, and that \
                                 the provider lets this client introspect";

#[cold]
#[inline(never)]
fn check_status(response: &Response) -> Result<(), Failure> {
    let answered = || format!("the endpoint answered {}", response.status);
    let remedy = match response.status {
        200 => return Ok(()),
        300..400 => "redirects are not followed: name the URL that it redirects to",
        401 | 403 => CHECK_CREDENTIALS,
        400 if names_client_error(&response.body) => CHECK_CREDENTIALS,
        404 | 405 | 410 => CHECK_ENDPOINT,
        429 => "the provider limits the calls: raise its limit or cache",
        500.. => "the provider has a problem: see its status page and logs",
        _ => CHECK_ENDPOINT,
    };
    Err(Failure::new(answered(), remedy))
}

/// Whether an error response says that the client is the problem (RFC 6749 section 5.2).
fn names_client_error(body: &[u8]) -> bool {
    let error = json::parse_object(body).unwrap_or_default();
    let error = error.get("error").and_then(Value::as_str);
    matches!(error, Some("invalid_client" | "unauthorized_client"))
}

/// The failure of a response that is larger than [`budget::INTROSPECTION_BYTES`].
#[must_use]
pub fn too_large() -> Failure {
    Failure::new(
        "the response is larger than 64 KiB",
        "have the provider put fewer claims into its responses",
    )
}

#[cold]
#[inline(never)]
fn not_strict(reason: NotStrictJson) -> Failure {
    Failure::new(format!("the response {reason}"), CHECK_ENDPOINT)
}
