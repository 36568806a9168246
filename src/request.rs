//! The request as the core sees it: borrowed text, no runtime's types.

use std::borrow::Cow;

/// What the gate reads of an HTTP request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, in its own case (RFC 9110 section 9.1).
    pub method: &'a str,
    /// The absolute URL as the runtime handed it over, not normalised.
    pub url: &'a str,
    /// The header fields.
    pub headers: &'a dyn Headers,
}

/// Read access to header fields. Names are looked up without regard to case.
pub trait Headers {
    /// The field's value; several lines of one name come joined by `, ` (RFC 9110 section 5.3), so
    /// that a second line can never hide behind a first.
    fn get(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The name of every field present, in any case, possibly repeated.
    fn names(&self) -> Vec<Cow<'_, str>>;
}

/// Header lines in a vector: for tests, tools, and whoever has no runtime.
impl Headers for Vec<(String, String)> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self
            .iter()
            .filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str());
        let first = values.next()?;
        let joined = values
            .fold(Cow::Borrowed(first), |joined, value| Cow::Owned(format!("{joined}, {value}")));
        Some(joined)
    }

    fn names(&self) -> Vec<Cow<'_, str>> {
        self.iter().map(|(name, _)| Cow::Borrowed(name.as_str())).collect()
    }
}
