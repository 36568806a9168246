//! The path of a request, which must be canonical.
//!
//! If the gate and the origin could read a path differently, a protected resource could be reached
//! through a public route. The gate therefore refuses a path, and never normalizes it, if it
//! contains dot segments, empty segments, path parameters, backslashes, encoded slashes, encoded
//! characters that need no encoding, double encodings, control characters, invalid UTF-8, or any
//! raw byte outside RFC 3986 `pchar`, `/`, and `[`, `]` and `|`, which browsers do not encode.
//! Every other path can be read in only one way, and WHATWG URL serialization leaves it unchanged.
//!
//! A route may allow encoded slashes, for APIs whose names contain slashes. Such a slash must be
//! inside a segment, not at its beginning or end, and the parts around it must not be dot segments.
//!
//! A route may also allow path parameters (RFC 3986 section 3.3). Some servers drop them before
//! they match a path, and others do not, so the path must mean the same with and without them.

use crate::refusal::{Code, Refusal};
use std::borrow::Cow;

/// A path that every parser reads the same way.
#[derive(Debug)]
pub struct CanonicalPath<'a> {
    raw: &'a str,
    segments: Vec<Cow<'a, str>>,
    has_encoded_slash: bool,
    has_parameters: bool,
}

impl<'a> CanonicalPath<'a> {
    /// Checks the path of a request's URL, except for encoded slashes and path parameters. The
    /// route decides whether those are allowed.
    ///
    /// `url` is the absolute URL as the runtime provides it. It need not be normalized.
    ///
    /// # Errors
    ///
    /// `ambiguous_path` if the path is not canonical.
    pub fn of_url(url: &'a str) -> Result<Self, Refusal> {
        Self::read(split_url(url).path)
    }

    /// Checks a path, including for encoded slashes and path parameters.
    ///
    /// # Errors
    ///
    /// `ambiguous_path` if the path is not canonical or contains one of those.
    pub fn parse(raw: &'a str) -> Result<Self, Refusal> {
        let path = Self::read(raw)?;
        path.refuse_encoded_slash()?;
        path.refuse_parameters()?;
        Ok(path)
    }

    /// Refuses path parameters, for routes that do not allow them.
    ///
    /// # Errors
    ///
    /// `ambiguous_path` if the path contains a path parameter.
    pub fn refuse_parameters(&self) -> Result<(), Refusal> {
        if self.has_parameters {
            Err(ambiguous("the path contains a path parameter"))
        } else {
            Ok(())
        }
    }

    /// The segments as a server reads them that drops path parameters, or `None` if the path has
    /// none.
    pub(crate) fn without_parameters(&self) -> Option<Vec<Cow<'_, str>>> {
        let without = |segment: &Cow<'a, str>| {
            Cow::Owned(segment.split(';').next().unwrap_or_default().to_owned())
        };
        self.has_parameters.then(|| self.segments.iter().map(without).collect())
    }

    /// Refuses an encoded colon, for patterns in which a colon separates two parts of a segment.
    ///
    /// # Errors
    ///
    /// `ambiguous_path` if the path contains `%3A`.
    pub(crate) fn refuse_encoded_colon(&self) -> Result<(), Refusal> {
        if self.raw.contains("%3A") || self.raw.contains("%3a") {
            Err(ambiguous("the path contains an encoded colon"))
        } else {
            Ok(())
        }
    }

    /// Refuses encoded slashes, for routes that do not allow them.
    ///
    /// # Errors
    ///
    /// `ambiguous_path` if the path contains an encoded slash.
    pub fn refuse_encoded_slash(&self) -> Result<(), Refusal> {
        if self.has_encoded_slash {
            Err(ambiguous("the path contains an encoded slash"))
        } else {
            Ok(())
        }
    }

    fn read(raw: &'a str) -> Result<Self, Refusal> {
        let raw = if raw.is_empty() { "/" } else { raw };
        let inner =
            raw.strip_prefix('/').ok_or(ambiguous("the path does not start with a slash"))?;
        let mut segments = Vec::new();
        let mut has_parameters = false;
        let mut rest = inner.split('/').peekable();
        while let Some(segment) = rest.next() {
            let last = rest.peek().is_none();
            match segment {
                // A trailing slash, or the root path.
                "" if last => {}
                "" => return Err(ambiguous("the path contains an empty segment")),
                "." | ".." => return Err(ambiguous("the path contains a dot segment")),
                _ => {
                    has_parameters |= has_parameter(segment)?;
                    segments.push(decode(segment)?);
                }
            }
        }
        let mut has_encoded_slash = false;
        for segment in segments.iter().filter(|segment| segment.contains('/')) {
            has_encoded_slash = true;
            check_pieces(segment)?;
        }
        Ok(Self { raw, segments, has_encoded_slash, has_parameters })
    }

    /// The path as received, which is also how it is forwarded.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.raw
    }

    /// The percent-decoded segments. A trailing slash does not add one.
    #[must_use]
    pub fn segments(&self) -> &[Cow<'a, str>] {
        &self.segments
    }
}

/// The parts of a URL that the gate uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlParts<'a> {
    /// The scheme, without the colon.
    pub scheme: &'a str,
    /// Host and port as written in the URL.
    pub authority: &'a str,
    /// The path: everything from the first slash after the authority up to `?`.
    pub path: &'a str,
    /// The query with its `?`, or an empty text.
    pub query: &'a str,
}

/// Splits an absolute URL without changing it.
///
/// A `#` stays in the path, which is then refused. Clients do not send fragments.
#[must_use]
pub fn split_url(url: &str) -> UrlParts<'_> {
    let absolute =
        url.split_once(':').and_then(|(scheme, rest)| Some((scheme, rest.strip_prefix("//")?)));
    let (scheme, rest) = absolute.unwrap_or(("", url));
    let cut = |text: &str, ends: &[u8]| text.bytes().position(|byte| ends.contains(&byte));
    let (authority, rest) =
        cut(rest, br"/?#\\").and_then(|end| rest.split_at_checked(end)).unwrap_or((rest, ""));
    let (path, query) =
        cut(rest, b"?").and_then(|end| rest.split_at_checked(end)).unwrap_or((rest, ""));
    UrlParts { scheme, authority, path, query }
}

const fn ambiguous(because: &'static str) -> Refusal {
    Refusal::new(Code::AmbiguousPath, because)
}

/// Whether a segment has a path parameter. What is before it must be a segment of its own that is
/// no dot segment: `..;` is `..` for a server that drops parameters.
fn has_parameter(segment: &str) -> Result<bool, Refusal> {
    match segment.split_once(';') {
        None => Ok(false),
        Some(("" | "." | "..", _)) => {
            Err(ambiguous("the path contains a path parameter without a segment before it"))
        }
        Some(_) => Ok(true),
    }
}

/// Percent-decodes a segment. Refuses encodings that could also be written in another way.
fn decode(segment: &str) -> Result<Cow<'_, str>, Refusal> {
    let is_accepted = |byte: u8| is_plain(byte) || matches!(byte, b'%' | b';');
    if let Some(bad) = segment.bytes().find(|byte| !is_accepted(*byte)) {
        return Err(ambiguous(match bad {
            b'\\' => "the path contains a backslash",
            _ => "the path contains a byte that must be percent-encoded",
        }));
    }
    if !segment.contains('%') {
        return Ok(Cow::Borrowed(segment));
    }
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.as_bytes().iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let encoded = escaped_byte(bytes.next(), bytes.next())?;
        match encoded {
            b'\\' => return Err(ambiguous("the path contains an encoded backslash")),
            b';' => return Err(ambiguous("the path contains an encoded path parameter")),
            0..=0x1f | 0x7f => {
                return Err(ambiguous("the path contains an encoded control character"));
            }
            b'%' if starts_with_two_hex_digits(bytes.as_slice()) => {
                return Err(ambiguous("the path contains a double percent-encoding"));
            }
            _ if is_unreserved(encoded) => {
                return Err(ambiguous(
                    "the path contains an encoded character that needs no encoding",
                ));
            }
            _ => decoded.push(encoded),
        }
    }
    let decoded =
        String::from_utf8(decoded).map_err(|_| ambiguous("the path is not valid UTF-8"))?;
    // C1 control characters have two bytes in UTF-8, so they are visible only after decoding.
    if decoded.chars().any(char::is_control) {
        return Err(ambiguous("the path contains an encoded control character"));
    }
    Ok(Cow::Owned(decoded))
}

/// Checks the parts of a segment around encoded slashes. A server that decodes the slashes and then
/// resolves dot segments must not arrive at another path.
fn check_pieces(segment: &str) -> Result<(), Refusal> {
    if segment.starts_with('/') || segment.ends_with('/') {
        return Err(ambiguous(
            "the path contains a segment that begins or ends with an encoded slash",
        ));
    }
    if segment.split('/').any(|piece| matches!(piece, "." | "..")) {
        return Err(ambiguous("the path contains a dot segment next to an encoded slash"));
    }
    Ok(())
}

fn escaped_byte(high: Option<&u8>, low: Option<&u8>) -> Result<u8, Refusal> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let value = digit(high).zip(digit(low)).map(|(high, low)| (high << 4) | low);
    value
        .and_then(|value| u8::try_from(value).ok())
        .ok_or(ambiguous("the path contains an invalid percent-encoding"))
}

fn starts_with_two_hex_digits(bytes: &[u8]) -> bool {
    matches!(bytes, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// Whether a byte is unreserved (RFC 3986 section 2.3).
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Whether a byte is an RFC 3986 `pchar`, except `%`, which begins an escape, and `;`, which begins
/// a path parameter; or one of `[`, `]` and `|`, which browsers send unencoded (WHATWG URL section
/// 1.3).
pub(crate) const fn is_plain(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b'='
                | b':'
                | b'@'
                | b'['
                | b']'
                | b'|'
        )
}
