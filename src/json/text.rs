//! Building JSON as text, which takes much less code than building it from values.

use serde_json::Value;

/// The text of a JSON object, to which members can be added.
#[derive(Debug)]
pub struct ObjectText(String);

impl ObjectText {
    /// Makes an object without members.
    #[must_use]
    pub fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a member whose value is given as JSON text.
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

    /// Adds a member whose value is an array of items that are given as JSON text.
    #[inline(never)]
    pub fn array(&mut self, name: &str, items: &[String]) {
        self.json(name, &array(items));
    }

    /// Returns the text.
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

/// Returns a string as JSON text.
#[must_use]
#[inline(never)]
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Returns an array of items that are given as JSON text.
#[must_use]
#[inline(never)]
pub fn array(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}
