//! The parts that types feed, by the table in `KEYS.md`: written again, for comparison.

use std::collections::{BTreeMap, BTreeSet, LinkedList, VecDeque};
use std::marker::PhantomData;

use ring_cache::RingKey;

use super::schema::{Fields, Schema, Value};

/// A type with a shape, whose values can be expressed in it.
pub(crate) trait Shape: RingKey + Sized + 'static {
    fn schema() -> Schema;
    fn value(&self) -> Value;

    /// Bytes are not a list.
    fn schema_of_list() -> Schema {
        Schema::List(Box::new(Self::schema()))
    }

    fn value_of_list(list: &[Self]) -> Value {
        Value::Many(list.iter().map(Self::value).collect())
    }

    /// Lends the schema, which is made once for each type.
    fn with_schema<R>(ask: impl FnOnce(&Schema) -> R) -> R {
        use std::any::TypeId;
        use std::cell::RefCell;
        thread_local! {
            static SCHEMAS: RefCell<Vec<(TypeId, &'static Schema)>> = const { RefCell::new(Vec::new()) };
        }
        let id = TypeId::of::<Self>();
        let known =
            |known: &Vec<(TypeId, &'static Schema)>| known.iter().find(|known| known.0 == id).copied();
        let schema = SCHEMAS.with_borrow(known).unwrap_or_else(|| {
            let made: (_, &Schema) = (id, Box::leak(Box::new(Self::schema())));
            SCHEMAS.with_borrow_mut(|schemas| schemas.push(made));
            made
        });
        ask(schema.1)
    }
}

/// Fields in order: those of tuples have no label.
pub(crate) fn fields<const N: usize>(fields: [(&'static str, Schema); N]) -> Fields {
    let labelled = |(label, schema)| (Some(label).filter(|label: &&str| !label.is_empty()), schema);
    fields.into_iter().map(labelled).collect()
}

macro_rules! shapes {
    ($($type:ty: $schema:expr, $self:ident => $value:expr;)*) => {$(
        impl Shape for $type {
            fn schema() -> Schema { $schema }
            fn value(&$self) -> Value { $value }
        }
    )*};
}

shapes! {
    u16: Schema::Whole, self => Value::Whole((*self).into());
    u32: Schema::Whole, self => Value::Whole((*self).into());
    u64: Schema::Whole, self => Value::Whole((*self).into());
    i8: Schema::Whole, self => Value::Whole((*self).into());
    i16: Schema::Whole, self => Value::Whole((*self).into());
    i32: Schema::Whole, self => Value::Whole((*self).into());
    i64: Schema::Whole, self => Value::Whole((*self).into());
    i128: Schema::Whole, self => Value::Whole(*self);
    usize: Schema::Whole, self => Value::Whole(*self as i128);
    isize: Schema::Whole, self => Value::Whole(*self as i128);
    u128: Schema::Unsigned, self => Value::Unsigned(*self);
    // Keys have one NaN and two zeros.
    f64: Schema::Float, self => Value::Float(if self.is_nan() { f64::NAN } else { *self }.to_bits());
    f32: Schema::FloatNarrow, self => Value::FloatNarrow(if self.is_nan() { f32::NAN } else { *self }.to_bits());
    bool: Schema::Bool, self => Value::Bool(*self);
    char: Schema::Text, self => Value::Text(self.to_string());
    String: Schema::Text, self => Value::Text(self.clone());
    (): Schema::Group("", vec![]), self => Value::Many(vec![]);
    PhantomData<u8>: Schema::Nothing, self => Value::Nothing;
}

impl Shape for u8 {
    fn schema() -> Schema {
        Schema::Whole
    }

    fn value(&self) -> Value {
        Value::Whole((*self).into())
    }

    fn schema_of_list() -> Schema {
        Schema::Bytes
    }

    fn value_of_list(list: &[Self]) -> Value {
        Value::Bytes(list.to_vec())
    }
}

impl<T: Shape> Shape for Box<T> {
    fn schema() -> Schema {
        T::schema()
    }

    fn value(&self) -> Value {
        T::value(self)
    }
}

impl<T: Shape> Shape for Option<T> {
    fn schema() -> Schema {
        Schema::Choice(vec![("None", vec![]), ("Some", fields([("", T::schema())]))])
    }

    fn value(&self) -> Value {
        match self {
            None => Value::Chosen(0, vec![]),
            Some(value) => Value::Chosen(1, vec![value.value()]),
        }
    }
}

impl<T: Shape, E: Shape> Shape for Result<T, E> {
    fn schema() -> Schema {
        Schema::Choice(vec![
            ("Ok", fields([("", T::schema())])),
            ("Err", fields([("", E::schema())])),
        ])
    }

    fn value(&self) -> Value {
        match self {
            Ok(value) => Value::Chosen(0, vec![value.value()]),
            Err(error) => Value::Chosen(1, vec![error.value()]),
        }
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn schema() -> Schema {
        T::schema_of_list()
    }

    fn value(&self) -> Value {
        T::value_of_list(self)
    }
}

impl<T: Shape, const N: usize> Shape for [T; N] {
    fn schema() -> Schema {
        T::schema_of_list()
    }

    fn value(&self) -> Value {
        T::value_of_list(self)
    }
}

macro_rules! lists {
    ($($list:ident)*) => {$(
        impl<T: Shape + Ord> Shape for $list<T> {
            fn schema() -> Schema {
                Schema::List(Box::new(T::schema()))
            }

            fn value(&self) -> Value {
                Value::Many(self.iter().map(T::value).collect())
            }
        }
    )*};
}

lists!(BTreeSet LinkedList VecDeque);

impl<K: Shape + Ord, V: Shape> Shape for BTreeMap<K, V> {
    fn schema() -> Schema {
        Schema::List(Box::new(<(K, V)>::schema()))
    }

    fn value(&self) -> Value {
        let pairs = self
            .iter()
            .map(|(key, value)| Value::Many(vec![key.value(), value.value()]));
        Value::Many(pairs.collect())
    }
}

macro_rules! tuples {
    ($($type:ident $index:tt)*) => {
        impl<$($type: Shape),*> Shape for ($($type,)*) {
            fn schema() -> Schema {
                Schema::Group("", fields([$(("", $type::schema())),*]))
            }

            fn value(&self) -> Value {
                Value::Many(vec![$(self.$index.value()),*])
            }
        }
    };
}

tuples!(A 0);
tuples!(A 0 B 1);
tuples!(A 0 B 1 C 2);
tuples!(A 0 B 1 C 2 D 3);
