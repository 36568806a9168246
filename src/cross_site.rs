//! Protection against cross-site request forgery.
//!
//! A browser adds cookies to every request, also to those that another site makes it send. So if
//! the token came in a cookie, a request that may change something, and every WebSocket, must show
//! that it comes from the gate's own web origin or from one that the policy allows.

use crate::cors::Cors;
use crate::extract::TokenSource;
use crate::path::split_url;
use crate::refusal::{Code, Refusal};
use crate::request::Request;

/// Refuses a request that another site may have made the browser send.
///
/// `cors` may name web origins beside the request's own.
///
/// # Errors
///
/// `cross_site` if the token came in a cookie, the method is not safe (RFC 9110 section 9.2.1) or
/// the request is a WebSocket upgrade, and neither `Sec-Fetch-Site` is `same-origin` nor `Origin`
/// is the request's own or allowed. This includes requests without both headers.
pub fn check(
    source: &TokenSource,
    request: &Request<'_>,
    cors: Option<&Cors>,
) -> Result<(), Refusal> {
    let safe = matches!(request.method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
    if !source.is_ambient() || (safe && !is_web_socket(request)) {
        return Ok(());
    }
    if request.headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin") {
        return Ok(());
    }
    let origin = request.headers.get("origin");
    let same = |origin: &str| own_web_origin(request).eq_ignore_ascii_case(origin);
    let allowed = |origin: &str| cors.is_some_and(|cors| cors.names(origin));
    match origin {
        Some(origin) if same(&origin) || allowed(&origin) => Ok(()),
        Some(_) => Err(Refusal::new(
            Code::CrossSite,
            "the request's Origin is not one that may send such requests",
        )),
        None => Err(Refusal::new(
            Code::CrossSite,
            "the request does not show that it comes from an allowed origin",
        )),
    }
}

fn is_web_socket(request: &Request<'_>) -> bool {
    let upgrade = request.headers.get("upgrade");
    upgrade.is_some_and(|upgrade| upgrade.to_ascii_lowercase().contains("websocket"))
}

/// The request's own web origin as browsers write it: without the scheme's default port.
fn own_web_origin(request: &Request<'_>) -> String {
    let parts = split_url(request.url);
    let implied = match parts.scheme {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let authority = parts.authority;
    let authority = authority.strip_suffix(implied).unwrap_or(authority);
    format!("{}://{authority}", parts.scheme)
}
