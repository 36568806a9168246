//! Where an issuer publishes its keys, and how the location is discovered.

use super::KeyFault;
use crate::json;
use crate::time::Seconds;
use crate::url::Url;
use serde_json::Value;

/// The largest fetched document, in bytes. Sets of 64 keys are much smaller.
pub const DOCUMENT_BYTES: usize = 256 * 1024;

/// The settings for keys that are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteKeys {
    /// The location.
    pub location: Location,
    /// The service binding to fetch through. `None` fetches over the network, which cannot reach
    /// other Workers of the same zone.
    pub service: Option<String>,
    /// How long a stale set may be used if nothing newer can be fetched.
    pub stale_if_error: Seconds,
}

/// The location of an issuer's JWK Set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// This URL.
    JwksUri(String),
    /// The URL in this issuer's metadata.
    Discovery(String),
}

impl Location {
    /// The URL that identifies the location.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::JwksUri(url) | Self::Discovery(url) => url,
        }
    }
}

/// Whether a status says that a server has no document at a URL, so that the next of
/// [`metadata_urls`] is tried. Some servers answer 401 or 403 for paths that do not exist.
#[must_use]
pub const fn is_absent(status: u16) -> bool {
    matches!(status, 401 | 403 | 404 | 410)
}

/// Returns the URLs at which an issuer's metadata may be, in the order in which to try them: that
/// of `OpenID` Connect Discovery 1.0 section 4, which appends to the issuer's path, and that of RFC
/// 8414 section 3.1, which inserts before the path.
///
/// # Errors
///
/// A sentence that says why an issuer of that name cannot have metadata: it is not a URL, or it has
/// a query or a fragment.
pub fn metadata_urls(issuer: &str) -> Result<[String; 2], &'static str> {
    let url = Url::parse(issuer)?;
    if url.rest.contains(['?', '#']) {
        return Err("an issuer with a query or fragment has no metadata");
    }
    let path = url.rest.strip_suffix('/').unwrap_or(url.rest);
    Ok([
        format!("{}{path}/.well-known/openid-configuration", url.base),
        format!("{}/.well-known/oauth-authorization-server{path}", url.base),
    ])
}

/// The member of an issuer's metadata with the URL of its keys.
pub const JWKS_URI: &str = "jwks_uri";

/// The member of an issuer's metadata with the URL of its introspection endpoint.
pub const INTROSPECTION_ENDPOINT: &str = "introspection_endpoint";

/// Returns the URL that a member of an issuer's metadata has (RFC 8414 section 2).
///
/// # Errors
///
/// [`KeyFault`] if the document is not a strict JSON object, if its `issuer` differs in any byte
/// from the requested one (RFC 8414 section 3.3), or if the member is not an `https` URL. `http` is
/// accepted only if the issuer itself is at a loopback address.
pub fn url_in_metadata(metadata: &[u8], issuer: &str, member: &str) -> Result<String, KeyFault> {
    let metadata = json::parse_object(metadata)
        .map_err(|reason| KeyFault::new(format!("the metadata {reason}")))?;
    match metadata.get("issuer") {
        Some(Value::String(named)) if named == issuer => {}
        Some(Value::String(_)) => {
            return Err(KeyFault::new(
                "the metadata's \"issuer\" is not exactly the policy's issuer",
            ));
        }
        _ => return Err(KeyFault::new("the metadata has no \"issuer\"")),
    }
    let Some(Value::String(found)) = metadata.get(member) else {
        return Err(KeyFault::new(format!("the metadata has no \"{member}\"")));
    };
    let url = Url::parse(found)
        .map_err(|problem| KeyFault::new(format!("the metadata's \"{member}\": {problem}")))?;
    if url.is_plain_http() && !Url::parse(issuer).is_ok_and(|issuer| issuer.is_plain_http()) {
        return Err(KeyFault::new(format!("the metadata's \"{member}\" is not https")));
    }
    Ok(found.clone())
}
