//! Establishing the identity of a credential: from the cache, by a signature, or by introspection.

use super::need::Stop;
use super::{Judging, Need};
use crate::admitted::IssuerAdmitted;
use crate::extract::Credential;
use crate::identity::{self, Identity, Registered, SignatureEvidence};
use crate::introspection::{IntrospectionRequest, Standing, Supply, TokenId};
use crate::issuer::Issuer;
use crate::issuer_id::IssuerId;
use crate::keys::Picked;
use crate::refusal::{Code, Refusal};
use crate::route::Route;
use crate::signature::{self, Verified};
use crate::token::{self, Unverified};
use serde_json::Value;
use std::rc::Rc;

/// The form of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A compact JWS, which is verified under a key of its issuer.
    Jwt,
    /// Anything else, which only its provider understands.
    Opaque,
}

impl Form {
    /// The form of a credential, by its text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if token::looks_like_jws(text) { Self::Jwt } else { Self::Opaque }
    }

    /// Its name in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Opaque => "opaque",
        }
    }
}

/// A question for the introspection endpoint of an issuer, and what is known about the token.
struct Question<'g> {
    issuer: &'g Issuer,
    /// The signature, if it has been verified.
    signature: Option<SignatureEvidence>,
    /// The `cnf` of a JWT.
    confirmation: Option<Value>,
}

impl<'g> Judging<'_, 'g> {
    /// The identity that the cache has for a credential, if it is still current.
    pub(super) fn cached(
        &mut self,
        route: &Route,
        credential: &Credential<'_, '_>,
    ) -> Option<(&'g Issuer, Rc<Identity>)> {
        let identity = self.memory.identities.get(credential.text())?;
        let issuer = self.policy.issuer(identity.issuer())?;
        if !self.is_current(route, &identity, issuer) {
            return None;
        }
        let evidence = identity.evidence();
        if let Some(signature) = evidence.signature() {
            self.trace.algorithm = Some(signature.algorithm);
            self.trace.key = Some(signature.key.clone());
        }
        self.trace.issuer = Some(issuer.name());
        self.trace.form = Some(match evidence.signature() {
            Some(_) => Form::Jwt,
            None => Form::of(credential.text()),
        });
        // A request that has waited for an answer finds it here.
        self.trace.is_cached =
            evidence.introspection().is_none_or(|answer| answer.number <= self.arrived);
        Some((issuer, identity))
    }

    /// Whether what established an identity still does: the key is still one of the issuer's, and
    /// the answer of an introspection is not too old.
    fn is_current(&mut self, route: &Route, identity: &Identity, issuer: &Issuer) -> bool {
        let evidence = identity.evidence();
        if let Some(answer) = evidence.introspection() {
            // Another route may have another issuer to ask about the same token.
            let is_current = issuer.introspection().is_some_and(|introspection| {
                answer.number > self.arrived || answer.is_fresh(introspection.cache, self.now)
            });
            if !is_current || route.introspecting() != Some(issuer.id()) {
                return false;
            }
        }
        let Some(signature) = evidence.signature() else { return true };
        let (version, asked) = (signature.key_set_version, &signature.asked);
        let keys = &self.memory.keys;
        issuer.remote().is_none()
            || keys.is_current(issuer.id(), version, asked, self.now, self.refresh)
    }

    /// Establishes the identity of a credential that is not in the cache. Sets `vouching` as soon
    /// as the signature has verified, or the issuer's endpoint has said that the token is active,
    /// so that an issuer in report mode also reports its tokens without a usable identity.
    pub(super) fn established(
        &mut self,
        route: &Route,
        credential: &Credential<'_, '_>,
        vouching: &mut Option<IssuerAdmitted<'g>>,
    ) -> Result<(&'g Issuer, Rc<Identity>), Stop> {
        let text = credential.text();
        let form = Form::of(text);
        self.trace.form = Some(form);
        if let Some(introspecting) = route.introspecting()
            && let Some(question) = self.asked_without_signature(introspecting, form, text)?
        {
            return Err(self.introspected(question, route, text, vouching));
        }
        let (issuer, verified) = self.verified(text, Some(route))?;
        *vouching = Some(IssuerAdmitted::check(route, issuer)?);
        let version = self.memory.keys.version(issuer.id());
        if issuer.introspects_jwts() {
            identity::check_type(&verified, issuer.rules())?;
            let signature = SignatureEvidence::of(&verified, version);
            // The claims are the endpoint's, but it need not be asked about an expired token.
            let payload = verified.into_payload();
            let mut members = identity::members_of(&payload)?;
            Registered::read(&members)?.times.check_expiry(issuer.rules().times, self.now)?;
            let confirmation = members.remove("cnf");
            let question = Question { issuer, signature: Some(signature), confirmation };
            return Err(self.introspected(question, route, text, vouching));
        }
        Ok((issuer, Rc::new(Identity::from_token(verified, issuer, version)?)))
    }

    /// What to ask about a credential that is not verified first: an opaque token, or a JWT of an
    /// issuer that has no keys and introspects all tokens.
    #[cold]
    #[inline(never)]
    fn asked_without_signature(
        &self,
        introspecting: IssuerId,
        form: Form,
        text: &str,
    ) -> Result<Option<Question<'g>>, Refusal> {
        let Some(issuer) = self.policy.issuer(introspecting) else { return Ok(None) };
        let question = |confirmation| Question { issuer, signature: None, confirmation };
        Ok(match form {
            Form::Opaque => Some(question(None)),
            Form::Jwt if issuer.has_keys() || !issuer.introspects_jwts() => None,
            Form::Jwt => {
                let token = Unverified::parse(text)?;
                let named = self.policy.issuer_named_by(&token)?;
                (named.id() == issuer.id()).then(|| question(token.confirmation_hint()))
            }
        })
    }

    /// Returns the refusal of a token that was rejected before, or the need to ask the issuer's
    /// endpoint about the token. The identity of an active token is in the cache.
    #[cold]
    #[inline(never)]
    fn introspected(
        &mut self,
        Question { issuer, signature, confirmation }: Question<'g>,
        route: &Route,
        text: &str,
        vouching: &mut Option<IssuerAdmitted<'g>>,
    ) -> Stop {
        self.trace.issuer = Some(issuer.name());
        let Some(introspection) = issuer.introspection() else {
            return Refusal::new(Code::UnknownIssuer, "the issuer does not introspect").into();
        };
        let before = self.memory.identities.get(text);
        let is_seen = before.is_some_and(|identity| identity.issuer() == issuer.id());
        let request = IntrospectionRequest {
            issuer: issuer.id(),
            token: text.into(),
            id: TokenId::of(text),
            standing: if is_seen { Standing::Seen } else { Standing::New },
            arrived: self.arrived,
            signature,
            confirmation,
        };
        match self.memory.introspections.supply(&request, introspection.cache, self.now) {
            Ok(Supply::Ask) => Stop::Needs(Need::Introspection(Box::new(request))),
            Ok(Supply::Rejected(rejected)) => {
                if rejected.is_active {
                    *vouching = IssuerAdmitted::check(route, issuer).ok();
                }
                rejected.refusal.into()
            }
            Err(refusal) => refusal.into(),
        }
    }

    /// Parses a token and verifies its signature under a key of the issuer that it names.
    #[inline(never)]
    pub(super) fn verified<'t>(
        &mut self,
        text: &'t str,
        route: Option<&Route>,
    ) -> Result<(&'g Issuer, Verified<'t>), Stop> {
        let token = Unverified::parse_with(text, &self.memory.last_header)?;
        self.trace.algorithm = Some(token.header().algorithm);
        let issuer = self.policy.issuer_named_by(&token)?;
        if let Some(route) = route {
            // Every identity is checked for this afterwards. Checked here too, so that a token
            // which the route rejects in any case costs neither a fetch of keys nor a verification.
            IssuerAdmitted::check(route, issuer)?;
        }
        self.trace.issuer = Some(issuer.name());
        let published = &self.memory.keys;
        let keys = match issuer.pick_keys(token.header(), published, self.now, self.refresh)? {
            Picked::Keys(keys) => keys,
            Picked::Needed(request) => return Err(Stop::Needs(Need::Keys(request))),
        };
        let verified = signature::verify(token, &keys)?;
        self.trace.key = Some(verified.key_name().to_owned());
        Ok((issuer, verified))
    }
}
