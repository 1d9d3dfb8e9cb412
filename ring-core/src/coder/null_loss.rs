//! Values that would be read as other values, since CBOR, MessagePack and JSON write them as null. A `Some` is written as
//! its content, so `Some(None)` and `Some(())` are read as `None`. JSON lacks infinities and NaN.
//!
//! Such values are counted in the written value and in the value read back: types with their own impl may distinguish them.

use std::cell::Cell;
use std::fmt;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Cause, Coder};

/// The format, which determines the values written as null.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Format {
    #[cfg(feature = "cbor")]
    Cbor,
    #[cfg(feature = "json")]
    Json,
    #[cfg(feature = "message-pack")]
    MessagePack,
}

impl Format {
    const fn is_json(self) -> bool {
        match self {
            #[cfg(feature = "cbor")]
            Self::Cbor => false,
            #[cfg(feature = "json")]
            Self::Json => true,
            #[cfg(feature = "message-pack")]
            Self::MessagePack => false,
        }
    }

    const fn loss(self) -> &'static str {
        match self {
            #[cfg(feature = "cbor")]
            Self::Cbor => {
                "it holds a `Some` of nothing, such as `Some(None)`, which CBOR writes as null and reads as `None`"
            }
            #[cfg(feature = "json")]
            Self::Json => {
                "it holds a `Some` of nothing, an infinity or NaN, which JSON writes as null and reads as another value"
            }
            #[cfg(feature = "message-pack")]
            Self::MessagePack => {
                "it holds a `Some` of nothing, such as `Some(None)`, which MessagePack writes as nil and reads as `None`"
            }
        }
    }
}

/// An error if decoding `bytes`, the encoded value, would lose values that were written as null.
pub(super) fn refuse<C: Coder<V>, V: Serialize>(
    value: &V,
    bytes: &[u8],
    format: Format,
) -> Result<(), Cause> {
    let written = count(value, format)?;
    let comes_back = || C::decode(bytes).is_ok_and(|read| count(&read, format) == Ok(written));
    if written == 0 || comes_back() {
        return Ok(());
    }
    Err(format.loss().into())
}

fn count<V: Serialize>(value: &V, format: Format) -> Result<usize, fmt::Error> {
    let found = Cell::new(0);
    value.serialize(Nulls {
        format,
        found: &found,
    })?;
    Ok(found.get())
}

/// A serializer without output. Returns whether a value is written as null, and counts null values other than `None` and
/// `()`.
#[derive(Clone, Copy)]
struct Nulls<'a> {
    format: Format,
    found: &'a Cell<usize>,
}

impl Nulls<'_> {
    /// A value that is written as null if `null`.
    fn something(self, null: bool) -> bool {
        self.found.set(self.found.get() + usize::from(null));
        null
    }
}

const NULL: Result<bool, fmt::Error> = Ok(true);
const SOMETHING: Result<bool, fmt::Error> = Ok(false);

macro_rules! something {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, _: $type) -> Result<bool, fmt::Error> { SOMETHING })*
    };
}

impl Serializer for Nulls<'_> {
    type Ok = bool;
    type Error = fmt::Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    something! {
        serialize_bool(bool) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
    }

    fn serialize_f32(self, number: f32) -> Result<bool, fmt::Error> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<bool, fmt::Error> {
        Ok(self.something(self.format.is_json() && !number.is_finite()))
    }

    fn serialize_none(self) -> Result<bool, fmt::Error> {
        NULL
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<bool, fmt::Error> {
        let null = value.serialize(self)?;
        Ok(self.something(null))
    }

    fn serialize_unit(self) -> Result<bool, fmt::Error> {
        NULL
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<bool, fmt::Error> {
        NULL
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<bool, fmt::Error> {
        SOMETHING
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<bool, fmt::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<bool, fmt::Error> {
        value.serialize(self)?;
        SOMETHING
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, fmt::Error> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, fmt::Error> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, fmt::Error> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, fmt::Error> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, fmt::Error> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, fmt::Error> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, fmt::Error> {
        Ok(self)
    }

    /// The content of a text does not matter, so it is not rendered.
    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<bool, fmt::Error> {
        SOMETHING
    }

    fn is_human_readable(&self) -> bool {
        self.format.is_json()
    }
}

macro_rules! compound {
    ($($interface:ident: $($method:ident($($name:ty)?))+;)*) => {
        $(impl $interface for Nulls<'_> {
            type Ok = bool;
            type Error = fmt::Error;

            $(fn $method<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Result<(), fmt::Error> {
                value.serialize(*self).map(drop)
            })+

            fn end(self) -> Result<bool, fmt::Error> {
                SOMETHING
            }
        })*
    };
}

compound! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeMap: serialize_key() serialize_value();
    SerializeStruct: serialize_field(&'static str);
    SerializeStructVariant: serialize_field(&'static str);
}
