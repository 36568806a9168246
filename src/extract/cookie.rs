//! A token in a cookie (RFC 6265 section 4.2).
//!
//! Pairs are told apart at `;`, and at `,` too: that is how a second `Cookie` line arrives, which must
//! not hide a second token.

use super::several;
use crate::refusal::Refusal;

/// The value of the one cookie of that name.
pub(super) fn find<'c>(cookies: &'c str, name: &str) -> Result<Option<&'c str>, Refusal> {
    let mut values = pairs(cookies).filter(|(_, pair)| is_named(pair, name));
    let Some((_, pair)) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(several("the token's cookie twice"));
    }
    Ok(Some(pair.split_once('=').map_or("", |(_, value)| value)))
}

/// The header's value without the cookies of that name, or nothing if there are no others. What is
/// left keeps its bytes.
pub(crate) fn without(cookies: &str, name: &str) -> Option<String> {
    let mut kept = String::with_capacity(cookies.len());
    for (separator, pair) in pairs(cookies).filter(|(_, pair)| !is_named(pair, name)) {
        if !kept.is_empty() {
            kept.push_str(separator);
        }
        kept.push_str(if kept.is_empty() { pair.trim_start() } else { pair });
    }
    (!kept.trim().is_empty()).then_some(kept)
}

/// Each pair with the separator before it.
fn pairs(cookies: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut separator = "";
    cookies.split_inclusive([';', ',']).map(move |piece| {
        let before = separator;
        let pair = piece.strip_suffix([';', ',']).unwrap_or(piece);
        separator = piece.get(pair.len()..).unwrap_or_default();
        (before, pair)
    })
}

/// A pair without `=` counts: some servers take it for a cookie with an empty value.
fn is_named(pair: &str, name: &str) -> bool {
    pair.split_once('=').map_or(pair, |(before, _)| before).trim_matches([' ', '\t']) == name
}
