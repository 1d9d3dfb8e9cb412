//! Bounds for untrusted bytes that deserializers lack: how deep a value may be nested, and how many elements without
//! bytes it may have.
//!
//! The wrapper of a deserializer also wraps all of its visitors, seeds, sequences, maps and variants.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// The greatest depth: a sequence, map, struct, tuple or variant counts 2, and an option or a newtype 1. Measured
/// without optimization on a stack of 256 KiB.
const DEPTH: u16 = 96;
const CONTAINER: u16 = 2;
const WRAPPER: u16 = 1;

/// The greatest number of elements beyond one for each byte, such as those of a `Vec<()>`.
const ELEMENTS_WITHOUT_BYTES: usize = 1 << 16;

/// The bounds of one value.
pub(super) struct Bounds {
    /// The number of elements left.
    elements: Cell<usize>,
    /// The exceeded bound.
    exceeded: Cell<Option<&'static str>>,
}

impl Bounds {
    /// The bounds of a value in these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Bounds {
            elements: Cell::new(bytes.len().saturating_add(ELEMENTS_WITHOUT_BYTES)),
            exceeded: Cell::new(None),
        }
    }

    /// The deserializer within these bounds.
    pub(super) fn within<D>(&self, deserializer: D) -> Bounded<'_, D> {
        let limits = Limits {
            bounds: self,
            depth: DEPTH,
            counts: false,
        };
        limits.around(deserializer)
    }

    /// The exceeded bound, if any.
    pub(super) fn exceeded(&self) -> Option<&'static str> {
        self.exceeded.get()
    }

    fn exceed<E: Error>(&self, what: &'static str) -> E {
        self.exceeded.set(Some(what));
        E::custom(what)
    }

    fn count_element<E: Error>(&self) -> Result<(), E> {
        let rest = self.elements.get().checked_sub(1);
        let rest = rest.ok_or_else(|| self.exceed("the value has more elements than bytes"))?;
        self.elements.set(rest);
        Ok(())
    }
}

/// A part of a deserializer within bounds.
pub(super) struct Bounded<'b, T> {
    inner: T,
    limits: Limits<'b>,
}

#[derive(Clone, Copy)]
struct Limits<'b> {
    bounds: &'b Bounds,
    /// The levels left.
    depth: u16,
    /// Whether elements are counted: not those of a struct or tuple, whose number is the type's.
    counts: bool,
}

impl<'b> Limits<'b> {
    fn around<T>(self, inner: T) -> Bounded<'b, T> {
        Bounded { inner, limits: self }
    }

    /// The bounds one level deeper.
    fn deeper<E: Error>(self, cost: u16) -> Result<Self, E> {
        match self.depth.checked_sub(cost) {
            Some(depth) => Ok(Limits { depth, ..self }),
            None => Err(self.bounds.exceed("the value is nested too deep")),
        }
    }

    fn count_element<E: Error>(self) -> Result<(), E> {
        if self.counts {
            self.bounds.count_element()?;
        }
        Ok(())
    }
}

/// Methods with a visitor; `counts` marks those whose number of elements is in the bytes.
macro_rules! deserialize {
    ($($method:ident($($arg:ident: $type:ty),*) $counts:literal)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let limits = Limits { counts: $counts, ..self.limits };
            let visitor = limits.around(visitor);
            self.inner.$method($($arg,)* visitor)
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = D::Error;

    deserialize! {
        deserialize_any() true
        deserialize_bool() false
        deserialize_i8() false
        deserialize_i16() false
        deserialize_i32() false
        deserialize_i64() false
        deserialize_i128() false
        deserialize_u8() false
        deserialize_u16() false
        deserialize_u32() false
        deserialize_u64() false
        deserialize_u128() false
        deserialize_f32() false
        deserialize_f64() false
        deserialize_char() false
        deserialize_str() false
        deserialize_string() false
        deserialize_bytes() false
        deserialize_byte_buf() false
        deserialize_option() false
        deserialize_unit() false
        deserialize_unit_struct(name: &'static str) false
        deserialize_newtype_struct(name: &'static str) false
        deserialize_seq() true
        deserialize_tuple(len: usize) false
        deserialize_tuple_struct(name: &'static str, len: usize) false
        deserialize_map() true
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) false
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) false
        deserialize_identifier() false
        deserialize_ignored_any() true
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! visit {
    ($($method:ident($type:ty))*) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Bounded<'_, V> {
    type Value = V::Value;

    visit! {
        visit_bool(bool) visit_char(char) visit_f32(f32) visit_f64(f64)
        visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128)
        visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
        visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let inside = self.limits.deeper(WRAPPER)?.around(deserializer);
        self.inner.visit_some(inside)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let inside = self.limits.deeper(WRAPPER)?.around(deserializer);
        self.inner.visit_newtype_struct(inside)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<V::Value, A::Error> {
        let inside = self.limits.deeper(CONTAINER)?.around(elements);
        self.inner.visit_seq(inside)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        let inside = self.limits.deeper(CONTAINER)?.around(entries);
        self.inner.visit_map(inside)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        let inside = self.limits.deeper(CONTAINER)?.around(variant);
        self.inner.visit_enum(inside)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Bounded<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let deserializer = self.limits.around(deserializer);
        self.inner.deserialize(deserializer)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.limits.count_element()?;
        let seed = self.limits.around(seed);
        self.inner.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.limits.count_element()?;
        let seed = self.limits.around(seed);
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.limits.around(seed);
        self.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'b, 'de, A: EnumAccess<'de>> EnumAccess<'de> for Bounded<'b, A> {
    type Error = A::Error;
    type Variant = Bounded<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.inner.variant_seed(seed)?;
        Ok((value, self.limits.around(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.limits.around(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.limits.around(visitor);
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.limits.around(visitor);
        self.inner.struct_variant(fields, visitor)
    }
}
