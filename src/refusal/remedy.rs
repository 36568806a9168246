//! What to do about each reason code, for the operator and for the holder of the token. Responses
//! to clients never contain these texts, and the Worker does not call this module.

use super::Code;
use crate::alg::Algorithm;
use crate::issuer::Issuer;
use crate::json::text::to_text;
use crate::json::{self, Object};
use crate::policy::Policy;
use crate::route::Route;
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
        Code::MissingToken => "send it as Authorization: Bearer".to_owned(),
        Code::MultipleTokens => "send one token, in one place".to_owned(),
        Code::MalformedAuthorization => {
            "this is not a token: a token has three segments of letters, digits, - and _, with a \
             dot between each two"
                .to_owned()
        }
        Code::TokenTooLarge => {
            "have the provider put less into it; groups are what grows the most".to_owned()
        }
        Code::AmbiguousPath => {
            "write the path without empty segments, dots, or encoded slashes".to_owned()
        }
        Code::MalformedToken => {
            "ask the provider for a signed access token (JWS): an opaque or encrypted one cannot \
             be verified; and see that it was copied whole"
                .to_owned()
        }
        Code::UnsupportedCritical => {
            "have the provider leave crit and b64 out of the header".to_owned()
        }
        Code::AlgorithmNotAllowed => format!(
            "the token's alg is {}, and the policy lists {}: list it, if the provider means it",
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
            "the token's kid is {}, which none of the issuer's keys has: is it a \
             token of this provider, and of this environment?",
            token.header("kid")
        ),
        Code::BadSignature => {
            "the keys of the policy did not make this signature: is it a token of this provider, \
             and copied whole? An access token whose header has a nonce is for Microsoft's own use"
                .to_owned()
        }
        Code::UnknownIssuer => {
            let names: Vec<String> =
                policy.issuers().iter().map(|one| accepted(&one.rules().issuer)).collect();
            format!(
                "the token's iss is {}, and the policy knows {}; every character counts, also a \
                 slash at the end. The route may admit some of them only",
                token.claim("iss"),
                names.join(", ")
            )
        }
        Code::WrongAudience => format!(
            "the token's aud is {}, and the policy's audience {}: ask the provider for a token for \
             this API, or correct audience",
            token.claim("aud"),
            rules.map_or_else(|| "another".to_owned(), |rules| accepted(&rules.audience))
        ),
        Code::WrongType => format!(
            "the token's typ is {}: send the access token, not the ID token or the logout token; \
             or list it in types",
            token.header("typ")
        ),
        Code::MissingClaim => {
            "have the provider put it in; or, if you can do without, take it out of require, or \
             what else in the policy asks for it"
                .to_owned()
        }
        Code::InvalidClaim => {
            "have the provider correct it, or correct what the policy expects".to_owned()
        }
        Code::NotYetValid => format!(
            "its nbf or iat is {} s in the future: set the clocks, or raise leeway (up to 300)",
            ahead("nbf").max(ahead("iat"))
        ),
        Code::TooOld => {
            format!("it was issued {} s ago: get a new one, or raise max_age", ago("iat"))
        }
        Code::Expired => format!("it expired {} s ago: get a new one", ago("exp")),
        Code::InsufficientScope => {
            let needs = route.map(Route::requirements);
            let scopes: Vec<&str> = needs
                .into_iter()
                .flat_map(|needs| needs.scopes.iter().chain(&needs.any_scope))
                .map(String::as_str)
                .collect();
            format!("ask the provider for a token with the scope {}", scopes.join(", "))
        }
        Code::ClaimNotAllowed => {
            "whom the token is about lacks a role or claim that the route wants: see `check` for \
             the route's rules"
                .to_owned()
        }
        Code::InsufficientUserAuthentication => {
            "have the user sign in again, in the way and as recently as the route's acr and \
             max_auth_age want"
                .to_owned()
        }
        Code::CrossSite => {
            "send it from the site itself, with Sec-Fetch-Site or Origin, as browsers do; or list \
             the other site under cors"
                .to_owned()
        }
        Code::NoRoute => "write a route for the path, or correct the path".to_owned(),
        Code::MethodNotAllowed => {
            "add the method to the route's methods, or use another".to_owned()
        }
        Code::LoopDetected => "let origin name the API and not the gate".to_owned(),
        Code::KeysUnavailable => {
            "see that the issuer's keys can be fetched: `cargo xtask doctor` says why not"
                .to_owned()
        }
        Code::RateLimited => {
            "wait: too many tokens from one address have been refused; correct those, or raise the \
             limit in wrangler.toml"
                .to_owned()
        }
        Code::Revoked => "get a new one, if whom it is about may have one".to_owned(),
        Code::RevocationUnavailable => {
            "see that the KV namespace of the policy's revocation is there, and answers".to_owned()
        }
        Code::InvalidLogoutToken => {
            "have the provider send a logout token as OpenID Connect Back-Channel Logout has it"
                .to_owned()
        }
        Code::Misconfigured => "correct the policy: see `check`".to_owned(),
        Code::OriginUnreachable | Code::OriginTimeout => {
            "see that the API runs, and can be reached from the platform".to_owned()
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
