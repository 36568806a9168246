//! The identity of an admitted request, for a Worker that is the API itself.

use super::{bridge, clock};
#[cfg(feature = "entry")]
use crate::json::text::{ObjectText, array, quoted};
use crate::outgoing::Outgoing;
use crate::policy::Policy;
use serde_json::{Map, Value};
use std::fmt;
use std::rc::Rc;
#[cfg(feature = "entry")]
use wasm_bindgen::JsValue;

/// The identity of a request that the policy admits, and what the gate would tell an upstream about
/// it.
///
/// Only [`super::authenticate`] makes one, from the proof that the request passed every check.
pub struct Identity {
    established: Option<Rc<crate::identity::Identity>>,
    scopes: Vec<String>,
    issuer: Option<String>,
    route: String,
    headers: Vec<(String, String)>,
    nonce: Option<String>,
}

impl Identity {
    /// Takes the identity from a request that was admitted.
    pub(super) fn of(
        outgoing: &Outgoing<'_>,
        policy: &Policy,
        method: &str,
        nonce: Option<&str>,
    ) -> Self {
        let admitted = outgoing.admitted();
        let claims = admitted.claims();
        let issuer = claims.and_then(|claims| policy.issuer(claims.issuer()));
        let scopes = claims.and_then(|claims| claims.scopes().ok()).unwrap_or_default();
        let mut headers = outgoing.set.clone();
        let proof = outgoing.proof(&outgoing.url, method, clock::now);
        headers.extend(proof.map(|(name, proof)| (name.to_owned(), proof)));
        let signed = outgoing.signed_identity(clock::now, bridge::random);
        headers.extend(signed.map(|(name, value)| (name.to_owned(), (*value).to_owned())));
        Self {
            established: claims.map(|claims| Rc::clone(claims.identity())),
            scopes: scopes.into_iter().map(str::to_owned).collect(),
            issuer: issuer.map(|issuer| issuer.name().to_owned()),
            route: admitted.route().pattern().as_str().to_owned(),
            headers,
            nonce: nonce.map(str::to_owned),
        }
    }

    /// The verified claims. `None` if the request is anonymous: on a public route, without a token
    /// where the route allows that, and if report mode has set a refusal aside.
    #[must_use]
    pub fn claims(&self) -> Option<&Map<String, Value>> {
        self.established.as_ref().map(|identity| identity.members())
    }

    /// The token's scopes (RFC 6749 section 3.3). Empty for an anonymous request, and for a claim
    /// that is not a list of scopes.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The policy's name for the issuer of the token. `None` if the request is anonymous.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The pattern of the route, as the policy writes it.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// The headers, each once, that the gate would set in the request to an upstream. They may
    /// contain secrets, if the policy has `forward.headers`.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The value of the header `DPoP-Nonce` to send with the response, if the client's nonce is
    /// about to expire (RFC 9449 section 8.2).
    #[must_use]
    pub fn dpop_nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// Returns the identity as the object that JavaScript gets.
    #[cfg(feature = "entry")]
    pub(super) fn into_js(self) -> Result<JsValue, JsValue> {
        let claims = self.claims().and_then(|claims| serde_json::to_string(claims).ok());
        let scopes: Vec<_> = self.scopes.iter().map(|scope| quoted(scope)).collect();
        let headers = self.headers.iter();
        let headers: Vec<_> =
            headers.map(|(name, value)| array(&[quoted(name), quoted(value)])).collect();
        let mut text = ObjectText::new();
        text.json("claims", claims.as_deref().unwrap_or("null"));
        text.array("scopes", &scopes);
        text.text("issuer", self.issuer.as_deref());
        text.text("route", Some(&self.route));
        text.array("headers", &headers);
        text.text("dpopNonce", self.nonce.as_deref());
        bridge::identity(&text.finish())
    }
}

/// Prints no claim and no header value, because these are personal data and secrets.
impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("issuer", &self.issuer)
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}
