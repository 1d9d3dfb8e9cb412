//! Derived types of all kinds, and their parts.

use std::collections::{BTreeMap, BTreeSet, LinkedList, VecDeque};
use std::marker::PhantomData;

use arbitrary::Arbitrary;
use ring_cache::RingKey;

use super::schema::{Schema, Value};
use super::shape::{Shape, fields};

/// The schema and the value of a struct with several fields.
macro_rules! group {
    ([$($generic:ident $(: $bound:ident)?),*] $type:ty, $prefix:literal, $($label:literal $field:tt: $of:ty),*) => {
        impl<$($generic: Shape $(+ $bound)?),*> Shape for $type {
            fn schema() -> Schema {
                Schema::Group($prefix, fields([$(($label, <$of>::schema())),*]))
            }

            fn value(&self) -> Value {
                Value::Many(vec![$(self.$field.value()),*])
            }
        }
    };
}

/// Several fields, one of them omitted.
#[derive(Arbitrary, Debug, RingKey)]
pub(crate) struct Plain {
    pub(crate) id: u64,
    pub(crate) name: String,
    #[ring_key(skip)]
    pub(crate) cached: u8,
    pub(crate) raw: Vec<u8>,
    pub(crate) r#type: Option<Option<String>>,
}

group!([] Plain, "", "id" id: u64, "name" name: String, "raw" raw: Vec<u8>, "type" r#type: Option<Option<String>>);

#[derive(Arbitrary, Debug, RingKey)]
#[ring_key(prefix = "user")]
pub(crate) struct Labelled {
    #[ring_key(rename = "n")]
    pub(crate) number: i64,
    pub(crate) tags: Vec<String>,
    #[ring_key(rename = "page")]
    pub(crate) single: Page,
    pub(crate) kind: Kind,
}

group!([] Labelled, "user", "n" number: i64, "tags" tags: Vec<String>, "page" single: Page, "kind" kind: Kind);

/// One field, with a label before its label.
#[derive(Arbitrary, Debug, RingKey)]
#[ring_key(prefix = "page")]
pub(crate) struct Page {
    pub(crate) url: String,
}

impl Shape for Page {
    fn schema() -> Schema {
        Schema::Labelled("page", Box::new(Schema::Text))
    }

    fn value(&self) -> Value {
        self.url.value()
    }
}

/// A field without a label.
#[derive(Arbitrary, Debug, RingKey)]
pub(crate) struct Alone<T>(pub(crate) T);

impl<T: Shape> Shape for Alone<T> {
    fn schema() -> Schema {
        T::schema()
    }

    fn value(&self) -> Value {
        self.0.value()
    }
}

#[derive(Arbitrary, Debug, RingKey)]
#[ring_key(prefix = "pt")]
pub(crate) struct Pair(pub(crate) char, #[ring_key(rename = "y")] pub(crate) String);

group!([] Pair, "pt", "" 0: char, "y" 1: String);

#[derive(Arbitrary, Debug, RingKey)]
pub(crate) struct Empty {
    #[ring_key(skip)]
    pub(crate) cached: u8,
}

impl Shape for Empty {
    fn schema() -> Schema {
        Schema::Choice(vec![("Empty", vec![])])
    }

    fn value(&self) -> Value {
        Value::Chosen(0, vec![])
    }
}

/// All kinds of variants.
#[derive(Arbitrary, Debug, RingKey)]
pub(crate) enum Kind {
    Unit,
    #[ring_key(rename = "Uni")]
    Renamed {
        #[ring_key(skip)]
        cached: u8,
    },
    One(String),
    Two(u8, Box<Option<char>>),
    Named {
        #[ring_key(rename = "w")]
        width: f64,
        bytes: Vec<u8>,
    },
    Nothing(PhantomData<u8>),
}

impl Shape for Kind {
    fn schema() -> Schema {
        Schema::Choice(vec![
            ("Unit", vec![]),
            ("Uni", vec![]),
            ("One", fields([("", Schema::Text)])),
            (
                "Two",
                fields([("", Schema::Whole), ("", Option::<char>::schema())]),
            ),
            ("Named", fields([("w", Schema::Float), ("bytes", Schema::Bytes)])),
            ("Nothing", fields([("", Schema::Nothing)])),
        ])
    }

    fn value(&self) -> Value {
        match self {
            Kind::Unit => Value::Chosen(0, vec![]),
            Kind::Renamed { cached: _ } => Value::Chosen(1, vec![]),
            Kind::One(text) => Value::Chosen(2, vec![text.value()]),
            Kind::Two(number, character) => Value::Chosen(3, vec![number.value(), character.value()]),
            Kind::Named { width, bytes } => Value::Chosen(4, vec![width.value(), bytes.value()]),
            Kind::Nothing(nothing) => Value::Chosen(5, vec![nothing.value()]),
        }
    }
}

#[derive(Arbitrary, Debug, RingKey)]
#[ring_key(prefix = "sort")]
pub(crate) enum Sort<T> {
    Default,
    By(T),
    Both { first: T, then: Vec<T> },
}

impl<T: Shape> Shape for Sort<T> {
    fn schema() -> Schema {
        let both = [("first", T::schema()), ("then", T::schema_of_list())];
        let variants = vec![
            ("Default", vec![]),
            ("By", fields([("", T::schema())])),
            ("Both", fields(both)),
        ];
        Schema::Labelled("sort", Box::new(Schema::Choice(variants)))
    }

    fn value(&self) -> Value {
        match self {
            Sort::Default => Value::Chosen(0, vec![]),
            Sort::By(value) => Value::Chosen(1, vec![value.value()]),
            Sort::Both { first, then } => Value::Chosen(2, vec![first.value(), T::value_of_list(then)]),
        }
    }
}

/// Numbers of all widths.
#[derive(Arbitrary, Debug, RingKey)]
pub(crate) struct Numbers {
    pub(crate) small: (u8, u16, i8, i16),
    pub(crate) usual: (u32, i32, usize, isize),
    pub(crate) wide: (u64, i64, u128, i128),
    pub(crate) floats: (f32, f64, bool),
}

group!([] Numbers, "", "small" small: (u8, u16, i8, i16), "usual" usual: (u32, i32, usize, isize),
    "wide" wide: (u64, i64, u128, i128), "floats" floats: (f32, f64, bool));

#[derive(Arbitrary, Debug, RingKey)]
#[ring_key(prefix = "all")]
pub(crate) struct Collections<K: Ord, T: Ord> {
    pub(crate) map: BTreeMap<K, Vec<T>>,
    pub(crate) set: BTreeSet<K>,
    pub(crate) lists: (VecDeque<T>, LinkedList<K>),
    pub(crate) array: [Option<T>; 2],
    pub(crate) end: Result<(), PhantomData<u8>>,
}

group!([K: Ord, T: Ord] Collections<K, T>, "all", "map" map: BTreeMap<K, Vec<T>>, "set" set: BTreeSet<K>,
    "lists" lists: (VecDeque<T>, LinkedList<K>), "array" array: [Option<T>; 2],
    "end" end: Result<(), PhantomData<u8>>);
