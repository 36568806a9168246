//! A token in the query (RFC 6750 section 2.3).

use super::several;
use crate::refusal::Refusal;

/// Returns the value of the one parameter of that name, as it is written in the query.
pub(super) fn find<'q>(query: &'q str, name: &str) -> Result<Option<&'q str>, Refusal> {
    let mut values = parameters(query).filter(|parameter| is_named(parameter, name));
    let Some(parameter) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(several("the request has the token's query parameter twice"));
    }
    Ok(Some(parameter.split_once('=').map_or("", |(_, value)| value)))
}

/// Returns the query, with its `?`, without the parameters of that name. The remaining parameters
/// keep their bytes.
pub(crate) fn without(query: &str, name: &str) -> String {
    let kept: Vec<_> = parameters(query).filter(|parameter| !is_named(parameter, name)).collect();
    if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) }
}

fn parameters(query: &str) -> impl Iterator<Item = &str> {
    query.strip_prefix('?').into_iter().flat_map(|inner| inner.split('&'))
}

/// Whether a server that decodes names (WHATWG URL section 5.1) reads the parameter's name as this
/// one. The policy's compiler ensures that the name itself needs no encoding.
fn is_named(parameter: &str, name: &str) -> bool {
    let encoded = parameter.split_once('=').map_or(parameter, |(before, _)| before);
    // A URL parser removes these three.
    let mut bytes = encoded.bytes().filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\r'));
    let mut wanted = name.bytes();
    while let Some(byte) = bytes.next() {
        let decoded = match byte {
            b'%' => hex(bytes.next(), bytes.next()),
            other => Some(other),
        };
        if decoded.is_none() || decoded != wanted.next() {
            return false;
        }
    }
    wanted.next().is_none()
}

fn hex(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let value = (digit(high)? << 4) | digit(low)?;
    u8::try_from(value).ok()
}
