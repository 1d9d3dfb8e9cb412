//! The two writers of a key's bytes: one produces them, one compares them with those of an entry.
//!
//! Both are one encoder with two sinks, so that they cannot differ. Every part is a tag and a fixed or prefixed length;
//! `KEYS.md` has the table.

use super::hash::hash_key;
use super::name::Name;
use super::recorded::{EncodedKey, KeyBytes};
use super::small_bytes::{Collector, INLINE, SmallBytes};
use super::{Bracket, KeyWriter, RingKey, number, sealed::Sealed};

/// The first byte of each item of the encoding.
pub(crate) mod tag {
    // Tags and big-endian integers sort as the numbers do.
    pub(crate) const NEGATIVE_WIDE: u8 = 0x02;
    pub(crate) const NEGATIVE: u8 = 0x03;
    pub(crate) const UNSIGNED: u8 = 0x04;
    pub(crate) const UNSIGNED_WIDE: u8 = 0x05;
    pub(crate) const FLOAT: u8 = 0x06;
    pub(crate) const FLOAT_NARROW: u8 = 0x07;
    pub(crate) const TEXT: u8 = 0x08;
    pub(crate) const BYTES: u8 = 0x09;
    pub(crate) const WORD: u8 = 0x0a;
    pub(crate) const LABEL: u8 = 0x0b;
    pub(crate) const OPEN_ROUND: u8 = 0x0c;
    pub(crate) const OPEN_SQUARE: u8 = 0x0d;
    pub(crate) const CLOSE: u8 = 0x0e;
    /// Between two parts of one element.
    pub(crate) const JOIN: u8 = 0x0f;
    /// An element without parts.
    pub(crate) const EMPTY: u8 = 0x10;
    /// Texts around a segment.
    pub(crate) const SURROUND: u8 = 0x11;
    /// A format and the text before its first value.
    pub(crate) const FORMAT: u8 = 0x12;
    /// The text between two values of a format.
    pub(crate) const BETWEEN: u8 = 0x13;
    /// The text after the last value of a format, which ends.
    pub(crate) const AFTER: u8 = 0x14;
}

/// A length of at least this many bytes follows this byte as eight bytes.
pub(crate) const LONG: u8 = 0xff;

/// The bytes of a key as an element of a group, where a recorded key counts as a string.
pub(crate) fn element_bytes<K: RingKey + ?Sized>(key: &K) -> Vec<u8> {
    let mut encoder = Encoder {
        sink: Vec::new(),
        started: false,
        nested: false,
    };
    encoder.element(key);
    encoder.sink
}

impl EncodedKey {
    /// Records a key.
    #[inline]
    pub fn of<K: RingKey + ?Sized>(key: &K) -> Self {
        Self::with_hash(hash_key(key), key)
    }

    /// Records a key whose hash is known.
    #[inline]
    pub(crate) fn with_hash<K: RingKey + ?Sized>(hash: u64, key: &K) -> Self {
        EncodedKey {
            hash,
            bytes: KeyBytes::of(key),
        }
    }
}

impl KeyBytes {
    /// Records a key.
    #[inline]
    pub(super) fn of<K: RingKey + ?Sized>(key: &K) -> Self {
        KeyBytes(encode(key, Collector::new()).finish())
    }

    /// Whether `key` feeds exactly these bytes.
    #[inline(always)]
    pub(crate) fn is<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        match &self.0 {
            SmallBytes::Inline(short) => feeds(key, &short.bytes, usize::from(short.length)),
            SmallBytes::Heap(bytes) => {
                let rest = encode(key, Rest(Some(bytes)));
                rest.0.is_some_and(<[u8]>::is_empty)
            }
        }
    }
}

#[inline(always)]
fn encode<K: RingKey + ?Sized, S: Sink>(key: &K, sink: S) -> S {
    let mut encoder = Encoder {
        sink,
        started: false,
        nested: false,
    };
    key.ring_key(&mut encoder);
    if encoder.nested {
        // A label without a part is completed; elsewhere the end of the element does this.
        encoder.end_element();
    }
    encoder.sink
}

/// Whether `key` feeds exactly the first `length` of these bytes.
#[inline(always)]
fn feeds<K: RingKey + ?Sized>(key: &K, bytes: &[u8; INLINE], length: usize) -> bool {
    let compared = encode(
        key,
        Comparer {
            bytes,
            place: 0,
            equal: true,
        },
    );
    compared.equal && compared.place == length
}

/// Takes the bytes of a key as they are produced.
pub(super) trait Sink {
    /// Bytes of any number.
    fn put(&mut self, bytes: &[u8]);

    /// Bytes of a number known at compile time.
    #[inline]
    fn put_fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        self.put(&bytes);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for Collector {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.append(bytes);
    }
}

/// Compares with the inline bytes of an entry.
struct Comparer<'a> {
    bytes: &'a [u8; INLINE],
    /// Constant as long as all parts before have fixed lengths.
    place: usize,
    equal: bool,
}

impl Comparer<'_> {
    /// The bytes at the offset; may be too few.
    #[inline]
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.place..).unwrap_or_default()
    }
}

impl Sink for Comparer<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.equal &= self
            .rest()
            .get(..bytes.len())
            .is_some_and(|found| are_equal(found, bytes));
        self.place += bytes.len();
    }

    #[inline]
    fn put_fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        self.equal &= self.rest().first_chunk() == Some(&bytes);
        self.place += N;
    }
}

/// Compares with an entry's bytes of any length: the remaining ones, or `None` after a difference.
struct Rest<'a>(Option<&'a [u8]>);

impl Sink for Rest<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let split = self.0.and_then(|rest| rest.split_at_checked(bytes.len()));
        self.0 = match split {
            Some((found, rest)) if are_equal(found, bytes) => Some(rest),
            _ => None,
        };
    }

    #[inline]
    fn put_fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        self.0 = match self.0.and_then(<[u8]>::split_first_chunk) {
            Some((found, rest)) if *found == bytes => Some(rest),
            _ => None,
        };
    }
}

/// Whether bytes are equal. Compares texts of usual lengths, 16 to 32 bytes, without a call, which would cost more.
#[inline(always)]
fn are_equal(found: &[u8], bytes: &[u8]) -> bool {
    match (found.first_chunk::<16>(), bytes.first_chunk::<16>()) {
        (Some(first), Some(other)) if bytes.len() <= 32 => {
            found.len() == bytes.len()
                && first == other
                && found.last_chunk::<16>() == bytes.last_chunk::<16>()
        }
        _ => found == bytes,
    }
}

struct Encoder<S> {
    sink: S,
    /// Whether the current element has a part.
    started: bool,
    /// Whether an element was begun: only at the very beginning does a recorded key stand for the whole key.
    nested: bool,
}

impl<S: Sink> Encoder<S> {
    #[inline]
    fn part(&mut self) {
        if self.started {
            self.sink.put_fixed([tag::JOIN]);
        }
        self.started = true;
    }

    #[inline]
    fn number<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) {
        self.part();
        self.sink.put_fixed([tag]);
        self.sink.put_fixed(bytes);
    }

    #[inline]
    fn tagged(&mut self, tag: u8, value: &[u8]) {
        match u8::try_from(value.len()) {
            Ok(length) if length < LONG => self.sink.put_fixed([tag, length]),
            _ => {
                self.sink.put_fixed([tag, LONG]);
                self.sink.put_fixed((value.len() as u64).to_be_bytes());
            }
        }
        self.sink.put(value);
    }
}

impl<S> Sealed for Encoder<S> {}

impl<S: Sink> KeyWriter for Encoder<S> {
    #[inline]
    fn unsigned(&mut self, value: u64) {
        self.number(tag::UNSIGNED, value.to_be_bytes());
    }

    #[inline]
    fn signed(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.unsigned(value),
            Err(_) => self.number(tag::NEGATIVE, value.to_be_bytes()),
        }
    }

    #[inline]
    fn unsigned_wide(&mut self, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.unsigned(value),
            Err(_) => self.number(tag::UNSIGNED_WIDE, value.to_be_bytes()),
        }
    }

    #[inline]
    fn signed_wide(&mut self, value: i128) {
        match (u128::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => self.unsigned_wide(value),
            (_, Ok(value)) => self.signed(value),
            _ => self.number(tag::NEGATIVE_WIDE, value.to_be_bytes()),
        }
    }

    #[inline]
    fn float(&mut self, value: f64) {
        self.number(tag::FLOAT, number::float_bits(value).to_be_bytes());
    }

    #[inline]
    fn float_narrow(&mut self, value: f32) {
        self.number(tag::FLOAT_NARROW, number::float_narrow_bits(value).to_be_bytes());
    }

    #[inline]
    fn text(&mut self, value: &str) {
        self.part();
        self.tagged(tag::TEXT, value.as_bytes());
    }

    #[inline]
    fn bytes(&mut self, value: &[u8]) {
        self.part();
        self.tagged(tag::BYTES, value);
    }

    #[inline]
    fn word(&mut self, word: &str) {
        self.part();
        self.tagged(tag::WORD, word.as_bytes());
    }

    #[inline]
    fn label(&mut self, name: &str) {
        self.part();
        self.tagged(tag::LABEL, name.as_bytes());
        // No separator between the label and its part.
        self.started = false;
        self.nested = true;
    }

    #[inline]
    fn open(&mut self, name: &str, bracket: Bracket) {
        self.part();
        match bracket {
            Bracket::Round => self.tagged(tag::OPEN_ROUND, name.as_bytes()),
            Bracket::Square => self.tagged(tag::OPEN_SQUARE, name.as_bytes()),
        }
        self.started = false;
    }

    #[inline]
    fn close(&mut self, _: Bracket) {
        self.sink.put_fixed([tag::CLOSE]);
        self.started = true;
    }

    #[inline]
    fn begin_element(&mut self) {
        self.started = false;
        self.nested = true;
    }

    #[inline]
    fn end_element(&mut self) {
        if !self.started {
            self.sink.put_fixed([tag::EMPTY]);
            self.started = true;
        }
    }

    #[inline]
    fn ring(&mut self, name: &Name) {
        self.sink.put_fixed(name.item());
    }

    #[inline]
    fn begin_segment(&mut self) {
        self.begin_element();
    }

    #[inline]
    fn end_segment(&mut self) {
        self.end_element();
    }

    #[inline]
    fn surround(&mut self, before: &str, after: &str) {
        self.tagged(tag::SURROUND, before.as_bytes());
        self.tagged(tag::TEXT, after.as_bytes());
    }

    #[inline]
    fn open_format(&mut self, before: &str) {
        self.part();
        self.tagged(tag::FORMAT, before.as_bytes());
        self.begin_element();
    }

    #[inline]
    fn next_field(&mut self, between: &str) {
        self.end_element();
        self.tagged(tag::BETWEEN, between.as_bytes());
        self.begin_element();
    }

    #[inline]
    fn close_format(&mut self, after: &str) {
        self.end_element();
        self.tagged(tag::AFTER, after.as_bytes());
    }

    #[inline]
    fn recorded(&mut self, key: &EncodedKey) {
        if self.started || self.nested {
            self.text(&super::key_text(key));
        } else {
            self.sink.put(key.as_bytes());
            self.started = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_strings_have_long_lengths() {
        for length in [0, 1, 254] {
            let bytes = element_bytes(&*"a".repeat(length));
            assert_eq!(bytes[1], length as u8);
            assert_eq!(bytes.len(), 2 + length);
        }
        for length in [255, 256, 70_000] {
            let bytes = element_bytes(&*"a".repeat(length));
            assert_eq!(bytes[1], LONG);
            assert_eq!(bytes[2..10], (length as u64).to_be_bytes());
            assert_eq!(bytes.len(), 10 + length);
        }
    }
}
