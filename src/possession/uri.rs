//! Comparing `htu` with the URL of a request (RFC 9449 section 4.3, number 9).

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
    // Only unreserved characters are decoded, and none of them separates the parts of a URL.
    let url = unescaped(url)?;
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let host = authority.strip_suffix(default_port).or(authority.strip_suffix(':'));
    let host = host.unwrap_or(&authority);
    Some([&scheme, "://", host, "/", &without_dot_segments(path)].concat())
}

/// Decodes escapes of unreserved characters, and writes the others in upper case (RFC 3986 section
/// 6.2.2.2).
fn unescaped(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut written = pieces.next()?.to_owned();
    for piece in pieces {
        let (escape, rest) = piece.split_at_checked(2)?;
        let is_hex = escape.bytes().all(|byte| byte.is_ascii_hexdigit());
        let byte = u8::from_str_radix(escape, 16).ok().filter(|_| is_hex)?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            written.push(char::from(byte));
        } else {
            written.push('%');
            written.push_str(&escape.to_ascii_uppercase());
        }
        written.push_str(rest);
    }
    Some(written)
}

/// Removes dot segments (RFC 3986 section 5.2.4) and the slash at the beginning.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_dots = matches!(segment, "." | "..");
        if segment == ".." {
            kept.pop();
        }
        if !is_dots {
            kept.push(segment);
        } else if segments.peek().is_none() {
            kept.push("");
        }
    }
    kept.join("/")
}
