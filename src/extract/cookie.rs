//! A token in a cookie (RFC 6265 section 4.2).
//!
//! Only `;` separates pairs. A comma is part of a value, which a page of a sibling domain may
//! choose. The runtime joins a second `Cookie` field to the first with a comma. Its first pair is
//! then part of the last value of the first field, for the gate as for every server that follows
//! RFC 6265.

use super::{malformed, several};
use crate::refusal::Refusal;

/// Returns the value of the one cookie of that name.
pub(super) fn find<'c>(cookies: &'c str, name: &str) -> Result<Option<&'c str>, Refusal> {
    let mut values = pairs(cookies).filter(|pair| is_named(pair, name));
    let Some(pair) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(several("the request has the token's cookie twice"));
    }
    Ok(Some(pair.split_once('=').map_or("", |(_, value)| value)))
}

/// Returns the token in the one cookie of that name, whose value is `Bearer` and the token. A space
/// cannot stand in a cookie (RFC 6265 section 4.1.1), so frameworks put the value in double quotes
/// or encode the space.
pub(super) fn find_after_bearer(cookies: &str, name: &str) -> Result<Option<String>, Refusal> {
    let Some(value) = find(cookies, name)? else { return Ok(None) };
    let value = value.trim_matches([' ', '\t']);
    let inner = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
    let value = inner.unwrap_or(value);
    let (scheme, rest) = value.split_at_checked("Bearer".len()).unwrap_or((value, ""));
    let token = ["%20", "+", " "].iter().find_map(|space| rest.strip_prefix(space));
    match token.filter(|_| scheme.eq_ignore_ascii_case("Bearer")) {
        Some(token) => Ok(Some(token.to_owned())),
        None => Err(malformed("the cookie's value is not Bearer and a token")),
    }
}

/// Returns the header's value without the cookies of that name, or `None` if there are no others.
/// The remaining cookies keep their bytes.
///
/// The runtime replaces bytes that are not UTF-8 by U+FFFD before the gate sees them, so a cookie
/// with that character is left out: the origin would take a changed value for the client's.
pub(super) fn without(cookies: &str, name: &str) -> Option<String> {
    let mut kept = String::with_capacity(cookies.len());
    let is_kept = |pair: &&str| !is_named(pair, name) && !pair.contains('\u{fffd}');
    for pair in pairs(cookies).filter(is_kept) {
        if !kept.is_empty() {
            kept.push(';');
        }
        kept.push_str(if kept.is_empty() { pair.trim_start() } else { pair });
    }
    (!kept.trim().is_empty()).then_some(kept)
}

fn pairs(cookies: &str) -> impl Iterator<Item = &str> {
    cookies.split(';')
}

/// Whether a pair has that name. A pair without `=` counts too, because some servers read it as a
/// cookie with an empty value.
fn is_named(pair: &str, name: &str) -> bool {
    pair.split_once('=').map_or(pair, |(before, _)| before).trim_matches([' ', '\t']) == name
}
