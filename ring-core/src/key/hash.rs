//! The writer that hashes.
//!
//! Equality of keys is decided by the bytes, so the hash may be coarser: it leaves out labels and round brackets, which
//! are the same in all keys of a ring.

use std::hash::{BuildHasher, Hasher};

#[cfg(not(shuttle))]
use hashbrown::DefaultHashBuilder;

use super::{Bracket, EncodedKey, KeyWriter, RingKey, sealed::Sealed};
use crate::name::Name;

/// Without a seed, so that a schedule that failed fails again in another process.
#[cfg(shuttle)]
type DefaultHashBuilder = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

/// Seeds the hash: one per process, so that a key's hash can be kept and used by every storage.
#[derive(Clone, Debug)]
pub(crate) struct KeyHasher(DefaultHashBuilder);

impl KeyHasher {
    /// The process's hasher.
    pub(crate) fn shared() -> Self {
        use std::sync::LazyLock;
        static SHARED: LazyLock<KeyHasher> = LazyLock::new(|| KeyHasher(DefaultHashBuilder::default()));
        SHARED.clone()
    }

    /// Hashes a key as its parts go by.
    #[inline]
    pub(crate) fn hash<K: RingKey + ?Sized>(&self, key: &K) -> u64 {
        let mut writer = HashWriter {
            hasher: self.0.build_hasher(),
            started: false,
            ring: 0,
            recorded: None,
        };
        key.ring_key(&mut writer);
        writer
            .recorded
            .unwrap_or_else(|| writer.hasher.finish() ^ writer.ring)
    }
}

/// What the name of this number adds to the hashes of its ring's keys.
pub(crate) fn hash_ring(id: u32) -> u64 {
    KeyHasher::shared().0.hash_one(id)
}

/// Hashes a key with the process's hasher.
pub(crate) fn hash_key<K: RingKey + ?Sized>(key: &K) -> u64 {
    KeyHasher::shared().hash(key)
}

struct HashWriter<H> {
    hasher: H,
    /// Whether anything went by: a recorded key stands for the whole key only at its beginning.
    started: bool,
    /// What the ring's name adds.
    ring: u64,
    recorded: Option<u64>,
}

impl<H: Hasher> HashWriter<H> {
    #[inline]
    fn hasher(&mut self) -> &mut H {
        self.started = true;
        &mut self.hasher
    }
}

impl<H> Sealed for HashWriter<H> {}

impl<H: Hasher> KeyWriter for HashWriter<H> {
    #[inline]
    fn unsigned(&mut self, value: u64) {
        self.hasher().write_u64(value);
    }

    #[inline]
    fn signed(&mut self, value: i64) {
        self.hasher().write_u64(value.cast_unsigned());
    }

    #[inline]
    fn unsigned_wide(&mut self, value: u128) {
        match u64::try_from(value) {
            Ok(narrow) => self.unsigned(narrow),
            Err(_) => self.hasher().write_u128(value),
        }
    }

    #[inline]
    fn signed_wide(&mut self, value: i128) {
        match i64::try_from(value) {
            Ok(narrow) => self.signed(narrow),
            Err(_) if value >= 0 => self.unsigned_wide(value.cast_unsigned()),
            Err(_) => self.hasher().write_i128(value),
        }
    }

    #[inline]
    fn float(&mut self, value: f64) {
        self.hasher().write_u64(super::number::float_bits(value));
    }

    #[inline]
    fn float_narrow(&mut self, value: f32) {
        self.hasher().write_u32(super::number::float_narrow_bits(value));
    }

    #[inline]
    fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    #[inline]
    fn bytes(&mut self, value: &[u8]) {
        self.hasher().write(value);
        // Keeps ("ab", "c") and ("a", "bc") apart.
        self.hasher().write_u8(0xff);
    }

    #[inline]
    fn word(&mut self, word: &str) {
        self.bytes(word.as_bytes());
    }

    #[inline]
    fn label(&mut self, _: &str) {
        self.started = true;
    }

    #[inline]
    fn open(&mut self, name: &str, _: Bracket) {
        if !name.is_empty() {
            self.word(name);
        }
    }

    #[inline]
    fn close(&mut self, bracket: Bracket) {
        // Keeps ([1], [2, 3]) and ([1, 2], [3]) apart.
        if bracket == Bracket::Square {
            self.hasher().write_u8(0xfe);
        }
    }

    #[inline]
    fn begin_element(&mut self) {
        self.started = true;
    }

    #[inline]
    fn end_element(&mut self) {}

    #[inline]
    fn ring(&mut self, name: &Name) {
        self.started = true;
        self.ring = name.hash_value();
    }

    #[inline]
    fn begin_segment(&mut self) {}

    #[inline]
    fn end_segment(&mut self) {}

    #[inline]
    fn recorded(&mut self, key: &EncodedKey) {
        if self.started {
            self.text(&super::key_text(key));
        } else {
            self.recorded = Some(key.hash_value());
        }
    }
}
