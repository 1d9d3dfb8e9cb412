//! The writer that hashes.
//!
//! The bytes decide equality, so the hash may be coarser: it omits round brackets, and labels outside of lists, which are
//! the same in all keys of a ring. It must not be coarser where an attacker who chooses keys chooses how often something
//! occurs: without the seed, they could make many keys of one hash.

use std::hash::Hasher;

use super::name::Name;
use super::seed::{HashSeed, SeededHasher};
use super::{Bracket, EncodedKey, KeyWriter, RingKey, sealed::Sealed};

impl HashSeed {
    /// Hashes a key part by part.
    #[inline]
    pub(crate) fn hash<K: RingKey + ?Sized>(&self, key: &K) -> u64 {
        let mut writer = HashWriter {
            hasher: self.hasher(),
            started: false,
            recorded: None,
            place: 0,
            lists: 0,
            marks: None,
        };
        key.ring_key(&mut writer);
        writer.finish()
    }
}

/// The hash of a key: the kept one, or else computed with the seed of the process.
#[inline]
pub(crate) fn hash_key<K: RingKey + ?Sized>(key: &K) -> u64 {
    match key.known_hash() {
        Some(hash) => hash,
        None => HashSeed::shared().hash(key),
    }
}

struct HashWriter {
    hasher: SeededHasher,
    /// Whether anything but `recorded` was written: only at the beginning does a recorded key stand for itself.
    started: bool,
    /// The hash of the recorded key at the beginning.
    recorded: Option<u64>,
    /// The number of begun elements and written parts.
    place: u64,
    /// The number of open lists.
    lists: u32,
    /// Hashes marks separately from the parts, so that no part can look like a mark.
    marks: Option<SeededHasher>,
}

/// The kinds of marks at a position.
#[derive(Clone, Copy)]
enum Mark {
    /// A list begins: distinguishes [5, [[]]] from [[5, []]].
    Begin,
    /// A list ends: distinguishes ([1], [2, 3]) from ([1, 2], [3]).
    End,
    /// The next number is negative: distinguishes -1 from 2^64 - 1.
    Negative,
    /// The next number takes two words.
    Wide,
}

impl HashWriter {
    #[inline]
    fn hasher(&mut self) -> &mut impl Hasher {
        self.started = true;
        self.place += 1;
        &mut self.hasher
    }

    #[inline]
    fn mark(&mut self, mark: Mark) {
        self.started = true;
        let marks = self.marks.get_or_insert_with(|| self.hasher.clone());
        marks.write_u64(self.place << 2 | mark as u64);
    }

    #[inline]
    fn wide(&mut self, value: u128) {
        self.mark(Mark::Wide);
        self.hasher().write_u64(value as u64);
        self.hasher().write_u64((value >> 64) as u64);
    }

    #[inline]
    fn finish(mut self) -> u64 {
        if let Some(marks) = self.marks {
            self.hasher.write_u64(marks.finish());
        }
        match self.recorded {
            Some(hash) if !self.started => return hash,
            // More parts followed: the hash must cover them.
            Some(hash) => self.hasher.write_u64(hash),
            None => {}
        }
        spread(self.hasher.finish())
    }
}

/// Mixes the bits of a hash: some choose the shard and others the bucket, and the hashes of consecutive numbers can be so
/// regular that they fill one shard. foldhash, hashbrown's hasher, has this step in its quality variant.
#[inline]
fn spread(hash: u64) -> u64 {
    let product = u128::from(hash) * 0x9e37_79b9_7f4a_7c15;
    product as u64 ^ (product >> 64) as u64
}

impl Sealed for HashWriter {}

impl KeyWriter for HashWriter {
    #[inline]
    fn unsigned(&mut self, value: u64) {
        self.hasher().write_u64(value);
    }

    #[inline]
    fn signed(&mut self, value: i64) {
        if value < 0 {
            self.mark(Mark::Negative);
        }
        self.hasher().write_u64(value.cast_unsigned());
    }

    #[inline]
    fn unsigned_wide(&mut self, value: u128) {
        match u64::try_from(value) {
            Ok(narrow) => self.unsigned(narrow),
            Err(_) => self.wide(value),
        }
    }

    #[inline]
    fn signed_wide(&mut self, value: i128) {
        match i64::try_from(value) {
            Ok(narrow) => self.signed(narrow),
            Err(_) if value >= 0 => self.unsigned_wide(value.cast_unsigned()),
            Err(_) => {
                self.mark(Mark::Negative);
                self.wide(value.cast_unsigned());
            }
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

    #[inline(always)]
    fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    #[inline(always)]
    fn bytes(&mut self, value: &[u8]) {
        // The hasher takes up to 16 bytes without a call. With the length, chunks that overlap are no other text's.
        match (value.first_chunk::<16>(), value.last_chunk::<16>()) {
            (Some(first), Some(last)) if value.len() > 16 && value.len() <= 32 => {
                self.hasher.write(first);
                self.hasher.write(last);
            }
            _ => self.hasher.write(value),
        }
        self.hasher().write_u64(value.len() as u64);
    }

    #[inline]
    fn word(&mut self, word: &str) {
        self.bytes(word.as_bytes());
    }

    #[inline]
    fn label(&mut self, name: &str) {
        self.started = true;
        // Outside of lists, the ring decides their number.
        if self.lists > 0 {
            self.word(name);
        }
    }

    #[inline]
    fn open(&mut self, name: &str, bracket: Bracket) {
        if !name.is_empty() {
            self.word(name);
        }
        if bracket == Bracket::Square {
            self.mark(Mark::Begin);
            self.lists += 1;
        }
    }

    #[inline]
    fn close(&mut self, bracket: Bracket) {
        if bracket == Bracket::Square {
            self.mark(Mark::End);
            self.lists -= 1;
        }
    }

    #[inline]
    fn begin_element(&mut self) {
        self.started = true;
        self.place += 1;
    }

    #[inline]
    fn end_element(&mut self) {}

    #[inline]
    fn ring(&mut self, name: &Name) {
        self.started = true;
        // The ring's own seed replaces its name.
        self.hasher = name.seed().hasher();
        #[cfg(shuttle)]
        self.hasher.write_u32(name.id());
    }

    #[inline]
    fn begin_segment(&mut self) {}

    #[inline]
    fn end_segment(&mut self) {}

    #[inline]
    fn surround(&mut self, _: &str, _: &str) {}

    /// The texts of a format are the same for the type.
    #[inline]
    fn open_format(&mut self, _: &str) {
        self.begin_element();
    }

    #[inline]
    fn next_field(&mut self, _: &str) {
        self.begin_element();
    }

    #[inline]
    fn close_format(&mut self, _: &str) {}

    #[inline]
    fn recorded(&mut self, key: &EncodedKey) {
        if self.started || self.recorded.is_some() {
            self.text(&super::key_text(key));
        } else {
            self.recorded = Some(key.hash_value());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::Key;
    use super::*;

    struct Versioned(Key, u64);

    impl RingKey for Versioned {
        fn ring_key<W: KeyWriter>(&self, key: &mut W) {
            self.0.ring_key(key);
            self.1.ring_key(key);
        }
    }

    fn all_differ(hashes: &[u64]) {
        let different: HashSet<_> = hashes.iter().collect();
        assert_eq!(different.len(), hashes.len(), "{hashes:x?}");
    }

    #[test]
    fn equal_numbers_of_all_types_have_one_hash() {
        for value in [0_u8, 1, 255] {
            let hash = hash_key(&value);
            assert_eq!(hash, hash_key(&i64::from(value)));
            assert_eq!(hash, hash_key(&u128::from(value)));
            assert_eq!(hash, hash_key(&i128::from(value)));
        }
        let wide = i128::MAX;
        assert_eq!(hash_key(&wide), hash_key(&wide.cast_unsigned()));
        assert_eq!(hash_key(&i64::MIN), hash_key(&i128::from(i64::MIN)));
    }

    #[test]
    fn different_numbers_have_different_hashes() {
        all_differ(&[
            hash_key(&0_u64),
            hash_key(&1_u64),
            hash_key(&-1_i64),
            hash_key(&u64::MAX),
            hash_key(&u128::MAX),
            hash_key(&(u128::MAX - 1)),
            hash_key(&(1_u128 << 64)),
            hash_key(&i128::MIN),
            hash_key(&(1_u128 << 127)),
        ]);
        all_differ(&[hash_key(&0.5_f64), hash_key(&1.5_f64), hash_key(&-0.0_f64)]);
        all_differ(&[hash_key(&0.5_f32), hash_key(&1.5_f32), hash_key(&-0.0_f32)]);
    }

    #[test]
    fn the_same_parts_in_different_groups_have_different_hashes() {
        let lists = |lists: &[&[u64]]| hash_key(&lists.iter().map(|list| list.to_vec()).collect::<Vec<_>>());
        all_differ(&[
            lists(&[&[1], &[2, 3]]),
            lists(&[&[1, 2], &[3]]),
            lists(&[&[1, 2, 3], &[]]),
            lists(&[&[], &[1, 2, 3]]),
            lists(&[&[1, 2, 3]]),
        ]);
        all_differ(&[hash_key(&(-1_i64, u64::MAX)), hash_key(&(u64::MAX, -1_i64))]);
        all_differ(&[hash_key(&Ok::<u64, u64>(1)), hash_key(&Err::<u64, u64>(1))]);
    }

    /// Chunks that overlap and the length name one text only: otherwise an attacker could make many keys of one hash.
    #[test]
    fn texts_have_different_hashes_however_they_are_cut() {
        let text = "a".repeat(40);
        all_differ(
            &(0..=40)
                .map(|length| hash_key(&text[..length]))
                .collect::<Vec<_>>(),
        );
        let (first, rest) = ("abcdefghijklmnop", "qrstuvwx");
        let whole = format!("{first}{rest}");
        all_differ(&[
            hash_key(&[whole.as_str(), first, rest]),
            hash_key(&[first, rest, whole.as_str()]),
            hash_key(&[first, whole.as_str(), rest]),
            hash_key(&[first, &whole[whole.len() - 16..]]),
            hash_key(&[whole.as_str()]),
        ]);
    }

    #[test]
    fn a_recorded_key_within_another_is_its_text() {
        let recorded = Key::of(&("page", 1));
        let text = recorded.to_string();
        assert_eq!(hash_key(&("a", &recorded)), hash_key(&("a", &text)));
        assert_eq!(hash_key(&(&recorded, "a")), hash_key(&(&text, "a")));
    }

    /// The bits for the shard, and those for the bucket.
    #[test]
    fn numbers_in_steps_are_spread_over_the_bits_at_both_ends() {
        for step in [0, 8, 20, 32, 44, 52] {
            let (mut high, mut low) = ([0; 16], [0; 16]);
            for number in 0..4096_u64 {
                let hash = spread(number << step);
                high[(hash >> 60) as usize] += 1;
                low[(hash & 15) as usize] += 1;
            }
            for count in high.into_iter().chain(low) {
                assert!((128..512).contains(&count), "{step}: {high:?} {low:?}");
            }
        }
    }

    /// With one hash for all, each look-up would compare with every key.
    #[test]
    fn what_follows_a_recorded_key_is_hashed() {
        let first = Key::of(&("page", 1));
        assert_eq!(hash_key(&first), hash_key(&("page", 1)));
        let hashes: HashSet<_> = (0..1000)
            .map(|number| hash_key(&Versioned(first.clone(), number)))
            .collect();
        assert_eq!(hashes.len(), 1000);
        let one = Versioned(first, 1);
        assert_eq!(hash_key(&one), hash_key(&Key::of(&one)));
    }
}
