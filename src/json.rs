//! Strict JSON, which every parser reads the same way (RFC 8259, RFC 7515 section 5.2, RFC 7519
//! section 7.2).
//!
//! The parser rejects repeated names in an object at any depth, nesting deeper than
//! [`budget::JSON_DEPTH`], bytes after the value, a byte order mark, invalid UTF-8, lone
//! surrogates, and numbers too large for a double. If two parsers read a token differently, an
//! attacker can deceive one of them.

pub mod text;

use crate::budget;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};
use std::cell::Cell;
use std::fmt;

/// The members of a JSON object.
pub type Object = Map<String, Value>;

/// The largest integer that every JSON implementation represents exactly: 2^53 - 1 (RFC 7493
/// section 2.2).
pub(crate) const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// Parses bytes that are one JSON object and nothing else.
///
/// # Errors
///
/// [`NotStrictJson`] if the bytes are not strict JSON as this module defines it, or not an object.
pub fn parse_object(bytes: &[u8]) -> Result<Object, NotStrictJson> {
    let Value::Object(object) = parse(bytes)? else { return Err(NotStrictJson::NotAnObject) };
    Ok(object)
}

/// Parses bytes that are one JSON value and nothing else.
///
/// # Errors
///
/// [`NotStrictJson`] if the bytes are not strict JSON as this module defines it.
pub fn parse(bytes: &[u8]) -> Result<Value, NotStrictJson> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let broken_rule = Cell::new(NotStrictJson::Syntax);
    StrictValue { levels_left: budget::JSON_DEPTH, broken_rule: &broken_rule }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| NotStrictJson::of(bytes, &error, broken_rule.get()))
}

/// Why bytes are not strict JSON as this module defines it. It contains none of the bytes, which
/// may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStrictJson {
    /// There are no bytes.
    Empty,
    /// The value does not end.
    Incomplete,
    /// They begin with a byte order mark.
    ByteOrderMark,
    /// They begin like a page.
    Markup,
    /// They break the grammar of RFC 8259, are not UTF-8, or contain a number too large for a
    /// double.
    Syntax,
    /// An object has two members of one name.
    RepeatedName,
    /// They are nested deeper than [`budget::JSON_DEPTH`].
    TooDeep,
    /// The value is valid, but not an object.
    NotAnObject,
}

impl NotStrictJson {
    #[cold]
    fn of(bytes: &[u8], error: &serde_json::Error, broken_rule: Self) -> Self {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        match first {
            None => Self::Empty,
            Some(0xef) if bytes.starts_with(b"\xef\xbb\xbf") => Self::ByteOrderMark,
            Some(b'<') => Self::Markup,
            Some(_) if error.is_eof() => Self::Incomplete,
            Some(_) => broken_rule,
        }
    }

    /// The reason, to follow the name of the text: "is …".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "is empty",
            Self::Incomplete => "is JSON that ends too early",
            Self::ByteOrderMark => "begins with a byte order mark, which JSON must not",
            Self::Markup => "is HTML or XML, not JSON",
            Self::Syntax => "is not valid JSON",
            Self::RepeatedName => "is JSON in which an object has a name twice",
            Self::TooDeep => "is JSON that is nested too deeply",
            Self::NotAnObject => "is JSON, but not an object",
        }
    }
}

impl fmt::Display for NotStrictJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Returns the value at a JSON Pointer (RFC 6901) if `path` begins with `/`, else the member with
/// that name.
pub(crate) fn at<'a>(object: &'a Object, path: &str) -> Option<&'a Value> {
    let Some(pointer) = path.strip_prefix('/') else { return object.get(path) };
    let mut tokens = tokens(pointer);
    let mut value = object.get(&tokens.next()?)?;
    for token in tokens {
        value = match value {
            Value::Object(members) => members.get(&token)?,
            Value::Array(items) => {
                let canonical = token == "0" || token.starts_with(|c| matches!(c, '1'..='9'));
                items.get(token.parse::<usize>().ok().filter(|_| canonical)?)?
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
    }
    Some(value)
}

/// Returns the reference tokens of a JSON Pointer (RFC 6901 section 4), which is given without its
/// first slash.
pub(crate) fn tokens(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').map(|token| token.replace("~1", "/").replace("~0", "~"))
}

/// The member with this name is not a string.
pub(crate) struct NotAString;

/// Returns the member with this name, which must be a string if it is present.
pub(crate) fn optional_string<'o>(
    object: &'o Object,
    name: &str,
) -> Result<Option<&'o str>, NotAString> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(NotAString),
    }
}

/// Whether a number is beyond ±(2^53 - 1), so that parsers may read it differently (RFC 7493
/// section 2.2).
pub(crate) fn is_beyond_safe_integers(number: &Number) -> bool {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(whole), _, _) => whole.unsigned_abs() > MAX_SAFE_INTEGER.unsigned_abs(),
        (None, Some(_), _) => true,
        (None, None, Some(float)) => float.abs() > 9_007_199_254_740_991.0,
        (None, None, None) => true,
    }
}

/// Returns the first member with this name, if it is a string and the bytes begin like an object.
///
/// It reads no further and is not strict, so its result is only a hint that must be verified.
pub(crate) fn first_string(bytes: &[u8], name: &str) -> Option<String> {
    let mut found = None;
    // The visitor stops in the middle of the object, which the deserializer reports as an error.
    let _ = serde_json::Deserializer::from_slice(bytes)
        .deserialize_any(FirstString { name, found: &mut found });
    found
}

/// Visitor methods that return a fixed value for scalars and an error for arrays. The default
/// methods describe the scalar in an error, which would link in the formatting of floats: 1% of the
/// upload.
macro_rules! ignore_scalars {
    ($ignored:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($ignored)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($ignored)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($ignored)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($ignored)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($ignored)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err(A::Error::custom("an array"))
        }
    };
}

struct FirstString<'n> {
    name: &'n str,
    found: &'n mut Option<String>,
}

impl<'de> Visitor<'de> for FirstString<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    ignore_scalars!(());

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_wanted) = map.next_key_seed(IsName(self.name))? {
            if is_wanted {
                *self.found = map.next_value_seed(IfString)?;
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Reads a value as `Some` if it is a string, as `None` if it is another scalar.
struct IfString;

impl<'de> DeserializeSeed<'de> for IfString {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for IfString {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    ignore_scalars!(None);

    fn visit_str<E>(self, text: &str) -> Result<Option<String>, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Option<String>, A::Error> {
        Err(A::Error::custom("an object"))
    }
}

/// Compares a member's name without keeping it.
struct IsName<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for IsName<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsName<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[derive(Clone, Copy)]
struct StrictValue<'r> {
    levels_left: usize,
    broken_rule: &'r Cell<NotStrictJson>,
}

impl StrictValue<'_> {
    fn one_deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self { levels_left, ..self }),
            None => Err(self.error(NotStrictJson::TooDeep)),
        }
    }

    fn error<E: serde::de::Error>(self, broken_rule: NotStrictJson) -> E {
        self.broken_rule.set(broken_rule);
        E::custom(broken_rule.as_str())
    }
}

impl<'de> DeserializeSeed<'de> for StrictValue<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.one_deeper()?;
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.one_deeper()?;
        let mut members = Object::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(inner)?;
            if members.insert(name, value).is_some() {
                return Err(self.error(NotStrictJson::RepeatedName));
            }
        }
        Ok(Value::Object(members))
    }
}
