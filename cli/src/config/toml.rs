//! Parses wrangler.toml.

use super::file::{ConfigFile, dotted, escape, line_of};
use anyhow::{Result, anyhow};
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Parses the text of a file.
pub(super) fn parse(name: &str, text: &str) -> Result<ConfigFile> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        anyhow!("{name}:{line}: this is not TOML: {}", error.message())
    })?;
    let mut file = ConfigFile::new(name);
    let mut reader = Reader { text, file: &mut file };
    let value = reader.table(table.get_ref(), "")?;
    file.value = value;
    Ok(file)
}

struct Reader<'a> {
    text: &'a str,
    file: &'a mut ConfigFile,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, pointer: &str) -> Result<Value> {
        let mut map = Map::new();
        for (key, value) in table {
            let inside = format!("{pointer}/{}", escape(key.get_ref()));
            self.file.note_line(&inside, line_of(self.text, key.span().start));
            map.insert(key.get_ref().to_string(), self.value(value, &inside)?);
        }
        Ok(Value::Object(map))
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, pointer: &str) -> Result<Value> {
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Integer(integer) => {
                let digits = integer.as_str().replace('_', "");
                let number = i64::from_str_radix(&digits, integer.radix())
                    .map_err(|_| self.unusable(pointer, "this integer is too large"))?;
                Value::Number(number.into())
            }
            DeValue::Float(float) => {
                let number = float.as_str().replace('_', "").parse::<f64>().ok();
                let number = number.and_then(Number::from_f64);
                Value::Number(number.ok_or_else(|| {
                    self.unusable(
                        pointer,
                        "JSON has no such number, so a variable cannot have this value",
                    )
                })?)
            }
            DeValue::Datetime(date) => {
                self.file.note_date(pointer);
                Value::String(date.to_string())
            }
            DeValue::Array(array) => {
                let mut values = Vec::with_capacity(array.len());
                for (index, item) in array.iter().enumerate() {
                    let inside = format!("{pointer}/{index}");
                    self.file.note_line(&inside, line_of(self.text, item.span().start));
                    values.push(self.value(item, &inside)?);
                }
                Value::Array(values)
            }
            DeValue::Table(table) => self.table(table, pointer)?,
        })
    }

    fn unusable(&self, pointer: &str, problem: &str) -> anyhow::Error {
        let line = self.file.line(pointer).unwrap_or(1);
        anyhow!("line {line}: {}: {problem}", dotted(pointer))
    }
}
