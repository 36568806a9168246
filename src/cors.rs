//! Which pages of other web origins may read responses and send credentials (WHATWG Fetch section
//! 3.3).
//!
//! The gate responds to preflights itself, because they carry no credentials and no protected route
//! would admit them. It also lets an allowed page read the gate's own refusals. CORS headers on the
//! API's responses are up to the API, unless the policy has the gate add them.

use crate::headers;
use crate::request::{Headers, Request};
use crate::response::OwnResponse;
use crate::route::Methods;
use crate::time::Seconds;

/// The policy's settings for pages of other web origins. Made by the policy's compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// The allowed web origins (RFC 6454 section 6.2), as browsers write them, or only `*`. In
    /// `https://*.example.com`, the `*` stands for one label of the host.
    pub allow_origins: Vec<String>,
    /// The headers that a page may send. `None` allows those that the page asks for.
    pub allow_headers: Option<Vec<String>>,
    /// How long a browser may cache the response to a preflight.
    pub max_age: Option<Seconds>,
    /// Whether browsers may add cookies and other credentials. Never set together with `*`.
    pub credentials: bool,
    /// Whether the gate adds headers to the API's responses.
    pub responses: bool,
    /// The headers of the API's responses that a page may read, if the gate adds the headers.
    pub expose_headers: Vec<String>,
    /// Whether refusals may contain a nonce for DPoP proofs, which the page must be able to read.
    pub exposes_nonces: bool,
}

const ANY: &str = "*";

/// The headers that pages commonly send.
const USUAL_HEADERS: &str = "Authorization, Content-Type";

/// The methods of RFC 9110 and RFC 5789 that a page can send.
const USUAL_METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Whether a request is a preflight (WHATWG Fetch section 4.8). Any other `OPTIONS` request is
/// handled like every request.
#[must_use]
pub fn is_preflight(request: &Request<'_>) -> bool {
    let has = |name| request.headers.get(name).is_some();
    request.method == "OPTIONS" && has("origin") && has("access-control-request-method")
}

impl Cors {
    /// Responds to a preflight for a path whose routes accept these methods. The response to a page
    /// that is not allowed allows nothing.
    #[must_use]
    pub fn preflight(&self, request: &Request<'_>, methods: &[&Methods]) -> OwnResponse {
        let mut response = OwnResponse { status: 204, headers: Vec::new(), body: String::new() };
        if self.share(request.headers, &mut response) {
            let asked = request.headers.get("access-control-request-method");
            let methods = method_names(methods, asked.as_deref());
            response.headers.push(("Access-Control-Allow-Methods", methods));
            let asked = request.headers.get("access-control-request-headers");
            response
                .headers
                .push(("Access-Control-Allow-Headers", self.header_names(asked.as_deref())));
            if let Some(max_age) = self.max_age {
                response.headers.push(("Access-Control-Max-Age", max_age.get().to_string()));
            }
        }
        response
    }

    /// Lets an allowed page read a refusal and its challenge.
    pub fn expose(&self, headers: &dyn Headers, refusal: &mut OwnResponse) {
        if self.share(headers, refusal) {
            let nonce = if self.exposes_nonces { ", DPoP-Nonce" } else { "" };
            let exposed = format!("WWW-Authenticate, Retry-After{nonce}");
            refusal.headers.push(("Access-Control-Expose-Headers", exposed));
        }
    }

    /// Whether the policy allows pages of this web origin by name or by pattern.
    #[must_use]
    pub fn names(&self, origin: &str) -> bool {
        self.allow_origins.iter().any(|allowed| matches(allowed, origin))
    }

    /// The headers to add to a response of the API, for a request with this `Origin`. An API that
    /// names an allowed origin itself decides alone: then there are none to add.
    #[must_use]
    pub fn response_headers(
        &self,
        origin: Option<&str>,
        allowed_by_api: bool,
    ) -> Vec<(&'static str, String)> {
        if !self.responses || allowed_by_api {
            return Vec::new();
        }
        let (mut headers, is_allowed) = self.sharing(origin);
        if is_allowed && !self.expose_headers.is_empty() {
            headers.push(("Access-Control-Expose-Headers", self.expose_headers.join(", ")));
        }
        headers
    }

    /// Adds the headers that let the requesting page read a response. Returns whether the page is
    /// allowed.
    fn share(&self, headers: &dyn Headers, response: &mut OwnResponse) -> bool {
        let (added, is_allowed) = self.sharing(headers.get("origin").as_deref());
        response.headers.extend(added);
        is_allowed
    }

    /// The headers that let a page of this web origin read a response, and whether it is allowed.
    fn sharing(&self, origin: Option<&str>) -> (Vec<(&'static str, String)>, bool) {
        let any = self.allow_origins.iter().any(|one| one == ANY);
        let mut headers = Vec::new();
        if !any {
            headers.push(("Vary", "Origin".to_owned()));
        }
        let Some(origin) = origin.filter(|origin| any || self.names(origin)) else {
            return (headers, false);
        };
        let shown = if any { ANY } else { origin };
        headers.push(("Access-Control-Allow-Origin", shown.to_owned()));
        if self.credentials {
            headers.push(("Access-Control-Allow-Credentials", "true".to_owned()));
        }
        (headers, true)
    }

    fn header_names(&self, asked: Option<&str>) -> String {
        if let Some(names) = &self.allow_headers {
            return names.join(", ");
        }
        asked
            .filter(|asked| asked.len() <= 1024)
            .map(|asked| asked.split(',').map(str::trim).filter(|name| headers::is_name(name)))
            .map(|names| names.collect::<Vec<_>>().join(", "))
            .filter(|names| !names.is_empty())
            .unwrap_or_else(|| USUAL_HEADERS.to_owned())
    }
}

/// Whether an allowed origin, which may have `*` as its first label, is this one. The `*` stands
/// for one label without dots, so that no other site's name fits.
fn matches(allowed: &str, origin: &str) -> bool {
    let Some((scheme, rest)) = allowed.split_once('*').filter(|(scheme, _)| !scheme.is_empty())
    else {
        return allowed == origin;
    };
    let label = origin.strip_prefix(scheme).and_then(|host| host.strip_suffix(rest));
    label.is_some_and(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    })
}

fn method_names(methods: &[&Methods], asked: Option<&str>) -> String {
    let mut names: Vec<String> = Vec::new();
    for methods in methods {
        match methods {
            Methods::These(_) => names.extend(methods.names()),
            Methods::All => {
                let token = |name: &&str| {
                    let short = (1..=32).contains(&name.len());
                    short && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
                };
                let asked = asked.filter(token);
                names.extend(USUAL_METHODS.into_iter().chain(asked).map(str::to_owned));
            }
        }
    }
    let mut distinct: Vec<&str> = Vec::new();
    for name in &names {
        if !distinct.contains(&name.as_str()) {
            distinct.push(name);
        }
    }
    distinct.join(", ")
}
