//! Establishing the identity of a credential: from the cache, by a signature, or by introspection.

use super::need::Stop;
use super::{Judging, Need};
use crate::admitted::IssuerAdmitted;
use crate::extract::Credential;
use crate::identity::{self, Identity, Registered, SignatureEvidence};
use crate::introspection::{IntrospectionRequest, Standing, Supply, TokenId};
use crate::issuer::Issuer;
use crate::keys::Picked;
use crate::refusal::{Code, Refusal};
use crate::route::Route;
use crate::signature::{self, Verified};
use crate::token::{self, Unverified};
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
        if let Some(issuer) = self.asked_without_signature(route, form, text)? {
            return Err(self.introspected(issuer, route, text, None, vouching));
        }
        let (issuer, verified) = self.verified(text, Some(route))?;
        *vouching = Some(IssuerAdmitted::check(route, issuer)?);
        let version = self.memory.keys.version(issuer.id());
        if issuer.introspects_jwts() {
            identity::check_type(&verified, issuer.rules())?;
            let signature = SignatureEvidence::of(&verified, version);
            // The claims are the endpoint's, but it need not be asked about an expired token.
            let payload = verified.into_payload();
            let members = identity::members_of(&payload)?;
            Registered::read(&members)?.times.check_expiry(issuer.rules().times, self.now)?;
            return Err(self.introspected(issuer, route, text, Some(signature), vouching));
        }
        Ok((issuer, Rc::new(Identity::from_token(verified, issuer, version)?)))
    }

    /// The issuer to ask about a credential that is not verified first: an opaque token, or a JWT
    /// of an issuer that has no keys and introspects all tokens.
    #[cold]
    #[inline(never)]
    fn asked_without_signature(
        &self,
        route: &Route,
        form: Form,
        text: &str,
    ) -> Result<Option<&'g Issuer>, Refusal> {
        let Some(issuer) = route.introspecting().and_then(|id| self.policy.issuer(id)) else {
            return Ok(None);
        };
        Ok(match form {
            Form::Opaque => Some(issuer),
            Form::Jwt if issuer.has_keys() || !issuer.introspects_jwts() => None,
            Form::Jwt => {
                let named = self.policy.issuer_named_by(&Unverified::parse(text)?)?;
                (named.id() == issuer.id()).then_some(issuer)
            }
        })
    }

    /// What follows for a token that has to be introspected: that it was rejected, or that its
    /// issuer's endpoint has to be asked. The identity of an active token is in the cache.
    #[cold]
    #[inline(never)]
    fn introspected(
        &mut self,
        issuer: &'g Issuer,
        route: &Route,
        text: &str,
        signature: Option<SignatureEvidence>,
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
            confirmation: Unverified::parse(text).ok().and_then(|jwt| jwt.confirmation_hint()),
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
