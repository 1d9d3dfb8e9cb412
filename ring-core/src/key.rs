//! Keys: the identity of values, written once for hashing, comparing, storing and reading.
//!
//! A [`RingKey`] is visited like [`std::hash::Hash`]: it feeds its parts to a [`KeyWriter`]. There are four writers:
//! one hashes the parts, one compares them with the bytes of an entry, one produces these bytes, and one renders the
//! text for people and remote storages. A look-up in memory uses the first two only, so a hit renders, copies and
//! allocates nothing.
//!
//! `KEYS.md` in this crate is the grammar of both forms, bytes and text.

mod collections;
mod enclosing;
mod encode;
mod escape;
mod hash;
mod name;
mod network;
mod number;
mod other_crates;
mod owned;
mod parts;
mod pointer;
mod reading;
mod recorded;
mod recorded_segment;
mod replay;
mod seed;
mod small_bytes;
mod template;
mod text;
mod time;
mod typename;
mod words;

pub use name::Name;
pub use owned::Key;
pub(crate) use parts::KeyShape;
pub use parts::{CallKey, Ignored, KeyPart, KeyParts};
pub use reading::Reading;
pub use recorded::EncodedKey;
pub use recorded_segment::Recorded;
pub use template::{Literal, Place, Template, TemplateSegments};
pub use text::{namespace_text, text_in_namespace};
pub use typename::TypeName;

pub(crate) use hash::hash_key;
pub(crate) use recorded::KeyBytes;
pub(crate) use text::key_text;
pub(crate) use text::recorded_text;

/// A type whose values can be parts of keys.
///
/// Derive it on domain types; by hand it is one line, like the original's `__ring_key__`:
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::{KeyWriter, RingKey};
///
/// struct Service { id: u64, connection: std::net::TcpListener }
///
/// impl RingKey for Service {
///     fn ring_key<W: KeyWriter>(&self, key: &mut W) { self.id.ring_key(key) }
/// }
/// ```
///
/// Equal values must feed equal parts, and different values different parts. Several parts in a row are allowed: the writers
/// separate them. A type whose values have different shapes feeds the shape first ([`KeyWriter::word`] or
/// [`KeyWriter::label`]), as a derived enum does.
///
/// A look-up in memory runs this code while the compared entry is locked for reading. It should only read fields, and must
/// not call a cached method.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key",
    label = "`{Self}` does not implement `RingKey`",
    note = "a type of your own: write `#[derive(RingKey)]` above it; a type parameter: write the bound `T: RingKey`",
    note = "a type of another crate: wrap it in a type of your own, write `#[ring_key(with = function)]` on a field, or leave it out of the key, `ignore(..)` for an argument, `#[ring_key(skip)]` for a field",
    note = "types of `uuid`, `url`, `bytes`, `chrono` and `jiff` are keys with the feature of that name"
)]
pub trait RingKey {
    /// Feeds the parts of this value to `key`.
    fn ring_key<W: KeyWriter>(&self, key: &mut W);

    /// Writes the stable name of the type, its module included.
    ///
    /// Distinguishes the instantiations of a generic ring on a storage that outlives the process. The derive writes it; a
    /// manual impl needs it only for types that are type arguments of such rings.
    fn ring_name(name: &mut TypeName) {
        name.unnamed();
    }

    /// Whether the text of a value may match. True if the type does not know.
    #[doc(hidden)]
    fn may_read(_: Reading<'_>) -> bool {
        true
    }

    /// [`may_read`](Self::may_read) for a slice of such values.
    #[doc(hidden)]
    fn slice_may_read(reading: Reading<'_>) -> bool {
        reading.of_group("[")
    }

    /// The recorded form of this key, if it is one: it need not be recorded again.
    #[doc(hidden)]
    #[inline]
    fn as_recorded(&self) -> Option<&EncodedKey> {
        None
    }

    /// The kept hash of this key, if any: it need not be computed again.
    #[doc(hidden)]
    #[inline]
    fn known_hash(&self) -> Option<u64> {
        self.as_recorded().map(EncodedKey::hash_value)
    }

    /// Feeds a slice of such values. Only bytes differ from a list of elements.
    #[doc(hidden)]
    fn ring_key_slice<W: KeyWriter>(slice: &[Self], key: &mut W)
    where
        Self: Sized,
    {
        key.list(slice);
    }
}

/// The brackets around a group of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bracket {
    /// `(` and `)`: a fixed number of elements, as of a struct, a tuple or an enum's variant.
    Round,
    /// `[` and `]`: any number of elements, as of a list.
    Square,
}

/// Receives the parts of a key: see [`RingKey`].
///
/// The trait is sealed: its four implementations are in this crate, so that new kinds of parts can be added.
pub trait KeyWriter: Sized + sealed::Sealed {
    /// A non-negative integer.
    fn unsigned(&mut self, value: u64);
    /// An integer; non-negative ones equal [`unsigned`](Self::unsigned) ones.
    fn signed(&mut self, value: i64);
    /// A non-negative integer of up to 128 bits; those that fit into 64 equal [`unsigned`](Self::unsigned) ones.
    fn unsigned_wide(&mut self, value: u128);
    /// An integer of up to 128 bits; those that fit into 64 equal [`signed`](Self::signed) ones.
    fn signed_wide(&mut self, value: i128);
    /// A floating point number. All NaN are equal; `-0.0` and `0.0` differ, since `1.0 / x` does.
    fn float(&mut self, value: f64);
    /// A floating point number of 32 bits, by the rules of [`float`](Self::float).
    fn float_narrow(&mut self, value: f32);
    /// A string.
    fn text(&mut self, value: &str);
    /// A string of bytes.
    fn bytes(&mut self, value: &[u8]);
    /// A bare word from a fixed set, such as `true` or the name of an enum's unit variant.
    fn word(&mut self, word: &str);
    /// Names the part that follows: `page=` in `page=http://example.com`.
    fn label(&mut self, name: &str);
    /// Opens a group. Each element stands between [`begin_element`](Self::begin_element) and
    /// [`end_element`](Self::end_element), or is fed by [`element`](Self::element).
    fn open(&mut self, name: &str, bracket: Bracket);
    /// Closes the group that was opened last.
    fn close(&mut self, bracket: Bracket);
    /// Begins an element of the open group.
    fn begin_element(&mut self);
    /// Ends an element of the open group.
    fn end_element(&mut self);

    /// Feeds one element of the open group.
    #[inline]
    fn element<K: RingKey + ?Sized>(&mut self, element: &K) {
        self.begin_element();
        element.ring_key(self);
        self.end_element();
    }

    /// Feeds a list: `[1,2,3]`.
    #[inline]
    fn list<'k, K: RingKey + ?Sized + 'k>(&mut self, elements: impl IntoIterator<Item = &'k K>) {
        self.open("", Bracket::Square);
        for element in elements {
            self.element(element);
        }
        self.close(Bracket::Square);
    }

    /// Begins the key of a ring's call with the ring's name.
    #[doc(hidden)]
    fn ring(&mut self, name: &Name);
    /// Begins a segment of a ring's call: `self` or one argument.
    #[doc(hidden)]
    fn begin_segment(&mut self);
    /// Ends a segment of a ring's call.
    #[doc(hidden)]
    fn end_segment(&mut self);
    /// Puts texts of a template around the value of the segment that was just begun.
    #[doc(hidden)]
    fn surround(&mut self, before: &str, after: &str);
    /// Begins a part that reads as text with one or more values in it.
    #[doc(hidden)]
    fn open_format(&mut self, before: &str);
    /// Ends a value of a format, and begins the next one. The text between them has a punctuation mark that separates them.
    #[doc(hidden)]
    fn next_field(&mut self, between: &str);
    /// Ends the last value of a format, and the format.
    #[doc(hidden)]
    fn close_format(&mut self, after: &str);
    /// A whole key that was recorded before.
    #[doc(hidden)]
    fn recorded(&mut self, key: &EncodedKey);
}

pub(crate) mod sealed {
    /// Only this crate implements it.
    pub trait Sealed {}
}
