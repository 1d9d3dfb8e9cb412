//! Shapes of types: fingerprints of everything that determines their encoded bytes.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// A type with a shape: names and types of its fields, its variants, and its serde attributes.
///
/// `#[ring(version = shape)]` puts a fingerprint of the value's shape into the ring's name. A change of the type, or of a
/// type in it, changes the name: old and new programs share a storage, and neither reads the other's entries. Derive it on
/// the types of values; by hand it is one line:
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::{RingShape, ShapeWriter};
///
/// /// Written by code of its own, in its second form.
/// struct Money;
///
/// impl RingShape for Money {
///     fn ring_shape(shape: &mut ShapeWriter) { shape.text("Money, 2") }
/// }
/// ```
///
/// Types with equal encodings in serde have one shape: `String` and `Arc<str>`, `Vec` and `HashSet`, `T` and `Box<T>`.
#[diagnostic::on_unimplemented(
    message = "the shape of `{Self}` is not known",
    label = "`{Self}` does not implement `RingShape`",
    note = "write `#[derive(RingShape)]` on the type, `#[ring_shape(opaque)]` on a field of another crate's type, or a number: `version = 2`"
)]
pub trait RingShape {
    /// Writes everything that determines the bytes of values.
    fn ring_shape(shape: &mut ShapeWriter);
}

/// Receives the parts of a shape: see [`RingShape`].
pub struct ShapeWriter {
    hash: u64,
    /// The derived types written so far, so that a type may contain itself.
    known: Vec<TypeId>,
}

/// FNV-1a: the same in every release and on every machine.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

impl ShapeWriter {
    /// Sixteen hexadecimal digits.
    pub(crate) fn fingerprint_of<T: RingShape + ?Sized>() -> String {
        let mut shape = ShapeWriter {
            hash: OFFSET,
            known: Vec::new(),
        };
        T::ring_shape(&mut shape);
        format!("{:016x}", shape.hash)
    }

    /// Writes a name, or another text that determines the bytes.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// Writes the shape of a part.
    pub fn of<T: RingShape + ?Sized>(&mut self) {
        T::ring_shape(self);
    }

    /// Writes the shape of a derived type, which may contain itself.
    #[doc(hidden)]
    pub fn define<T>(&mut self, parts: fn(&mut Self)) {
        let id = typeid::of::<T>();
        if let Some(place) = self.known.iter().position(|known| *known == id) {
            self.text("again");
            self.number(place as u64);
            return;
        }
        self.known.push(id);
        self.text("(");
        parts(self);
        self.text(")");
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

impl fmt::Debug for ShapeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShapeWriter").finish_non_exhaustive()
    }
}

/// Types with a name.
macro_rules! named {
    ($($(#[$meta:meta])* $type:ty => $name:literal;)*) => {$(
        $(#[$meta])*
        impl RingShape for $type {
            fn ring_shape(shape: &mut ShapeWriter) {
                shape.text($name);
            }
        }
    )*};
}

named! {
    () => "unit";
    bool => "bool";
    char => "char";
    u8 => "u8";
    u16 => "u16";
    u32 => "u32";
    u64 => "u64";
    u128 => "u128";
    usize => "u64";
    i8 => "i8";
    i16 => "i16";
    i32 => "i32";
    i64 => "i64";
    i128 => "i128";
    isize => "i64";
    f32 => "f32";
    f64 => "f64";
    str => "str";
    String => "str";
    std::path::Path => "path";
    std::path::PathBuf => "path";
    std::time::Duration => "Duration";
    std::time::SystemTime => "SystemTime";
    std::net::IpAddr => "IpAddr";
    std::net::Ipv4Addr => "Ipv4Addr";
    std::net::Ipv6Addr => "Ipv6Addr";
    std::net::SocketAddr => "SocketAddr";
    std::num::NonZeroU8 => "NonZero u8";
    std::num::NonZeroU16 => "NonZero u16";
    std::num::NonZeroU32 => "NonZero u32";
    std::num::NonZeroU64 => "NonZero u64";
    std::num::NonZeroI32 => "NonZero i32";
    std::num::NonZeroI64 => "NonZero i64";
    #[cfg(feature = "bytes")]
    bytes::Bytes => "bytes";
    #[cfg(feature = "uuid")]
    uuid::Uuid => "Uuid";
    #[cfg(feature = "url")]
    url::Url => "Url";
    #[cfg(feature = "json")]
    serde_json::Value => "JSON";
    #[cfg(feature = "chrono")]
    chrono::NaiveDate => "chrono::NaiveDate";
    #[cfg(feature = "chrono")]
    chrono::NaiveTime => "chrono::NaiveTime";
    #[cfg(feature = "chrono")]
    chrono::NaiveDateTime => "chrono::NaiveDateTime";
    #[cfg(feature = "chrono")]
    chrono::DateTime<chrono::Utc> => "chrono::DateTime Utc";
    #[cfg(feature = "chrono")]
    chrono::DateTime<chrono::FixedOffset> => "chrono::DateTime FixedOffset";
    #[cfg(feature = "jiff")]
    jiff::Timestamp => "jiff::Timestamp";
    #[cfg(feature = "jiff")]
    jiff::Zoned => "jiff::Zoned";
    #[cfg(feature = "jiff")]
    jiff::civil::Date => "jiff::civil::Date";
    #[cfg(feature = "jiff")]
    jiff::civil::Time => "jiff::civil::Time";
    #[cfg(feature = "jiff")]
    jiff::civil::DateTime => "jiff::civil::DateTime";
}

/// Types that are encoded as their target.
macro_rules! transparent {
    ($($type:ty)*) => {$(
        impl<T: RingShape + ?Sized> RingShape for $type {
            fn ring_shape(shape: &mut ShapeWriter) {
                T::ring_shape(shape);
            }
        }
    )*};
}

transparent!(&T Box<T> Rc<T> Arc<T>);

impl<T: RingShape + ToOwned + ?Sized> RingShape for Cow<'_, T> {
    fn ring_shape(shape: &mut ShapeWriter) {
        T::ring_shape(shape);
    }
}

impl<T: ?Sized> RingShape for std::marker::PhantomData<T> {
    fn ring_shape(shape: &mut ShapeWriter) {
        shape.text("unit");
    }
}

impl<T: RingShape, const N: usize> RingShape for [T; N] {
    fn ring_shape(shape: &mut ShapeWriter) {
        shape.text("array");
        shape.number(N as u64);
        T::ring_shape(shape);
    }
}

/// Generic types: their names and arguments.
macro_rules! generic {
    ($($type:ty, <$($parameter:ident),*> => $name:literal;)*) => {$(
        impl<$($parameter: RingShape),*> RingShape for $type {
            fn ring_shape(shape: &mut ShapeWriter) {
                shape.text($name);
                $($parameter::ring_shape(shape);)*
            }
        }
    )*};
}

generic! {
    [T], <T> => "seq";
    Vec<T>, <T> => "seq";
    VecDeque<T>, <T> => "seq";
    LinkedList<T>, <T> => "seq";
    BTreeSet<T>, <T> => "seq";
    Option<T>, <T> => "option";
    Result<T, E>, <T, E> => "result";
    BTreeMap<K, V>, <K, V> => "map";
    std::ops::Range<T>, <T> => "Range";
    std::ops::RangeInclusive<T>, <T> => "RangeInclusive";
    std::ops::Bound<T>, <T> => "Bound";
    std::num::Wrapping<T>, <T> => "Wrapping";
    std::cmp::Reverse<T>, <T> => "Reverse";
    (A,), <A> => "tuple 1";
    (A, B), <A, B> => "tuple 2";
    (A, B, C), <A, B, C> => "tuple 3";
    (A, B, C, D), <A, B, C, D> => "tuple 4";
    (A, B, C, D, E), <A, B, C, D, E> => "tuple 5";
    (A, B, C, D, E, F), <A, B, C, D, E, F> => "tuple 6";
    (A, B, C, D, E, F, G), <A, B, C, D, E, F, G> => "tuple 7";
    (A, B, C, D, E, F, G, H), <A, B, C, D, E, F, G, H> => "tuple 8";
}

impl<T: RingShape, S> RingShape for HashSet<T, S> {
    fn ring_shape(shape: &mut ShapeWriter) {
        <[T]>::ring_shape(shape);
    }
}

impl<K: RingShape, V: RingShape, S> RingShape for HashMap<K, V, S> {
    fn ring_shape(shape: &mut ShapeWriter) {
        BTreeMap::<K, V>::ring_shape(shape);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<T: RingShape + ?Sized>() -> String {
        ShapeWriter::fingerprint_of::<T>()
    }

    #[test]
    fn types_that_are_written_alike_have_one_shape() {
        assert_eq!(of::<String>(), of::<Arc<str>>());
        assert_eq!(of::<Vec<Box<u8>>>(), of::<HashSet<u8>>());
        assert_eq!(of::<HashMap<u8, String>>(), of::<BTreeMap<u8, Cow<'_, str>>>());
        assert_eq!(of::<usize>(), of::<u64>());
    }

    #[test]
    fn other_types_have_other_shapes() {
        let shapes = [
            of::<u8>(),
            of::<i8>(),
            of::<u64>(),
            of::<String>(),
            of::<Option<u8>>(),
            of::<Vec<u8>>(),
            of::<[u8; 2]>(),
            of::<[u8; 3]>(),
            of::<(u8,)>(),
            of::<(u8, u8)>(),
            of::<(u8, (u8, u8))>(),
            of::<((u8, u8), u8)>(),
            of::<(u8, u8, u8)>(),
            of::<Result<u8, ()>>(),
            of::<Result<(), u8>>(),
        ];
        let distinct: HashSet<_> = shapes.iter().collect();
        assert_eq!(distinct.len(), shapes.len());
    }

    /// The next release finds entries of this one.
    #[test]
    fn shapes_are_stable() {
        assert_eq!(of::<()>(), "f2a939eb82123e3b");
        assert_eq!(of::<Vec<(u64, Option<String>)>>(), "7d20a44abe63b465");
    }
}
