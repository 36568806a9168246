//! Establishing who a request is from.
//!
//! An [`Identity`] has the claims of an issuer, and how they were established. It is valid for as
//! long as its key and the issuer's rules stay the same, and the answer of an introspection is
//! fresh. Checks that depend on the time, on the route or on revocation follow later, in
//! [`crate::claims`] and [`crate::admitted`], and nothing there depends on how the identity was
//! established.

mod cache;
mod registered;

pub use self::cache::IdentityCache;
pub(crate) use self::registered::{Registered, Times};

use self::registered::text;
use crate::alg::Algorithm;
use crate::issuer::Issuer;
use crate::issuer_id::IssuerId;
use crate::json::{self, Object};
use crate::keys::cache::{AskedKey, is_within};
use crate::possession;
use crate::refusal::{Code, Refusal, Step};
use crate::rules::{Rules, SenderConstrained};
use crate::signature::Verified;
use crate::signed_identity::SignedSlot;
use crate::time::{Seconds, UnixSeconds};
use crate::token::{INTROSPECTION_TYPE, Payload};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use std::fmt;

/// The event that makes a token a back-channel logout token (OpenID Connect Back-Channel Logout 1.0
/// section 2.4).
pub(crate) const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The type of the gate's own hop proofs, which no policy can accept as an access token.
pub(crate) const PROOF_TYPE: &str = "portcullis-proof+jwt";

/// The claims that an issuer has vouched for, and how they were established.
///
/// Only this module makes one, from a token whose signature has verified or from the response of
/// the issuer's introspection endpoint.
pub struct Identity {
    issuer: IssuerId,
    evidence: Evidence,
    members: Object,
    payload_segment: String,
    times: Times,
    /// The identity that the gate last signed for the API from these claims.
    pub(crate) signed: SignedSlot,
}

/// How an identity was established.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// A signature verified under one of the issuer's keys.
    Signature(SignatureEvidence),
    /// The issuer's introspection endpoint says so.
    Introspection(IntrospectionEvidence),
}

impl Evidence {
    /// The signature of a JWS.
    #[must_use]
    pub const fn signature(&self) -> Option<&SignatureEvidence> {
        match self {
            Self::Signature(signature) => Some(signature),
            Self::Introspection(introspection) => introspection.signature.as_ref(),
        }
    }

    /// The answer of the introspection endpoint.
    #[must_use]
    pub const fn introspection(&self) -> Option<&IntrospectionEvidence> {
        match self {
            Self::Signature(_) => None,
            Self::Introspection(introspection) => Some(introspection),
        }
    }
}

/// When the introspection endpoint said that a token is active.
#[derive(Clone, Debug)]
pub struct IntrospectionEvidence {
    /// When the call began.
    pub(crate) asked: UnixSeconds,
    /// The number of the answer, by [`crate::introspection::Introspections::answers`].
    pub(crate) number: u64,
    /// The signature of the token, if it is a JWS and the issuer has keys.
    pub(crate) signature: Option<SignatureEvidence>,
}

impl IntrospectionEvidence {
    /// Whether the answer may be reused, by the policy's `cache`.
    pub(crate) fn is_fresh(&self, cache: Seconds, now: UnixSeconds) -> bool {
        is_within(self.asked, cache, now)
    }
}

/// The key and algorithm of a signature that verified.
#[derive(Clone, Debug)]
pub struct SignatureEvidence {
    /// The token's algorithm.
    pub algorithm: Algorithm,
    /// The name of the key, for logs.
    pub key: String,
    /// The key that the token names.
    pub asked: AskedKey,
    /// The version of the key set that the key is from, by [`crate::keys::KeyCaches::version`].
    pub key_set_version: u64,
}

impl SignatureEvidence {
    /// The evidence of a token whose signature has verified under a key of this version of the key
    /// set.
    pub(crate) fn of(verified: &Verified<'_>, key_set_version: u64) -> Self {
        Self {
            algorithm: verified.header().algorithm,
            key: verified.key_name().to_owned(),
            asked: AskedKey::of(verified.header()),
            key_set_version,
        }
    }
}

impl Identity {
    /// Establishes an identity from a token whose signature has verified under a key of this
    /// issuer. Checks everything that stays true for as long as the key and the issuer's rules do.
    ///
    /// # Errors
    ///
    /// The refusal of the first check that fails, in the order type, shape, purpose, issuer,
    /// tenant, audience.
    pub fn from_token(
        verified: Verified<'_>,
        issuer: &Issuer,
        key_set_version: u64,
    ) -> Result<Self, Refusal> {
        check_type(&verified, issuer.rules())?;
        let evidence = Evidence::Signature(SignatureEvidence::of(&verified, key_set_version));
        let payload = verified.into_payload();
        let members = members_of(&payload)?;
        Self::established(members, payload.segment.to_owned(), evidence, issuer)
    }

    /// Establishes an identity from the members of an introspection response that says that the
    /// token is active.
    ///
    /// # Errors
    ///
    /// The same as for a token, without the check of its type.
    pub(crate) fn from_response(
        members: Object,
        evidence: Evidence,
        issuer: &Issuer,
    ) -> Result<Self, Refusal> {
        let text = serde_json::to_string(&members).unwrap_or_default();
        let segment = Base64UrlUnpadded::encode_string(text.as_bytes());
        Self::established(members, segment, evidence, issuer)
    }

    /// The checks that do not depend on how the identity was established.
    fn established(
        members: Object,
        payload_segment: String,
        evidence: Evidence,
        issuer: &Issuer,
    ) -> Result<Self, Refusal> {
        let rules = issuer.rules();
        let registered = Registered::read(&members).map_err(|refusal| refusal.at(Step::Type))?;
        check_purpose(&members, rules).map_err(|refusal| refusal.at(Step::Type))?;
        registered
            .check_issuer(rules)
            .and_then(|()| check_tenant(&registered, &members, rules))
            .map_err(|refusal| refusal.at(Step::Issuer))?;
        registered.check_audience(&rules.audience)?;
        let times = registered.times;
        let signed = SignedSlot::default();
        Ok(Self { issuer: issuer.id(), evidence, members, payload_segment, times, signed })
    }

    /// The issuer that vouched for it.
    #[must_use]
    pub const fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// How it was established.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The claims.
    pub(crate) const fn members(&self) -> &Object {
        &self.members
    }

    /// The times between which it is valid.
    pub(crate) const fn times(&self) -> &Times {
        &self.times
    }

    /// The claims as the issuer wrote them, base64url.
    pub(crate) fn payload_segment(&self) -> &str {
        &self.payload_segment
    }
}

/// Prints no claim, because claims are personal data.
impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("issuer", &self.issuer)
            .field("members", &self.members.len())
            .finish_non_exhaustive()
    }
}

/// Checks that a token is not of a type that the issuer's rules exclude.
///
/// # Errors
///
/// `wrong_type`.
pub(crate) fn check_type(verified: &Verified<'_>, rules: &Rules) -> Result<(), Refusal> {
    let header = verified.header();
    let accepted = match (header.media_type.as_deref(), &rules.types) {
        (Some(PROOF_TYPE | INTROSPECTION_TYPE | possession::PROOF_TYPE), _) => false,
        (Some(media_type), Some(types)) => types.iter().any(|one| one == media_type),
        (Some(media_type), None) => matches!(media_type, "jwt" | "at+jwt"),
        (None, Some(_)) => false,
        (None, None) => true,
    };
    if !accepted {
        return Err(Refusal::new(Code::WrongType, "the issuer's policy does not accept the typ"));
    }
    if header.is_nested {
        return Err(Refusal::new(Code::WrongType, "the payload is another token"));
    }
    Ok(())
}

/// Parses the payload of a token whose signature has verified.
///
/// # Errors
///
/// `malformed_token` if it is not a strict JSON object.
pub(crate) fn members_of(payload: &Payload<'_>) -> Result<Object, Refusal> {
    json::parse_object(&payload.bytes).map_err(|reason| {
        let because = "the payload is not a strict JSON object";
        let refusal = Refusal::new(Code::MalformedToken, because).about(reason.as_str());
        refusal.at(Step::Type)
    })
}

fn check_purpose(members: &Object, rules: &Rules) -> Result<(), Refusal> {
    // The possession step rejects such a token too. Here it is also kept out of the cache.
    if rules.sender_constrained == SenderConstrained::Refused && members.contains_key("cnf") {
        return Err(possession::refused());
    }
    let events = members.get("events").and_then(serde_json::Value::as_object);
    if events.is_some_and(|events| events.contains_key(LOGOUT_EVENT)) {
        return Err(Refusal::new(Code::WrongType, "the token is a logout token"));
    }
    Ok(())
}

fn check_tenant(
    registered: &Registered<'_>,
    members: &Object,
    rules: &Rules,
) -> Result<(), Refusal> {
    let Some(tenant) = &rules.tenant else { return Ok(()) };
    let named = registered.issuer.and_then(|issuer| tenant.tenant_of(issuer));
    match text(members, &tenant.claim, "the tenant's claim is not a string")? {
        None => Err(Refusal::new(Code::MissingClaim, "the tenant's claim is absent")),
        claimed if claimed == named => Ok(()),
        Some(_) => Err(Refusal::new(
            Code::InvalidClaim,
            "iss and the tenant's claim name different tenants",
        )),
    }
}
