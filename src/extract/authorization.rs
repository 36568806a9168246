//! `Authorization: Bearer` (RFC 6750 section 2.1): the scheme in any case, one or more spaces, one
//! b64token. A header with another scheme counts as no token.

use super::{check, malformed, several};
use crate::headers::is_token_byte;
use crate::refusal::Refusal;
use std::borrow::Cow;

pub(super) fn find(value: Option<Cow<'_, str>>) -> Result<Option<Cow<'_, str>>, Refusal> {
    let Some(value) = value else { return Ok(None) };
    let (scheme, rest) = split_scheme(&value)?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    if value.contains(',') {
        let bearers = value.split(',').filter(|part| begins_with_bearer(part)).count();
        if bearers > 1 || (bearers > 0 && !is_bearer) {
            return Err(several("the Authorization header has more than one credential"));
        }
    }
    if !is_bearer {
        return Ok(None);
    }
    let token = rest.trim_start_matches(' ');
    if token.len() == rest.len() {
        return Err(malformed("there is no space after the Bearer scheme"));
    }
    if token.contains(',') {
        return Err(malformed("there is more than a token after the Bearer scheme"));
    }
    check(token)?;
    let start = value.len().saturating_sub(token.len());
    Ok(Some(match value {
        Cow::Borrowed(value) => Cow::Borrowed(value.get(start..).unwrap_or_default()),
        Cow::Owned(mut value) => Cow::Owned(value.split_off(start)),
    }))
}

/// Splits the authentication scheme, an RFC 9110 token, from the rest.
fn split_scheme(value: &str) -> Result<(&str, &str), Refusal> {
    let end = value.bytes().position(|byte| !is_token_byte(byte)).unwrap_or(value.len());
    match value.split_at_checked(end) {
        Some((scheme, rest)) if !scheme.is_empty() => Ok((scheme, rest)),
        _ => Err(malformed("the Authorization header has no scheme")),
    }
}

fn begins_with_bearer(part: &str) -> bool {
    split_scheme(part.trim_matches([' ', '\t']))
        .is_ok_and(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
}
