//! Recorded keys: their form in entries and leaders.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::name::{Name, ring_number};
use super::small_bytes::SmallBytes;
use super::{KeyWriter, RingKey};

/// The bytes of a key's parts, as memory storages keep them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyBytes(pub(super) SmallBytes);

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyBytes({})", super::recorded_text(self))
    }
}

impl KeyBytes {
    /// Whether it is a key of the ring `name`.
    pub(crate) fn belongs_to(&self, name: &Name) -> bool {
        self.ring_number() == Some(name.id())
    }

    /// The number of its ring's name, if it is a key of a ring.
    #[inline]
    pub(crate) fn ring_number(&self) -> Option<u32> {
        ring_number(&self.0)
    }
}

/// A key as memory storages keep it: its hash and the bytes of its parts.
///
/// It is a [`RingKey`] that equals the original key. A leader stores a value by it after the arguments of the call are gone.
#[derive(Clone)]
pub struct EncodedKey {
    pub(super) hash: u64,
    pub(super) bytes: KeyBytes,
}

impl EncodedKey {
    /// Whether it is a key of the ring `name`.
    pub fn belongs_to(&self, name: &Name) -> bool {
        self.bytes.belongs_to(name)
    }

    /// Its ring's name, if it is a key of a ring.
    pub fn ring(&self) -> Option<&'static Name> {
        ring_number(self.as_bytes()).map(Name::of_id)
    }

    #[inline]
    pub(crate) fn ring_number(&self) -> Option<u32> {
        self.bytes.ring_number()
    }

    pub(crate) fn hash_value(&self) -> u64 {
        self.hash
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes.0
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &KeyBytes {
        &self.bytes
    }
}

impl RingKey for EncodedKey {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.recorded(self);
    }

    #[inline]
    fn as_recorded(&self) -> Option<&EncodedKey> {
        Some(self)
    }
}

impl PartialEq for EncodedKey {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.bytes == other.bytes
    }
}

impl Eq for EncodedKey {}

impl Hash for EncodedKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Debug for EncodedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodedKey({})", super::key_text(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Asked = Box<dyn Fn(&KeyBytes) -> bool>;

    fn asked<K: RingKey + 'static>(key: K) -> (KeyBytes, Asked) {
        (KeyBytes::of(&key), Box::new(move |bytes| bytes.is(&key)))
    }

    /// An `Lru` compares whole keys only if their hashes are equal, so its own tests rarely compare different keys.
    #[test]
    fn records_of_different_keys_differ() {
        let long = "long ".repeat(60);
        let keys = [
            asked(1_u64),
            asked(2_u64),
            asked(-1_i64),
            asked(1.0_f64),
            asked(1.0_f32),
            asked("1"),
            asked("12"),
            asked((1_u64, 2_u64)),
            asked((2_u64, 2_u64)),
            asked((2_u64, 1_u64)),
            asked(("1", "2")),
            asked(vec![1_u64, 2]),
            asked(vec![1_u64, 2, 3]),
            asked(long.clone()),
            asked((long.clone(), 1_u64)),
            asked((long.clone(), 2_u64)),
            asked(long + "er"),
        ];
        for (at, (recorded, _)) in keys.iter().enumerate() {
            for (place, (_, is)) in keys.iter().enumerate() {
                assert_eq!(is(recorded), at == place, "{at} and {place}");
            }
        }
    }

    #[test]
    fn keys_of_one_hash_are_not_equal() {
        assert_eq!(EncodedKey::with_hash(7, "a"), EncodedKey::with_hash(7, "a"));
        assert_ne!(EncodedKey::with_hash(7, "a"), EncodedKey::with_hash(7, "b"));
    }
}
