//! An HTTP response that the gate makes itself.

use crate::json::text::ObjectText;
use crate::refusal::{Code, Refusal};
use crate::request::Request;
use crate::time::Seconds;

/// An HTTP response of the gate's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnResponse {
    /// The status code.
    pub status: u16,
    /// The headers, each name once.
    pub headers: Vec<(&'static str, String)>,
    /// The body, UTF-8. A response to HEAD is sent without it.
    pub body: String,
}

/// Responds with a JSON document that everyone may read and cache, pages of every web origin too.
///
/// # Errors
///
/// `method_not_allowed` for a method other than `GET`, `HEAD` and `OPTIONS`.
pub(crate) fn public_document(
    request: &Request<'_>,
    document: &str,
    max_age: Seconds,
) -> Result<OwnResponse, Refusal> {
    let any = ("Access-Control-Allow-Origin", "*".to_owned());
    Ok(match request.method {
        "GET" | "HEAD" => OwnResponse {
            status: 200,
            headers: vec![
                ("Content-Type", "application/json".to_owned()),
                ("Cache-Control", format!("public, max-age={}", max_age.get())),
                any,
            ],
            body: document.to_owned(),
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
            return Err(Refusal::new(Code::MethodNotAllowed, "the document can only be read")
                .allowing_methods(methods));
        }
    })
}

/// Begins the body of a problem response (RFC 9457) with the members that every problem has.
pub(crate) fn problem(status: u16) -> ObjectText {
    let mut problem = ObjectText::new();
    problem.number("status", status.into());
    problem.text("title", Some(reason_phrase(status)));
    problem.text("type", Some("about:blank"));
    problem
}

/// The standard reason phrase of a status (RFC 9110 section 15).
#[must_use]
const fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        508 => "Loop Detected",
        _ => "Error",
    }
}
