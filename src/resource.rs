//! The metadata that tells a client where to get a token (RFC 9728).

use crate::path::split_url;
use crate::refusal::{Code, Refusal};
use crate::request::Request;
use crate::response::OwnResponse;

/// The well-known path that goes before the identifier's own (RFC 9728 section 3.1).
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The protected resource behind the gate. Made by the policy's compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The path of the document.
    pub path: String,
    /// Its absolute URL, to which challenges point (RFC 9728 section 5.1).
    pub url: String,
    /// The document, JSON (RFC 9728 section 2).
    pub document: String,
}

impl Resource {
    /// Responds to a request for the document, with or without a token. Returns `None` for any
    /// other path.
    ///
    /// # Errors
    ///
    /// `method_not_allowed` for a method other than `GET`, `HEAD` and `OPTIONS`.
    pub fn respond(&self, request: &Request<'_>) -> Result<Option<OwnResponse>, Refusal> {
        let without_slash = |path| str::strip_suffix(path, '/').unwrap_or(path);
        if without_slash(split_url(request.url).path) != without_slash(&self.path) {
            return Ok(None);
        }
        let any = ("Access-Control-Allow-Origin", "*".to_owned());
        Ok(Some(match request.method {
            "GET" | "HEAD" => OwnResponse {
                status: 200,
                headers: vec![
                    ("Content-Type", "application/json".to_owned()),
                    ("Cache-Control", "public, max-age=3600".to_owned()),
                    any,
                ],
                body: self.document.clone(),
            },
            "OPTIONS" => OwnResponse {
                status: 204,
                headers: vec![
                    any,
                    ("Access-Control-Allow-Methods", "GET, HEAD".to_owned()),
                    ("Access-Control-Allow-Headers", "*".to_owned()),
                ],
                body: String::new(),
            },
            _ => {
                let methods = ["GET", "HEAD", "OPTIONS"].map(str::to_owned).to_vec();
                return Err(Refusal::new(Code::MethodNotAllowed, "metadata can only be read")
                    .allowing_methods(methods));
            }
        }))
    }
}
