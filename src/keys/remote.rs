//! Where an issuer publishes its keys, and how that is found out.

use super::KeyFault;
use crate::json;
use crate::time::Seconds;
use crate::url::Url;
use serde_json::Value;

/// Bytes of a fetched document, at most: sets of 64 keys stay well under it.
pub const DOCUMENT_BYTES: usize = 256 * 1024;

/// Keys that are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteKeys {
    /// Where from.
    pub location: Location,
    /// The service binding through which to fetch, for a Worker cannot fetch from the Workers of
    /// its own zone; else the network.
    pub service: Option<String>,
    /// How long a set serves past its freshness while nothing better is to be had.
    pub stale_if_error: Seconds,
}

/// Where an issuer's JWK Set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// At this URL.
    JwksUri(String),
    /// Where the metadata of this issuer says.
    Discovery(String),
}

impl Location {
    /// The URL that names it, which tells one location from another.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::JwksUri(url) | Self::Discovery(url) => url,
        }
    }
}

/// The URLs at which an issuer's metadata may be, in the order in which to ask: `OpenID` Connect
/// Discovery 1.0 section 4, which appends to the issuer's path, and RFC 8414 section 3.1, which
/// inserts before it.
///
/// # Errors
///
/// A sentence that says why an issuer of that name has no metadata: it is no URL, or has a query or
/// fragment.
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

/// What metadata says of where the keys are.
///
/// # Errors
///
/// [`KeyFault`] where the document is not one strict JSON object, where its `issuer` is not, byte
/// for byte, the one that was asked for (RFC 8414 section 3.3), or where `jwks_uri` is not an
/// `https` URL; `http` is let pass only from an issuer that is itself a loopback address.
pub fn jwks_uri_of(metadata: &[u8], issuer: &str) -> Result<String, KeyFault> {
    let metadata = json::parse_object(metadata)
        .map_err(|_| KeyFault::new("the metadata is not a JSON object without repeated names"))?;
    match metadata.get("issuer") {
        Some(Value::String(named)) if named == issuer => {}
        Some(Value::String(_)) => {
            return Err(KeyFault::new(
                "the metadata's \"issuer\" is not the policy's, byte for byte",
            ));
        }
        _ => return Err(KeyFault::new("the metadata has no \"issuer\"")),
    }
    let Some(Value::String(jwks_uri)) = metadata.get("jwks_uri") else {
        return Err(KeyFault::new("the metadata has no \"jwks_uri\""));
    };
    let url = Url::parse(jwks_uri)
        .map_err(|problem| KeyFault::new(format!("the metadata's \"jwks_uri\": {problem}")))?;
    if url.is_plain_http() && !Url::parse(issuer).is_ok_and(|issuer| issuer.is_plain_http()) {
        return Err(KeyFault::new("the metadata's \"jwks_uri\" is not https"));
    }
    Ok(jwks_uri.clone())
}
