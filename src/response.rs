//! An HTTP response that the gate makes itself.

use crate::json::text::ObjectText;

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
