//! The parser of the text of keys, by the grammar of `KEYS.md`.

use super::format;
use super::schema::{Fields, Schema, Value};

/// Reads the text of a value that stands alone.
pub(crate) fn parse(text: &str, schema: &Schema) -> Option<Value> {
    if text.is_empty() && parts_of(schema) == 0 {
        return Some(nothing(schema));
    }
    segment(text, schema)
}

/// Reads the segments of a call's key: a colon ends a segment, unless it is the last.
pub(crate) fn parse_call(text: &str, name: &str, schemas: &[&Schema]) -> Option<Vec<Value>> {
    let rest = text.strip_prefix(name)?.strip_prefix(':')?;
    let segments: Vec<_> = rest.splitn(schemas.len(), ':').collect();
    if segments.len() != schemas.len() {
        return None;
    }
    let values = segments.iter().zip(schemas);
    values.map(|(text, schema)| segment(text, schema)).collect()
}

pub(super) fn segment(text: &str, schema: &Schema) -> Option<Value> {
    let mut parser = Parser { rest: text };
    let value = parser.element(schema, true)?;
    parser.rest.is_empty().then_some(value)
}

/// The minimum number of parts that a value feeds: at least one, except for types that never feed any.
fn parts_of(schema: &Schema) -> usize {
    match schema {
        Schema::Nothing => 0,
        Schema::Joined(parts) => parts.iter().map(parts_of).sum(),
        Schema::Labelled(_, schema) => parts_of(schema),
        Schema::Tagged(shapes) => {
            let parts = shapes.iter().map(|(_, schema)| parts_of(schema));
            1 + parts.min().unwrap_or_default()
        }
        _ => 1,
    }
}

/// The value of a schema that feeds nothing.
fn nothing(schema: &Schema) -> Value {
    match schema {
        Schema::Joined(parts) => Value::Many(parts.iter().map(nothing).collect()),
        _ => Value::Nothing,
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn take(&mut self, prefix: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(prefix)?;
        Some(())
    }

    /// Everything up to a character that ends a word or a number.
    fn word(&mut self) -> &'a str {
        let end = self
            .rest
            .find(['(', ')', '[', ']', '+', ',', '=', '\'', '"', '\\']);
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    /// An element of a group, or a whole segment.
    fn element(&mut self, schema: &Schema, segment: bool) -> Option<Value> {
        if parts_of(schema) == 0 {
            self.take("()")?;
            return Some(nothing(schema));
        }
        let bare = segment && parts_of(schema) == 1;
        self.part(schema, bare)
    }

    /// A part; `bare` strings have no quotes.
    fn part(&mut self, schema: &Schema, bare: bool) -> Option<Value> {
        Some(match schema {
            Schema::Nothing => Value::Nothing,
            Schema::Whole => Value::Whole(self.word().parse().ok()?),
            Schema::Unsigned => Value::Unsigned(self.word().parse().ok()?),
            Schema::Float => Value::Float(self.word().parse::<f64>().ok()?.to_bits()),
            Schema::FloatNarrow => Value::FloatNarrow(self.word().parse::<f32>().ok()?.to_bits()),
            Schema::Bool => Value::Bool(self.word().parse().ok()?),
            Schema::Text => Value::Text(String::from_utf8(self.string("", bare)?).ok()?),
            Schema::Bytes => Value::Bytes(self.string("b", bare)?),
            Schema::List(element) => Value::Many(self.list(element)?),
            Schema::Group(prefix, fields) => {
                self.take(prefix)?;
                Value::Many(self.fields(fields)?)
            }
            Schema::Choice(variants) => self.choice(variants)?,
            Schema::Labelled(label, schema) => {
                self.take(label)?;
                self.take("=")?;
                self.part(schema, bare)?
            }
            Schema::Format(before, fields) => {
                let text = self.raw("", bare)?;
                Value::Many(format::read(&text, before, fields)?)
            }
            Schema::Joined(parts) => Value::Many(self.joined(parts, bare)?),
            Schema::Tagged(shapes) => {
                let name = self.word();
                let index = shapes.iter().position(|(known, _)| *known == name)?;
                let value = match &shapes[index].1 {
                    schema if parts_of(schema) == 0 => nothing(schema),
                    schema => {
                        self.take("+")?;
                        self.part(schema, false)?
                    }
                };
                Value::Chosen(index, vec![value])
            }
        })
    }

    fn joined(&mut self, parts: &[Schema], bare: bool) -> Option<Vec<Value>> {
        let mut first = true;
        let mut values = Vec::new();
        for schema in parts {
            if parts_of(schema) == 0 {
                values.push(nothing(schema));
                continue;
            }
            if !first {
                self.take("+")?;
            }
            first = false;
            values.push(self.part(schema, bare)?);
        }
        Some(values)
    }

    fn list(&mut self, element: &Schema) -> Option<Vec<Value>> {
        self.take("[")?;
        let mut values = Vec::new();
        while self.take("]").is_none() {
            if !values.is_empty() {
                self.take(",")?;
            }
            values.push(self.element(element, false)?);
        }
        Some(values)
    }

    fn fields(&mut self, fields: &Fields) -> Option<Vec<Value>> {
        self.take("(")?;
        let mut values = Vec::new();
        for (label, schema) in fields {
            if !values.is_empty() {
                self.take(",")?;
            }
            if let Some(label) = label {
                self.take(label)?;
                self.take("=")?;
            }
            values.push(self.element(schema, false)?);
        }
        self.take(")")?;
        Some(values)
    }

    fn choice(&mut self, variants: &[(&str, Fields)]) -> Option<Value> {
        let name = self.word();
        let index = variants.iter().position(|(known, _)| *known == name)?;
        let fields = match &variants[index].1 {
            fields if fields.is_empty() => vec![],
            fields => self.fields(fields)?,
        };
        Some(Value::Chosen(index, fields))
    }

    fn string(&mut self, mark: &str, bare: bool) -> Option<Vec<u8>> {
        unescaped(&self.raw(mark, bare)?)
    }

    /// A string without its quotes, still escaped.
    fn raw(&mut self, mark: &str, bare: bool) -> Option<String> {
        if bare {
            return Some(std::mem::take(&mut self.rest).to_owned());
        }
        self.take(mark)?;
        let quote = self
            .rest
            .chars()
            .next()
            .filter(|quote| ['\'', '"'].contains(quote))?;
        let mut characters = self.rest[1..].char_indices();
        let mut text = String::new();
        while let Some((at, character)) = characters.next() {
            if character == quote {
                self.rest = &self.rest[at + 2..];
                return Some(text);
            }
            text.push(if character == '\\' {
                characters.next()?.1
            } else {
                character
            });
        }
        None
    }
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            plain => plain,
        });
    }
    Some(bytes)
}
