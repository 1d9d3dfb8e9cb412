//! Shapes of keys, and values of these shapes.

use ring_cache::{Bracket, KeyWriter, RingKey};

/// The parts that a type feeds.
#[derive(Clone, Debug)]
pub(crate) enum Schema {
    /// No part at all.
    Nothing,
    Whole,
    /// Non-negative integers, up to the largest of all.
    Unsigned,
    Float,
    FloatNarrow,
    Bool,
    Text,
    Bytes,
    List(Box<Schema>),
    /// A struct or a tuple: its prefix, and its fields with their labels.
    Group(&'static str, Fields),
    /// An enum: variants without fields are words.
    Choice(Vec<(&'static str, Fields)>),
    /// A prefix before a part.
    Labelled(&'static str, Box<Schema>),
    /// A struct with a format: the text before its fields, and the fields with the texts after them.
    Format(&'static str, Vec<(Schema, &'static str)>),
    /// A manual impl that feeds several parts.
    Joined(Vec<Schema>),
    /// A manual impl that names its shape first.
    Tagged(Vec<(&'static str, Schema)>),
}

/// Fields and their labels.
pub(crate) type Fields = Vec<(Option<&'static str>, Schema)>;

/// A value of a [`Schema`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Nothing,
    Whole(i128),
    Unsigned(u128),
    /// The bits; NaN has one representation.
    Float(u64),
    FloatNarrow(u32),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    /// Elements, fields or parts.
    Many(Vec<Value>),
    /// The variant, and its fields.
    Chosen(usize, Vec<Value>),
}

/// A value that feeds its parts as a schema says.
pub(crate) struct Keyed<'a>(pub(crate) &'a Schema, pub(crate) &'a Value);

impl RingKey for Keyed<'_> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match (self.0, self.1) {
            (Schema::Nothing, Value::Nothing) => {}
            (Schema::Whole, Value::Whole(value)) => value.ring_key(key),
            (Schema::Unsigned, Value::Unsigned(value)) => value.ring_key(key),
            (Schema::Float, Value::Float(bits)) => f64::from_bits(*bits).ring_key(key),
            (Schema::FloatNarrow, Value::FloatNarrow(bits)) => f32::from_bits(*bits).ring_key(key),
            (Schema::Bool, Value::Bool(value)) => value.ring_key(key),
            (Schema::Text, Value::Text(value)) => value.ring_key(key),
            (Schema::Bytes, Value::Bytes(value)) => value.ring_key(key),
            (Schema::List(element), Value::Many(values)) => {
                let elements: Vec<_> = values.iter().map(|value| Keyed(element, value)).collect();
                elements.ring_key(key);
            }
            (Schema::Group(prefix, fields), Value::Many(values)) => {
                group(key, prefix, fields, values);
            }
            (Schema::Choice(variants), Value::Chosen(index, values)) => match &variants[*index] {
                (name, fields) if fields.is_empty() => key.word(name),
                (name, fields) => group(key, name, fields, values),
            },
            (Schema::Labelled(label, schema), value) => {
                key.label(label);
                Keyed(schema, value).ring_key(key);
            }
            (Schema::Format(before, fields), Value::Many(values)) => {
                key.open_format(before);
                for (index, ((schema, after), value)) in fields.iter().zip(values).enumerate() {
                    Keyed(schema, value).ring_key(key);
                    if index + 1 == fields.len() {
                        key.close_format(after);
                    } else {
                        key.next_field(after);
                    }
                }
            }
            (Schema::Joined(schemas), Value::Many(values)) => {
                for (schema, value) in schemas.iter().zip(values) {
                    Keyed(schema, value).ring_key(key);
                }
            }
            (Schema::Tagged(shapes), Value::Chosen(index, values)) => {
                let (name, schema) = &shapes[*index];
                key.word(name);
                Keyed(schema, &values[0]).ring_key(key);
            }
            (schema, value) => unreachable!("{value:?} is no {schema:?}"),
        }
    }
}

fn group<W: KeyWriter>(key: &mut W, name: &str, fields: &Fields, values: &[Value]) {
    key.open(name, Bracket::Round);
    for ((label, schema), value) in fields.iter().zip(values) {
        key.begin_element();
        if let Some(label) = label {
            key.label(label);
        }
        Keyed(schema, value).ring_key(key);
        key.end_element();
    }
    key.close(Bracket::Round);
}
