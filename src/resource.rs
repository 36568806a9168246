//! The metadata that tells a client where to get a token (RFC 9728).

use crate::path::split_url;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::response::{OwnResponse, public_document};
use crate::time::Seconds;

/// The well-known path that goes before the identifier's own (RFC 9728 section 3.1).
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// How long others may cache a document.
const MAX_AGE: Seconds = Seconds::new(3600);

/// The protected resources behind the gate. Made by the policy's compiler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources(pub Vec<Resource>);

/// One protected resource. Made by the policy's compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The path of its identifier, without a slash at its end. The resource consists of this path
    /// and everything below it.
    pub identifier_path: String,
    /// Whether the document is also served at the well-known path itself.
    pub at_root: bool,
    /// The path of the document.
    pub path: String,
    /// Its absolute URL, to which challenges point (RFC 9728 section 5.1).
    pub url: String,
    /// The document, JSON (RFC 9728 section 2).
    pub document: String,
}

impl Resources {
    /// The resource that a path belongs to: that with the longest path, or else the only one.
    #[must_use]
    pub fn of_path(&self, path: &str) -> Option<&Resource> {
        let belongs = |resource: &&Resource| {
            let rest = path.strip_prefix(resource.identifier_path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = self.0.iter().filter(belongs).max_by_key(|one| one.identifier_path.len());
        found.or(match self.0.as_slice() {
            [only] => Some(only),
            _ => None,
        })
    }

    /// Responds to a request for the document of one of them, with or without a token. Returns
    /// `None` for any other path.
    ///
    /// # Errors
    ///
    /// `method_not_allowed` for a method other than `GET`, `HEAD` and `OPTIONS`.
    pub fn respond(&self, request: &Request<'_>) -> Result<Option<OwnResponse>, Refusal> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let without_slash = |path| str::strip_suffix(path, '/').unwrap_or(path);
        let path = without_slash(split_url(request.url).path);
        if !path.starts_with(WELL_KNOWN) {
            return Ok(None);
        }
        let asked = self.0.iter().find(|one| without_slash(&one.path) == path);
        let at_root = || self.0.iter().find(|one| one.at_root && path == WELL_KNOWN);
        let found = asked.or_else(at_root);
        found.map(|found| public_document(request, &found.document, MAX_AGE)).transpose()
    }
}
