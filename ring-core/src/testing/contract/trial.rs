//! The environment of a case: storages, values, time, and assertions with messages.

use std::fmt::{Debug, Display};
use std::time::Duration;

use super::gate::PATIENCE;
use super::subject::{Tested, Value};
use crate::key::{RingKey, key_text};
use crate::ring::Ring;

/// The storages to test, and their capabilities.
pub(super) struct Trial<'c, Su, T> {
    pub(super) make: Box<dyn Fn() -> Su + 'c>,
    pub(super) values: Box<dyn Fn(u32) -> T + 'c>,
    pub(super) of_bytes: Option<fn(Vec<u8>) -> T>,
    pub(super) largest: usize,
    pub(super) capacity: usize,
    pub(super) advance: Option<Box<dyn Fn(Duration) + 'c>>,
    pub(super) expiry_unit: Duration,
    pub(super) clear: Option<fn(&Su, &'static Ring)>,
    pub(super) clone: Option<fn(&Su) -> Su>,
    pub(super) shares: bool,
}

/// A key outside of any ring.
pub(super) type PlainKey = (&'static str, u32);

/// No expiry under test is longer.
pub(super) const LONG: Duration = Duration::from_secs(24 * 60 * 60);

impl<'c, Su: Tested<T>, T: Value> Trial<'c, Su, T> {
    pub(super) fn storage(&self) -> Su {
        (self.make)()
    }

    /// A storage, and keys without entries.
    pub(super) fn begin<const N: usize>(&self) -> (Su, [PlainKey; N]) {
        let storage = self.storage();
        let keys = std::array::from_fn(plain_key);
        // Entries may be left from an earlier run.
        for key in &keys {
            storage.remove(key);
        }
        (storage, keys)
    }

    /// [`begin`](Self::begin) with this many keys, or with as many as the storage keeps.
    pub(super) fn begin_with_many(&self, wanted: usize) -> (Su, Vec<PlainKey>) {
        let storage = self.storage();
        let keys: Vec<_> = (0..wanted.min(self.capacity)).map(plain_key).collect();
        storage.remove_many(&keys);
        (storage, keys)
    }

    /// Different numbers give different values.
    pub(super) fn value(&self, number: usize) -> T {
        let number = u32::try_from(number).expect("no case needs so many values");
        (self.values)(number)
    }

    /// Waits until entries with the expiry [`short`](Self::short) have expired.
    pub(super) fn let_short_pass(&self) {
        let advance = self.advance.as_ref();
        let advance = advance.unwrap_or_else(|| unreachable!("cases that need time are run with it"));
        // A storage that counts whole units rounds up, and its current unit may have just begun.
        advance(self.expiry_unit * 3);
    }

    /// An expiry that a test can wait for.
    pub(super) fn short(&self) -> Duration {
        self.expiry_unit
    }
}

fn plain_key(number: usize) -> PlainKey {
    (
        "contract",
        u32::try_from(number).expect("no case needs so many keys"),
    )
}

/// A ring of this name whose calls wait for each other longer than any case.
///
/// It lives as long as the process: a few hundred bytes a case.
pub(super) fn ring(name: &str) -> &'static Ring {
    let ring = Ring::with_prefix(name)
        .flight_timeout(2 * PATIENCE)
        .write_timeout(2 * PATIENCE);
    Box::leak(Box::new(ring))
}

/// Fails the case unless `found` equals `expected`.
#[track_caller]
pub(super) fn expect<A: PartialEq + Debug>(found: A, expected: A, what: impl Display) {
    assert!(
        found == expected,
        "{what}: expected {}, found {}",
        short_debug(&expected),
        short_debug(&found)
    );
}

/// Fails the case unless `contains` and `read` find `expected` under `key`.
#[track_caller]
pub(super) fn expect_held<Su, T, K>(storage: &Su, key: &K, expected: Option<&T>, when: impl Display)
where
    Su: Tested<T>,
    T: Value,
    K: RingKey + ?Sized,
{
    let (there, of) = (expected.is_some(), shown(key));
    let expected = expected.cloned();
    expect(
        storage.contains(key),
        there,
        format_args!("`contains` of {of} {when}"),
    );
    expect(storage.read(key), expected, format_args!("`read` of {of} {when}"));
}

/// A key for messages.
pub(super) fn shown<K: RingKey + ?Sized>(key: &K) -> String {
    format!("the key `{}`", shortened(key_text(key)))
}

fn short_debug(value: &impl Debug) -> String {
    shortened(format!("{value:?}"))
}

/// The beginning of a long text, and its length.
fn shortened(mut text: String) -> String {
    const SHOWN: usize = 160;
    let length = text.len();
    if length > SHOWN {
        let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text = format!("{text}… ({length} bytes)");
    }
    text
}
