//! Parses wrangler.json and wrangler.jsonc. Like wrangler, allows comments and trailing commas in
//! both, and nothing else of JSON5.

use super::file::{ConfigFile, dotted, escape, line_of};
use anyhow::{Context as _, Result, anyhow, bail};
use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Map, Value};

/// Allows comments and trailing commas.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Parses the text of a file.
pub(super) fn parse(name: &str, text: &str) -> Result<ConfigFile> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &OPTIONS).map_err(|error| {
        anyhow!("{name}:{}: this is not JSON: {}", error.line_display(), error.kind())
    })?;
    let mut file = ConfigFile::new(name);
    let root = parsed.value.with_context(|| format!("{name} is empty"))?;
    let mut reader = Reader { text, file: &mut file };
    let value = reader.value(&root, "")?;
    file.value = value;
    Ok(file)
}

struct Reader<'a> {
    text: &'a str,
    file: &'a mut ConfigFile,
}

impl Reader<'_> {
    fn value(&mut self, value: &ast::Value<'_>, pointer: &str) -> Result<Value> {
        Ok(match value {
            ast::Value::StringLit(text) => Value::String(text.value.to_string()),
            ast::Value::BooleanLit(truth) => Value::Bool(truth.value),
            ast::Value::NullKeyword(_) => Value::Null,
            ast::Value::NumberLit(number) => serde_json::from_str(number.value)
                .map_err(|_| self.unusable(pointer, "this is not a JSON number"))?,
            ast::Value::Array(array) => {
                let mut values = Vec::with_capacity(array.elements.len());
                for (index, item) in array.elements.iter().enumerate() {
                    let inside = format!("{pointer}/{index}");
                    self.file.note_line(&inside, line_of(self.text, item.start()));
                    values.push(self.value(item, &inside)?);
                }
                Value::Array(values)
            }
            ast::Value::Object(object) => {
                let mut map = Map::new();
                for property in &object.properties {
                    let key = property.name.as_str();
                    let inside = format!("{pointer}/{}", escape(key));
                    self.file.note_line(&inside, line_of(self.text, property.start()));
                    let member = self.value(&property.value, &inside)?;
                    if map.insert(key.to_owned(), member).is_some() {
                        bail!(self.unusable(&inside, "this name is repeated"));
                    }
                }
                Value::Object(map)
            }
        })
    }

    fn unusable(&self, pointer: &str, problem: &str) -> anyhow::Error {
        let line = self.file.line(pointer).unwrap_or(1);
        anyhow!("line {line}: {}: {problem}", dotted(pointer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn comments_and_trailing_commas_are_allowed() {
        let text = r#"{
  // a gate
  "name": "gate",
  "vars": {
    "POLICY": { /* the demo */
      "issuers": [{ "name": "a", "leeway": 5, },
        { "name": "b", "x": null, "y": true }]
    },
  },
}
"#;
        let config_file = parse("wrangler.jsonc", text).unwrap();
        assert_eq!(
            config_file.value["vars"]["POLICY"]["issuers"],
            json!([{ "name": "a", "leeway": 5 }, { "name": "b", "x": null, "y": true }])
        );
        assert_eq!(config_file.line("/name"), Some(3));
        assert_eq!(config_file.line("/vars/POLICY/issuers/0/leeway"), Some(6));
        assert_eq!(config_file.line("/vars/POLICY/issuers/1"), Some(7));
    }

    #[test]
    fn invalid_json_is_reported_with_its_line() {
        let check = |text: &str, expected: &str| {
            let error = parse("wrangler.jsonc", text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        check("{\n\"a\": 1\n\"b\": 2 }", "wrangler.jsonc:2: this is not JSON: ");
        check("{ a: 1 }", "wrangler.jsonc:1: this is not JSON: ");
        check("{ \"a\": 'x' }", "wrangler.jsonc:1: this is not JSON: ");
        check("{ \"a\": 1,\n \"a\": 2 }", "line 2: a: this name is repeated");
        check("// nothing", "wrangler.jsonc is empty");
    }
}
