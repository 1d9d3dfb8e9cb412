//! Random shapes, values and derived types, by proptest.

use proptest::collection::vec;
use proptest::prelude::*;

use super::schema::{Schema, Value};
use super::typed::{Account, Owner, Page};

/// Any shape, up to a depth.
pub(crate) fn schemas() -> impl Strategy<Value = Schema> {
    let leaf = prop_oneof![
        Just(Schema::Nothing),
        Just(Schema::Whole),
        Just(Schema::Unsigned),
        Just(Schema::Float),
        Just(Schema::FloatNarrow),
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
            formats(inner.clone()),
            some.prop_map(Schema::Joined),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Schema::Tagged(vec![("a", a), ("ab", b)])),
        ]
    })
}

fn formats(inner: impl Strategy<Value = Schema> + Clone) -> impl Strategy<Value = Schema> {
    let outside = || prop::sample::select(vec!["", "a-", "é:", "("]);
    let between = vec![
        "/", "-", ":", ", ", "x.", "%:", "'", "+", "=", "3[A", "%3A\"", "\\/",
    ];
    let fields = vec((inner.clone(), prop::sample::select(between)), 0..3);
    (outside(), fields, inner, outside()).prop_map(|(before, mut fields, last, after)| {
        fields.push((last, after));
        Schema::Format(before, fields)
    })
}

/// Any value of the shape. Strings and numbers are short, so that two of them are often equal.
pub(crate) fn of_schema(schema: &Schema) -> BoxedStrategy<Value> {
    match schema {
        Schema::Nothing => Just(Value::Nothing).boxed(),
        Schema::Whole => wholes().prop_map(Value::Whole).boxed(),
        Schema::Float => floats()
            .prop_map(|value| Value::Float(if value.is_nan() { f64::NAN } else { value }.to_bits()))
            .boxed(),
        Schema::Unsigned => prop_oneof![3 => 0..13_u128, 1 => any::<u128>()]
            .prop_map(Value::Unsigned)
            .boxed(),
        Schema::FloatNarrow => prop_oneof![
            floats().prop_map(|value| value as f32),
            any::<u32>().prop_map(f32::from_bits)
        ]
        .prop_map(|value| Value::FloatNarrow(if value.is_nan() { f32::NAN } else { value }.to_bits()))
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
        Schema::Format(_, fields) => all(fields.iter().map(|(schema, _)| schema))
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

fn wholes() -> impl Strategy<Value = i128> {
    prop_oneof![4 => -2..13_i128, 1 => any::<i128>(), 1 => any::<i64>().prop_map(i128::from)]
}

fn floats() -> impl Strategy<Value = f64> {
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

/// Mostly characters that keys use themselves.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a:,'\"\\\\%+()\\[\\]=/-3A b1é\n]{0,4}",
        1 => any::<String>(),
    ]
}

fn owners() -> impl Strategy<Value = Owner> {
    let leaf = prop_oneof![
        Just(Owner::Nobody),
        texts().prop_map(Owner::Person),
        (texts(), wholes()).prop_map(|(name, number)| Owner::Company { name, number }),
    ];
    leaf.prop_recursive(3, 3, 1, |inner| {
        (inner, any::<bool>()).prop_map(|(owner, sole)| Owner::Trustee(Box::new(owner), sole))
    })
}

/// Any account. Most fields have few values, so that two accounts are often equal.
pub(crate) fn accounts() -> impl Strategy<Value = Account> {
    let rare = |text: BoxedStrategy<String>| prop_oneof![3 => Just(String::new()), 1 => text];
    let raw = vec(any::<u8>(), 0..2);
    let strategies = (
        prop_oneof![3 => Just(1_i128), 1 => wholes()],
        owners(),
        vec(rare(texts().boxed()), 0..2),
        prop::option::of(rare(texts().boxed())),
        prop_oneof![3 => Just(1.0), 1 => floats()],
        rare(texts().boxed()),
        prop_oneof![3 => Just(vec![]), 1 => raw],
    );
    strategies.prop_map(|(id, owner, tags, note, balance, url, raw)| Account {
        id,
        owner,
        tags,
        note,
        balance,
        page: Page { url },
        raw,
        _cached: (),
    })
}
