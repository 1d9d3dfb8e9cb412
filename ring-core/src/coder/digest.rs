//! A digest of a value by serde, with the names of fields and variants. It shows whether a value was read as another one,
//! without `PartialEq`.
//!
//! Digests of a sequence's elements are added: those of a `HashSet` come in any order.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Whether two values have one digest. `false` if one cannot be serialized.
pub(super) fn are_equal<V: Serialize>(value: &V, other: &V) -> bool {
    match (value.serialize(Digest), other.serialize(Digest)) {
        (Ok(digest), Ok(other)) => digest == other,
        _ => false,
    }
}

#[derive(Clone, Copy)]
struct Digest;

fn of(part: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    part.hash(&mut hasher);
    hasher.finish()
}

macro_rules! leaf {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, value: $type) -> Result<u64, fmt::Error> {
            Ok(of((stringify!($method), value)))
        })*
    };
}

impl Serializer for Digest {
    type Ok = u64;
    type Error = fmt::Error;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    leaf! {
        serialize_bool(bool) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_unit_struct(&'static str)
    }

    fn serialize_f32(self, number: f32) -> Result<u64, fmt::Error> {
        Ok(of(("f32", number.to_bits())))
    }

    fn serialize_f64(self, number: f64) -> Result<u64, fmt::Error> {
        Ok(of(("f64", number.to_bits())))
    }

    fn serialize_none(self) -> Result<u64, fmt::Error> {
        Ok(of("none"))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<u64, fmt::Error> {
        Ok(of(("some", value.serialize(self)?)))
    }

    fn serialize_unit(self) -> Result<u64, fmt::Error> {
        Ok(of("unit"))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<u64, fmt::Error> {
        Ok(of(("variant", name)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<u64, fmt::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<u64, fmt::Error> {
        Ok(of(("newtype variant", name, value.serialize(self)?)))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, fmt::Error> {
        Ok(Parts::of("seq"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, fmt::Error> {
        Ok(Parts::of("tuple"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, fmt::Error> {
        Ok(Parts::of("tuple"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts, fmt::Error> {
        Ok(Parts::of(name))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts, fmt::Error> {
        Ok(Parts::of("map"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, fmt::Error> {
        Ok(Parts::of("struct"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts, fmt::Error> {
        Ok(Parts::of(name))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a value: their number and the sum of their digests.
struct Parts {
    kind: &'static str,
    number: u64,
    sum: u64,
    /// The digest of a map's key, until its value comes.
    key: u64,
}

impl Parts {
    fn of(kind: &'static str) -> Self {
        Parts {
            kind,
            number: 0,
            sum: 0,
            key: 0,
        }
    }

    fn add(&mut self, place: impl Hash, digest: u64) {
        self.number += 1;
        self.sum = self.sum.wrapping_add(of((place, digest)));
    }

    fn finish(self) -> Result<u64, fmt::Error> {
        Ok(of((self.kind, self.number, self.sum)))
    }
}

/// Parts are distinguished by index in a tuple and by name in a struct; in a sequence not at all.
macro_rules! compound {
    ($($interface:ident: $method:ident($($name:ident: $type:ty)?) at $parts:ident $place:expr;)*) => {
        $(impl $interface for Parts {
            type Ok = u64;
            type Error = fmt::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $type,)? value: &T) -> Result<(), fmt::Error> {
                let $parts = &*self;
                let (place, digest) = ($place, value.serialize(Digest)?);
                self.add(place, digest);
                Ok(())
            }

            fn end(self) -> Result<u64, fmt::Error> {
                self.finish()
            }
        })*
    };
}

compound! {
    SerializeSeq: serialize_element() at _parts ();
    SerializeTuple: serialize_element() at parts parts.number;
    SerializeTupleStruct: serialize_field() at parts parts.number;
    SerializeTupleVariant: serialize_field() at parts parts.number;
    SerializeStruct: serialize_field(name: &'static str) at _parts name;
    SerializeStructVariant: serialize_field(name: &'static str) at _parts name;
}

impl SerializeMap for Parts {
    type Ok = u64;
    type Error = fmt::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), fmt::Error> {
        self.key = key.serialize(Digest)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        let (key, digest) = (self.key, value.serialize(Digest)?);
        self.add(key, digest);
        Ok(())
    }

    fn end(self) -> Result<u64, fmt::Error> {
        self.finish()
    }
}
