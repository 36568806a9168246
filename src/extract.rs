//! Where a token may be in a request: exactly one, bounded.

use crate::budget;
use crate::refusal::{Code, Refusal};
use crate::request::Headers;
use std::borrow::Cow;

/// The one token that the request carries, if it carries any.
///
/// `Authorization: Bearer` (RFC 6750 section 2.1): the scheme in any case, one or more spaces, one
/// b64token. A header of another scheme is no token.
///
/// # Errors
///
/// `multiple_tokens` where a second `Authorization` line or credential brings another,
/// `malformed_authorization` for a Bearer credential of any other shape, `token_too_large` beyond
/// [`budget::TOKEN_BYTES`].
pub fn bearer_token(headers: &dyn Headers) -> Result<Option<Cow<'_, str>>, Refusal> {
    let Some(value) = headers.get("authorization") else { return Ok(None) };
    let (scheme, rest) = split_scheme(&value)?;
    let bearers = value.split(',').filter(|part| begins_with_bearer(part)).count();
    if bearers > 1 || (bearers > 0 && !scheme.eq_ignore_ascii_case("bearer")) {
        return Err(Refusal::new(Code::MultipleTokens, "more than one Authorization credential"));
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    let token = rest.trim_start_matches(' ');
    if token.len() == rest.len() {
        return Err(malformed("no space after the Bearer scheme"));
    }
    if token.len() > budget::TOKEN_BYTES {
        return Err(Refusal::new(Code::TokenTooLarge, "a token over 16 KiB"));
    }
    if !is_b64token(token) {
        return Err(malformed("the Bearer credential is not one b64token"));
    }
    let start = value.len().saturating_sub(token.len());
    Ok(Some(match value {
        Cow::Borrowed(value) => Cow::Borrowed(value.get(start..).unwrap_or_default()),
        Cow::Owned(mut value) => Cow::Owned(value.split_off(start)),
    }))
}

/// Cuts the authentication scheme, an RFC 9110 token, off the rest.
fn split_scheme(value: &str) -> Result<(&str, &str), Refusal> {
    let end = value.find(|c: char| !is_token_character(c)).unwrap_or(value.len());
    match value.split_at_checked(end) {
        Some((scheme, rest)) if !scheme.is_empty() => Ok((scheme, rest)),
        _ => Err(malformed("an Authorization header without a scheme")),
    }
}

fn begins_with_bearer(part: &str) -> bool {
    split_scheme(part.trim_matches([' ', '\t']))
        .is_ok_and(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
}

/// RFC 9110 section 5.6.2 `tchar`.
fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// RFC 6750 section 2.1 `b64token`.
fn is_b64token(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=');
    !unpadded.is_empty()
        && unpadded.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
        })
}

const fn malformed(because: &'static str) -> Refusal {
    Refusal::new(Code::MalformedAuthorization, because)
}
