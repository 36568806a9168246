//! The request as the core reads it: borrowed text, without types of a runtime.

use serde_json::Value;
use std::borrow::Cow;
use std::iter;

/// The parts of an HTTP request that the gate reads.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, in its own case (RFC 9110 section 9.1).
    pub method: &'a str,
    /// The absolute URL as the runtime provides it, not normalized.
    pub url: &'a str,
    /// The header fields.
    pub headers: &'a dyn Headers,
}

/// Read access to header fields. Names are case-insensitive.
pub trait Headers {
    /// Returns the field's value. Several lines of one name are joined by `, ` (RFC 9110 section
    /// 5.3), so no line is overlooked.
    fn get(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The name of every field present, in any case, possibly repeated.
    fn names(&self) -> Vec<Cow<'_, str>>;
}

/// Header lines in a vector.
impl<Text: AsRef<str>> Headers for Vec<(Text, Text)> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self
            .iter()
            .filter(|(candidate, _)| candidate.as_ref().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_ref());
        let first = values.next()?;
        let joined = values
            .fold(Cow::Borrowed(first), |joined, value| Cow::Owned(format!("{joined}, {value}")));
        Some(joined)
    }

    fn names(&self) -> Vec<Cow<'_, str>> {
        self.iter().map(|(name, _)| Cow::Borrowed(name.as_ref())).collect()
    }
}

/// A request in lines of text, as the edge reads it in one call: the method, the URL, and the name
/// and value of each header on lines of their own. None of these can contain a line feed (RFC 9110
/// sections 5.5 and 9.1, WHATWG URL section 4.4).
pub struct Lines<'t> {
    method: &'t str,
    url: &'t str,
    headers: Vec<(&'t str, &'t str)>,
}

impl<'t> Lines<'t> {
    /// Parses the lines.
    #[must_use]
    pub fn of(text: &'t str) -> Self {
        let mut rest = Some(text);
        let mut next = || next_line(&mut rest);
        let (method, url) = (next().unwrap_or_default(), next().unwrap_or_default());
        let mut headers = Vec::with_capacity(16);
        headers.extend(iter::from_fn(|| Some((next()?, next()?))));
        Self { method, url, headers }
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        Request { method: self.method, url: self.url, headers: &self.headers }
    }
}

/// Takes the next line. `str::split` searches byte by byte, which takes longer than the rest of
/// reading a request.
fn next_line<'t>(rest: &mut Option<&'t str>) -> Option<&'t str> {
    let text = rest.take()?;
    let end = memchr::memchr(b'\n', text.as_bytes());
    let Some((line, after)) = end.and_then(|end| text.split_at_checked(end)) else {
        return Some(text);
    };
    *rest = after.strip_prefix('\n');
    Some(line)
}

/// A request that is described in JSON, as the console's page sends it: `{ method, url, headers?
/// }`, with the headers as a list of names and values.
pub struct Described {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
}

impl Described {
    /// Reads a description; other members are ignored.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong with its shape.
    pub fn read(description: &Value) -> Result<Self, &'static str> {
        let text = |name| description.get(name).and_then(Value::as_str).map(str::to_owned);
        let line = |line: &Value| match line.as_array().map(Vec::as_slice) {
            Some([Value::String(name), Value::String(value)]) => {
                Some((name.clone(), value.clone()))
            }
            _ => None,
        };
        let headers = match description.get("headers") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(lines)) => lines
                .iter()
                .map(line)
                .collect::<Option<_>>()
                .ok_or("a header is not a name and a value")?,
            Some(_) => return Err("headers is not an array"),
        };
        Ok(Self {
            method: text("method").ok_or("method is not a string")?,
            url: text("url").ok_or("url is not a string")?,
            headers,
        })
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        Request { method: &self.method, url: &self.url, headers: &self.headers }
    }
}
