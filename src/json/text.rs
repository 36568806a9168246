//! JSON put together as text, which takes a fraction of the code that values take.

use serde_json::Value;

/// The text of an object, member by member.
#[derive(Debug)]
pub struct ObjectText(String);

impl ObjectText {
    /// An object without members.
    #[must_use]
    pub fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a member whose value is JSON already.
    #[inline(never)]
    pub fn json(&mut self, name: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&quoted(name));
        self.0.push(':');
        self.0.push_str(value);
    }

    /// Adds a member whose value is a string, or `null`.
    #[inline(never)]
    pub fn text(&mut self, name: &str, value: Option<&str>) {
        self.json(name, &value.map_or_else(|| "null".to_owned(), quoted));
    }

    /// Adds a member whose value is an array of what is JSON already.
    #[inline(never)]
    pub fn array(&mut self, name: &str, items: &[String]) {
        self.json(name, &array(items));
    }

    /// The text.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

impl Default for ObjectText {
    fn default() -> Self {
        Self::new()
    }
}

/// A string as JSON.
#[must_use]
#[inline(never)]
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// An array of what is JSON already.
#[must_use]
#[inline(never)]
pub fn array(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}
