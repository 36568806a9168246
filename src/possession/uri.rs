//! Comparing `htu` with the URL of a request (RFC 9449 section 4.3, number 9).

use std::borrow::Cow;

/// Whether two URLs are the same without query and fragment, after the normalization of RFC 3986
/// sections 6.2.2 and 6.2.3: case, percent-encoding, dot segments, the default port, and an empty
/// path.
#[must_use]
pub fn is_same(claimed: &str, actual: &str) -> bool {
    let [claimed, actual] = [claimed, actual].map(without_query);
    claimed == actual || normalized(claimed).is_some_and(|it| Some(it) == normalized(actual))
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// Normalizes a URL of HTTP without query and fragment. Returns `None` if it is not one, contains
/// user information, or contains a malformed escape.
#[cold]
#[inline(never)]
fn normalized(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let authority = unescaped(authority)?.to_ascii_lowercase();
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let host = authority.strip_suffix(default_port).or(authority.strip_suffix(':'));
    let host = host.unwrap_or(&authority);
    Some(format!("{scheme}://{host}{}", without_dot_segments(&unescaped(path)?)))
}

/// Decodes escapes of unreserved characters, and writes the others in upper case (RFC 3986 section
/// 6.2.2.2).
#[cold]
#[inline(never)]
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut pieces = text.split('%');
    let mut written = pieces.next()?.to_owned();
    for piece in pieces {
        let (escape, rest) = piece.split_at_checked(2)?;
        let is_hex = escape.bytes().all(|byte| byte.is_ascii_hexdigit());
        let byte = u8::from_str_radix(escape, 16).ok().filter(|_| is_hex)?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            written.push(char::from(byte));
        } else {
            written.push_str(&format!("%{byte:02X}"));
        }
        written.push_str(rest);
    }
    Some(Cow::Owned(written))
}

/// Removes dot segments (RFC 3986 section 5.2.4). An empty path becomes `/`.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}
