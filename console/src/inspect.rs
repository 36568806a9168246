//! Showing a token as it is written, for display only. The gate's own types never reveal a payload
//! whose signature has not verified, so this module decodes it by itself.

mod curl;

use base64ct::{Base64Url, Base64UrlUnpadded, Encoding as _};
use portcullis::headers::is_token_byte;
use portcullis::json;
use portcullis::token::Unverified;
use serde_json::{Value, json};

/// Returns what is shown, as [`crate::functions::inspect`] documents it.
pub(super) fn inspection(text: &str) -> Value {
    let curl = curl::read(text);
    let mut shown = json!({ "segments": [] });
    let mut set = |name: &str, value: Value| {
        shown.as_object_mut().map(|shown| shown.insert(name.to_owned(), value));
    };
    if let Some(token) = find(text) {
        let segments = segments(token);
        let parts: Vec<&str> = token.split('.').collect();
        if let Some(header) = parts.first().and_then(|part| decoded(part)) {
            set("header", header);
        }
        // The second segment of an encrypted token is the encrypted key.
        let payload = if parts.len() == 5 { None } else { parts.get(1) };
        if let Some(claims) = payload.and_then(|part| decoded(part)) {
            set("claims", claims);
        }
        if let Err(refusal) = Unverified::parse(token) {
            let because = refusal.because();
            set("fault", json!({ "code": refusal.code().as_str(), "because": because }));
        }
        set("token", Value::from(token));
        set("segments", segments);
    }
    if let Some(proof) = find_proof(text) {
        let mut segments = proof.split('.').map(decoded);
        let (header, claims) = (segments.next().flatten(), segments.next().flatten());
        set("proof", json!({ "header": header, "claims": claims }));
    }
    if let Some(curl) = curl {
        let (method, url, headers) = (curl.method, curl.url, curl.headers);
        set("curl", json!({ "method": method, "url": url, "headers": headers }));
    } else if let Some(headers) = header_fields(text) {
        set("headers", json!(headers));
    }
    shown
}

/// Returns the header fields of a text that consists only of header fields, at least one of which
/// may contain a token.
fn header_fields(text: &str) -> Option<Vec<(&str, &str)>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let fields: Option<Vec<_>> = lines.map(header_field).collect();
    fields.filter(|fields| fields.iter().any(|(name, _)| may_contain_token(name)))
}

fn header_field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let is_name = !name.is_empty() && name.bytes().all(is_token_byte);
    is_name.then_some((name, value.trim()))
}

fn may_contain_token(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "authorization" | "cookie" | "sec-websocket-protocol")
        || name.starts_with("x-")
        || name.starts_with("cf-")
}

/// Finds the DPoP proof in a text.
fn find_proof(text: &str) -> Option<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.split(|c: char| !is_part(c)).find(|run| is_proof(run))
}

/// Whether a part of a text says that it is a DPoP proof (RFC 9449 section 4.2).
fn is_proof(run: &str) -> bool {
    let header = run.split('.').next().and_then(decoded);
    header.is_some_and(|header| header.get("typ") == Some(&Value::from("dpop+jwt")))
}

/// Finds the part of a text that looks most like a token.
fn find(text: &str) -> Option<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.~+/=".contains(c);
    let runs = || text.split(|c: char| !is_part(c)).filter(|run| !run.is_empty());
    let dots = |run: &&str| run.bytes().filter(|byte| *byte == b'.').count();
    // A JSON object in base64url begins with `eyJ`. `key=eyJ…` in a query or cookie is cut there.
    let objects = || {
        let objects = runs().filter_map(|run| run.get(run.find("eyJ")?..));
        objects.filter(|run| !is_proof(run))
    };
    let after_scheme = || {
        let lower = text.to_ascii_lowercase();
        let schemes = ["bearer ", "authorization: dpop "];
        let end =
            schemes.iter().find_map(|scheme| lower.find(scheme)?.checked_add(scheme.len()))?;
        let rest = text.get(end..)?.trim_start();
        rest.split(|c: char| !is_part(c)).next().filter(|token| !token.is_empty())
    };
    let dotted = || {
        let runs = runs().filter(|run| dots(run) >= 2 && !run.contains('/'));
        runs.max_by_key(|run| run.len())
    };
    let whole = || Some(text.trim()).filter(|it| !it.is_empty() && it.chars().all(is_part));
    let first = objects().find(|run| dots(run) >= 2).or_else(|| objects().find(|it| dots(it) > 0));
    first.or_else(after_scheme).or_else(dotted).or_else(whole)
}

/// The start and end of each segment. Tokens are ASCII, so bytes are UTF-16 units.
fn segments(token: &str) -> Value {
    let mut begin = 0_usize;
    let bounds = token.split('.').map(|segment| {
        let end = begin.saturating_add(segment.len());
        let bounds = json!([begin, end]);
        begin = end.saturating_add(1);
        bounds
    });
    bounds.collect()
}

/// Decodes a segment that is an object, even one that the gate rejects because it is padded or
/// repeats a name.
fn decoded(segment: &str) -> Option<Value> {
    let bytes = Base64UrlUnpadded::decode_vec(segment)
        .or_else(|_| Base64Url::decode_vec(&segment.replace('+', "-").replace('/', "_")))
        .ok()?;
    let value = json::parse(&bytes).ok().or_else(|| serde_json::from_slice(&bytes).ok())?;
    Some(value).filter(Value::is_object)
}
