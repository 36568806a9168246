//! The server to which requests go: its URL, and what of it appears in the origin's responses.

use crate::path::{CanonicalPath, split_url};
use crate::url::Url;
use std::fmt;

/// A server: scheme, host, port, and the path below which the API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Scheme, host and port, in lower case.
    base: String,
    /// Empty, or a path that begins with a slash and does not end with one.
    path: String,
}

impl Server {
    /// Parses the URL of a server. A slash at its end is dropped.
    ///
    /// # Errors
    ///
    /// What is wrong with the URL: see [`Url::parse`]; or it has a query or fragment, or a path
    /// that servers could read in different ways.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text)?;
        if url.rest.contains(['?', '#']) {
            return Err("it has a query or fragment, but the query comes from the request");
        }
        let path = url.rest.strip_suffix('/').unwrap_or(url.rest);
        if path.ends_with('/') || CanonicalPath::parse(path).is_err() {
            return Err("its path has an empty or dot segment, or a character that servers read \
                        in different ways");
        }
        Ok(Self { base: url.base, path: path.to_owned() })
    }

    /// The path below which the API is: empty, or with a slash at its beginning only.
    #[must_use]
    pub const fn base_path(&self) -> &str {
        self.path.as_str()
    }

    /// The URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        self.to_string()
    }

    /// Rewrites a URL in a response's `Location` or `Content-Location` (RFC 9110 sections 10.2.2
    /// and 8.7) so that clients reach the same resource through the gate. APIs that do not know
    /// their public address write their own, often with the scheme `http` behind a server that ends
    /// TLS.
    ///
    /// `request` is the URL of the client's request. Returns `None` for a URL of another server or
    /// outside of the base path, and for a path that is relative to the request's: they stay as
    /// they are.
    #[must_use]
    pub fn public_url(&self, location: &str, request: &str) -> Option<String> {
        let public = split_url(request);
        let absolute = location.split_once("://");
        let (scheme, rest) = match absolute {
            Some((scheme, rest))
                if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") =>
            {
                (scheme, rest)
            }
            Some(_) | None => match location.strip_prefix("//") {
                Some(rest) => (public.scheme, rest),
                // A path has to change only if the client's paths lack the base path.
                None if location.starts_with('/') && !self.path.is_empty() => {
                    return self.without_base_path(location);
                }
                None => return None,
            },
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end)?;
        let (own_scheme, own) = self.base.split_once("://")?;
        let is_own = without_default_port(scheme, authority)
            .eq_ignore_ascii_case(without_default_port(own_scheme, own));
        let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        let path = is_own.then(|| self.without_base_path(&rest)).flatten()?;
        Some(format!("{}://{}{path}", public.scheme, public.authority))
    }

    fn without_base_path(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(self.path.as_str())?;
        match rest.chars().next() {
            Some('/') => Some(rest.to_owned()),
            None | Some('?' | '#') => Some(format!("/{rest}")),
            Some(_) => None,
        }
    }
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

/// Writes the URL, without a slash at its end.
impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.base, self.path)
    }
}
