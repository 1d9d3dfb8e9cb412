//! Shapes of keys, made up by proptest, and values of these shapes.

use proptest::collection::vec;
use proptest::prelude::*;
use ring_cache::{Bracket, KeyWriter, RingKey};

/// What a type feeds.
#[derive(Clone, Debug)]
pub(crate) enum Schema {
    /// No part at all.
    Nothing,
    Whole,
    Float,
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
    /// An impl by hand that feeds several parts.
    Joined(Vec<Schema>),
    /// An impl by hand that names its shape first.
    Tagged(Vec<(&'static str, Schema)>),
}

/// Fields and their labels.
pub(crate) type Fields = Vec<(Option<&'static str>, Schema)>;

/// A value of a [`Schema`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Nothing,
    Whole(i128),
    /// The bits, of which NaN has one set.
    Float(u64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    /// Elements, fields or parts.
    Many(Vec<Value>),
    /// Which variant, and its fields.
    Chosen(usize, Vec<Value>),
}

/// A value that feeds its parts as a schema says.
pub(crate) struct Keyed<'a>(pub(crate) &'a Schema, pub(crate) &'a Value);

impl RingKey for Keyed<'_> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match (self.0, self.1) {
            (Schema::Nothing, Value::Nothing) => {}
            (Schema::Whole, Value::Whole(value)) => value.ring_key(key),
            (Schema::Float, Value::Float(bits)) => f64::from_bits(*bits).ring_key(key),
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

/// Any shape, up to a depth.
pub(crate) fn schemas() -> impl Strategy<Value = Schema> {
    let leaf = prop_oneof![
        Just(Schema::Nothing),
        Just(Schema::Whole),
        Just(Schema::Float),
        Just(Schema::Bool),
        Just(Schema::Text),
        Just(Schema::Bytes),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let some = vec(inner.clone(), 0..4);
        let prefix = prop_oneof![Just(""), Just("x")];
        let label = prop_oneof![Just(None), Just(Some("l")), Just(Some("m"))];
        let fields = vec((label, inner.clone()), 0..4);
        prop_oneof![
            inner.clone().prop_map(|schema| Schema::List(Box::new(schema))),
            (prefix, fields.clone()).prop_map(|(prefix, fields)| Schema::Group(prefix, fields)),
            (fields.clone(), fields).prop_map(|(a, b)| Schema::Choice(vec![
                ("A", a),
                ("AB", b),
                ("B", vec![])
            ])),
            inner.clone().prop_map(|schema| match schema {
                Schema::Nothing => Schema::Whole,
                Schema::Joined(_) => Schema::List(Box::new(schema)),
                other => Schema::Labelled("it", Box::new(other)),
            }),
            some.prop_map(Schema::Joined),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Schema::Tagged(vec![("a", a), ("ab", b)])),
        ]
    })
}

/// Any value of the shape. Strings and numbers are short, so that two of them are often alike.
pub(crate) fn of_schema(schema: &Schema) -> BoxedStrategy<Value> {
    match schema {
        Schema::Nothing => Just(Value::Nothing).boxed(),
        Schema::Whole => wholes().prop_map(Value::Whole).boxed(),
        Schema::Float => floats()
            .prop_map(|value| Value::Float(if value.is_nan() { f64::NAN } else { value }.to_bits()))
            .boxed(),
        Schema::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Schema::Text => texts().prop_map(Value::Text).boxed(),
        Schema::Bytes => texts()
            .prop_map(|text| Value::Bytes(text.chars().map(|character| character as u8).collect()))
            .boxed(),
        Schema::List(element) => vec(of_schema(element), 0..3).prop_map(Value::Many).boxed(),
        Schema::Group(_, fields) => all(fields.iter().map(|(_, schema)| schema))
            .prop_map(Value::Many)
            .boxed(),
        Schema::Joined(parts) => all(parts).prop_map(Value::Many).boxed(),
        Schema::Labelled(_, schema) => of_schema(schema),
        Schema::Choice(variants) => {
            let fields = variants.iter().map(|(_, fields)| fields);
            one_of(fields.map(|fields| all(fields.iter().map(|(_, schema)| schema))))
        }
        Schema::Tagged(shapes) => one_of(shapes.iter().map(|(_, schema)| all([schema]))),
    }
}

fn all<'a>(schemas: impl IntoIterator<Item = &'a Schema>) -> Vec<BoxedStrategy<Value>> {
    schemas.into_iter().map(of_schema).collect()
}

fn one_of(variants: impl Iterator<Item = Vec<BoxedStrategy<Value>>>) -> BoxedStrategy<Value> {
    let values: Vec<_> = variants.collect();
    (0..values.len())
        .prop_flat_map(move |index| {
            let fields = values[index].clone();
            fields.prop_map(move |fields| Value::Chosen(index, fields))
        })
        .boxed()
}

pub(crate) fn wholes() -> impl Strategy<Value = i128> {
    prop_oneof![4 => -2..13_i128, 1 => any::<i128>(), 1 => any::<i64>().prop_map(i128::from)]
}

pub(crate) fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        prop::sample::select(vec![
            0.0,
            -0.0,
            1.0,
            0.1,
            f64::NAN,
            -f64::NAN,
            f64::INFINITY,
            1e300
        ]),
        any::<u64>().prop_map(f64::from_bits),
    ]
}

/// Mostly of characters that keys use themselves.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a:,'\"\\\\%+()\\[\\]=3A b1é\n]{0,4}",
        1 => any::<String>(),
    ]
}
