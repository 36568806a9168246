//! Writing JSON as text. Building an object as text takes much less code than building it from
//! values.

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

    /// Adds a member whose value is a whole number.
    #[inline(never)]
    pub fn number(&mut self, name: &str, value: i64) {
        self.json(name, &value.to_string());
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
    serde_json::to_string(text).unwrap_or_default()
}

/// Returns a value as JSON text. `Value::to_string` would do the same with another copy of the
/// serializer, and a third one for indented text.
#[must_use]
#[inline(never)]
pub fn to_text(value: &Value) -> String {
    // A value always has a text: the names of all members are strings.
    serde_json::to_string(value).unwrap_or_default()
}

/// Returns an array of items that are given as JSON text.
#[must_use]
#[inline(never)]
pub fn array(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}
