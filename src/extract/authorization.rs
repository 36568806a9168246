//! `Authorization: Bearer` (RFC 6750 section 2.1), or another scheme of the policy: the scheme in
//! any case, one or more spaces, one b64token. A header with another scheme counts as no token.

use super::{check, malformed, several};
use crate::headers::is_token_byte;
use crate::refusal::Refusal;
use std::borrow::Cow;

/// Returns the token after the scheme of that name.
pub(super) fn find<'v>(
    value: Option<Cow<'v, str>>,
    wanted: &str,
) -> Result<Option<Cow<'v, str>>, Refusal> {
    let Some(value) = value else { return Ok(None) };
    let (scheme, rest) = split_scheme(&value)?;
    let is_wanted = scheme.eq_ignore_ascii_case(wanted);
    if value.contains(',') {
        let count = value.split(',').filter(|part| begins_with(part, wanted)).count();
        if count > 1 || (count > 0 && !is_wanted) {
            return Err(several("the Authorization header has more than one credential"));
        }
    }
    if !is_wanted {
        return Ok(None);
    }
    let token = rest.trim_start_matches(' ');
    if token.len() == rest.len() {
        return Err(malformed("there is no space after the scheme"));
    }
    if token.contains(',') {
        return Err(malformed("there is more than a token after the scheme"));
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

fn begins_with(part: &str, wanted: &str) -> bool {
    split_scheme(part.trim_matches([' ', '\t']))
        .is_ok_and(|(scheme, _)| scheme.eq_ignore_ascii_case(wanted))
}
