//! A token in a cookie (RFC 6265 section 4.2).
//!
//! Pairs are separated by `;` and also by `,`, because the runtime joins a second `Cookie` line to
//! the first with a comma, and a second line must not hide a second token.

use super::several;
use crate::refusal::Refusal;

/// Returns the value of the one cookie of that name.
pub(super) fn find<'c>(cookies: &'c str, name: &str) -> Result<Option<&'c str>, Refusal> {
    let mut values = pairs(cookies).filter(|(_, pair)| is_named(pair, name));
    let Some((_, pair)) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(several("the request has the token's cookie twice"));
    }
    Ok(Some(pair.split_once('=').map_or("", |(_, value)| value)))
}

/// Returns the header's value without the cookies of that name, or `None` if there are no others.
/// The remaining cookies keep their bytes.
pub(super) fn without(cookies: &str, name: &str) -> Option<String> {
    let mut kept = String::with_capacity(cookies.len());
    for (separator, pair) in pairs(cookies).filter(|(_, pair)| !is_named(pair, name)) {
        if !kept.is_empty() {
            kept.push_str(separator);
        }
        kept.push_str(if kept.is_empty() { pair.trim_start() } else { pair });
    }
    (!kept.trim().is_empty()).then_some(kept)
}

/// Iterates over the pairs, each with the separator before it.
fn pairs(cookies: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut separator = "";
    cookies.split_inclusive([';', ',']).map(move |piece| {
        let before = separator;
        let pair = piece.strip_suffix([';', ',']).unwrap_or(piece);
        separator = piece.get(pair.len()..).unwrap_or_default();
        (before, pair)
    })
}

/// Whether a pair has that name. A pair without `=` counts too, because some servers read it as a
/// cookie with an empty value.
fn is_named(pair: &str, name: &str) -> bool {
    pair.split_once('=').map_or(pair, |(before, _)| before).trim_matches([' ', '\t']) == name
}
