//! What to do about each reason code, for the operator and for the holder of the token. Responses
//! to clients never contain these texts, and the Worker does not call this module.

use super::Code;
use crate::alg::Algorithm;
use crate::issuer::Issuer;
use crate::json::text::to_text;
use crate::json::{self, Object};
use crate::policy::Policy;
use crate::route::{Requirements, Route};
use crate::rules::Expected;
use crate::time::UnixSeconds;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;

/// A refused token, with everything that it was judged by.
pub struct Case<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The issuer whose rules applied, if one was selected.
    pub issuer: Option<&'a Issuer>,
    /// The route, if there is one.
    pub route: Option<&'a Route>,
    /// The token's header and claims, not verified.
    pub token: &'a Readable,
    /// The time of the judgment.
    pub now: UnixSeconds,
}

impl Case<'_> {
    /// Returns what to do so that the token passes, or what to check.
    #[must_use]
    pub fn remedy(&self, code: Code) -> String {
        let Self { policy, issuer, route, token, now } = *self;
        let rules = issuer.map(Issuer::rules);
        let ago = |name| token.time(name).map_or(0, |time| now.since(time).get());
        let ahead = |name| token.time(name).map_or(0, |time| time.since(now).get());
        match code {
            Code::MissingToken => "send the token as `Authorization: Bearer TOKEN`".to_owned(),
            Code::MultipleTokens => "send one token, in one place".to_owned(),
            Code::MalformedAuthorization => {
                "send a token: three segments of letters, digits, - and _, separated by dots"
                    .to_owned()
            }
            Code::TokenTooLarge => {
                "have the provider put fewer claims into the token; groups are often the largest"
                    .to_owned()
            }
            Code::AmbiguousPath => {
                "write the path without empty segments, dot segments and encoded slashes".to_owned()
            }
            Code::MalformedToken => {
                "ask the provider for a signed access token (JWS), because the gate cannot verify \
                 an opaque or encrypted token, or let the gate introspect such tokens; and check \
                 that the whole token was copied"
                    .to_owned()
            }
            Code::UnsupportedCritical => {
                "have the provider leave crit and b64 out of the header".to_owned()
            }
            Code::AlgorithmNotAllowed => format!(
                "the token's alg is {}, and the policy lists {}: if the provider is meant to use \
                 it, list it",
                token.header("alg"),
                issuer.map_or_else(
                    || "others".to_owned(),
                    |issuer| {
                        let names: Vec<&str> =
                            issuer.algorithms().iter().map(|algorithm| algorithm.name()).collect();
                        names.join(", ")
                    }
                )
            ),
            Code::UnknownKey => format!(
                "the token's kid is {}, and none of the issuer's keys has it: check that the token \
                 is from this provider and this environment",
                token.header("kid")
            ),
            Code::BadSignature => {
                "check that the token is from this provider, and that the whole token was copied. \
                 Microsoft's access tokens with a nonce in the header are for its own APIs only"
                    .to_owned()
            }
            Code::UnknownIssuer => {
                let names: Vec<String> =
                    policy.issuers().iter().map(|one| accepted(&one.rules().issuer)).collect();
                format!(
                    "the token's iss is {}, and the policy has {}. Every character counts, also a \
                     slash at the end. A route can accept only some of the issuers",
                    token.claim("iss"),
                    names.join(", ")
                )
            }
            Code::WrongAudience => format!(
                "the token's aud is {}, and the policy's audience is {}: ask the provider for a \
                 token for this API, or correct audience",
                token.claim("aud"),
                rules.map_or_else(|| "another".to_owned(), |rules| accepted(&rules.audience))
            ),
            Code::WrongType => format!(
                "the token's typ is {}: send the access token, not the ID token or the logout \
                 token; or list the type in types",
                token.header("typ")
            ),
            Code::MissingClaim => {
                "have the provider add the claim; or, if the API does not need it, remove it from \
                 the policy's require"
                    .to_owned()
            }
            Code::InvalidClaim => {
                "have the provider correct the claim, or correct what the policy expects".to_owned()
            }
            Code::NotYetValid => format!(
                "nbf or iat is {} s in the future: correct the clocks, or raise leeway (at most \
                 300)",
                ahead("nbf").max(ahead("iat"))
            ),
            Code::TooOld => {
                format!("it was issued {} s ago: get a new token, or raise max_age", ago("iat"))
            }
            Code::Expired => format!("it expired {} s ago: get a new token", ago("exp")),
            Code::InsufficientScope => {
                let needs = route.map(Route::requirements).into_iter();
                let scopes: Vec<_> = needs.flat_map(Requirements::named_scopes).collect();
                format!("ask the provider for a token with the scope {}", scopes.join(", "))
            }
            Code::ClaimNotAllowed => {
                "give the user the role or claim that the route requires; `check` prints the \
                 route's rules"
                    .to_owned()
            }
            Code::InsufficientUserAuthentication => {
                "have the user sign in again, as the route's acr and max_auth_age require"
                    .to_owned()
            }
            Code::CrossSite => {
                "send the request from the site itself, with Sec-Fetch-Site or Origin, as browsers \
                 do; or list the other site under cors"
                    .to_owned()
            }
            Code::NoRoute => "write a route for the path, or correct the path".to_owned(),
            Code::MethodNotAllowed => {
                "add the method to the route's methods, or use another method".to_owned()
            }
            Code::ClaimTooLarge => {
                "forward fewer claims: name single claims in forward.claims instead of payload, or \
                 have the provider put fewer groups into the token"
                    .to_owned()
            }
            Code::LoopDetected => "let origin name the API, not the gate".to_owned(),
            Code::KeysUnavailable => {
                "run `doctor`, which reports why the issuer's keys cannot be fetched".to_owned()
            }
            Code::InactiveToken => {
                "get a new token: the provider says that this one has expired, was revoked, or is \
                 not its own. Some providers say so of every token that was not issued for the \
                 client that asks"
                    .to_owned()
            }
            Code::IntrospectionUnavailable => {
                "run `doctor`, which reports why the token cannot be introspected".to_owned()
            }
            Code::RateLimited => {
                "wait, and correct the tokens that were rejected; or raise the limit in \
                 wrangler.toml"
                    .to_owned()
            }
            Code::MissingProof => {
                "send the token as `Authorization: DPoP TOKEN`, with a proof for this request in \
                 the header DPoP"
                    .to_owned()
            }
            Code::InvalidProof => {
                "make a new proof for every request: its htm and htu are the method and the URL \
                 that the client uses, its ath is the hash of the token, its iat is the current \
                 time, and its key is the one of the token's cnf.jkt"
                    .to_owned()
            }
            Code::ProofReplayed => {
                "make a new proof, with another jti, for every request".to_owned()
            }
            Code::NonceRequired => {
                "repeat the request with a new proof that has the nonce of the response's header \
                 DPoP-Nonce"
                    .to_owned()
            }
            Code::ReplayUnavailable => {
                "check that the Durable Object of dpop.replay is deployed; `check` prints its \
                 configuration"
                    .to_owned()
            }
            Code::MissingCertificate => {
                "connect with the client certificate that the token was issued for; and check \
                 that mTLS is enabled for the host at Cloudflare"
                    .to_owned()
            }
            Code::WrongCertificate => {
                "use the client certificate that the token was issued for; or, if it is \
                 self-signed, set mtls.trust to \"any\""
                    .to_owned()
            }
            Code::Revoked => "get a new token, if the user may still have one".to_owned(),
            Code::RevocationUnavailable => {
                "check that the KV namespace of the policy's revocation exists".to_owned()
            }
            Code::InvalidLogoutToken => {
                "have the provider send a logout token as OpenID Connect Back-Channel Logout \
                 defines it"
                    .to_owned()
            }
            Code::Misconfigured => "correct the policy; `check` reports its faults".to_owned(),
            Code::OriginUnreachable | Code::OriginTimeout => {
                "check that the API runs, and that Cloudflare can reach it".to_owned()
            }
        }
    }
}

fn accepted(expected: &Expected) -> String {
    match expected {
        Expected::OneOf(values) => {
            let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            quoted.join(" or ")
        }
        Expected::Any => "any".to_owned(),
    }
}

/// The parts of a token that remedies quote: its header, and the claims `iss`, `aud`, `exp`, `nbf`
/// and `iat`. Remedies never quote its subject or any other claim. Nothing here is verified.
#[derive(Default)]
pub struct Readable {
    header: Object,
    payload: Object,
}

impl Readable {
    /// Decodes what can be decoded. A part that is not a strict JSON object counts as empty.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let mut segments = token.split('.').map(|segment| {
            let bytes = Base64UrlUnpadded::decode_vec(segment).unwrap_or_default();
            json::parse_object(&bytes).unwrap_or_default()
        });
        Self {
            header: segments.next().unwrap_or_default(),
            payload: segments.next().unwrap_or_default(),
        }
    }

    /// Whether the token says that it is bound to a key for DPoP proofs (RFC 9449 section 6.1).
    #[must_use]
    pub fn is_bound_to_key(&self) -> bool {
        self.payload.get("cnf").and_then(|cnf| cnf.get("jkt")).is_some()
    }

    /// The algorithm that the header names, if this build has it.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::from_name(self.header.get("alg")?.as_str()?)
    }

    /// A member of the header as JSON, or `(none)` if it is absent.
    fn header(&self, name: &str) -> String {
        shown(self.header.get(name))
    }

    /// The claim `iss`, `aud`, `exp`, `nbf` or `iat` as JSON, or `(none)` if it is absent.
    fn claim(&self, name: &str) -> String {
        shown(self.payload.get(name))
    }

    /// The claim `exp`, `nbf` or `iat`.
    fn time(&self, name: &str) -> Option<UnixSeconds> {
        UnixSeconds::from_numeric_date(self.payload.get(name)?).ok()
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".to_owned(), to_text)
}
