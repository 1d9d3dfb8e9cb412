use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring_cache::flights::Flights;
use ring_cache::key::EncodedKey;
use ring_cache::storage::{ChangeObserver, EvictionCounts, Storage, StorageBase};
use ring_cache::{RingKey, ring};

/// Its clones could not have the same entries.
struct Nothing(Flights<u32>);

impl StorageBase<u32> for Nothing {
    type Error = Infallible;
    fn flights(&self) -> &Flights<u32> { &self.0 }
    fn namespace(&self) -> &str { "" }
    fn stored_key<K: RingKey + ?Sized>(&self, _: &K) -> String { String::new() }
    fn deadline(&self) -> Option<Duration> { None }
    fn eviction_counts(&self) -> EvictionCounts { EvictionCounts::default() }
    fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool { false }
    fn mark_suspect(&self, _: &EncodedKey) {}
}

type Done<T> = Result<T, Infallible>;

impl Storage<u32> for Nothing {
    fn read<K: RingKey + ?Sized>(&self, _: &K, _: Option<Instant>) -> Done<Option<u32>> { Ok(None) }
    fn write<K: RingKey + ?Sized>(&self, _: &K, _: u32, _: Option<Duration>, _: Option<Instant>) -> Done<()> { Ok(()) }
    fn remove<K: RingKey + ?Sized>(&self, _: &K, _: Option<Instant>) -> Done<bool> { Ok(false) }
    fn contains<K: RingKey + ?Sized>(&self, _: &K, _: Option<Instant>) -> Done<bool> { Ok(false) }
    fn renew<K: RingKey + ?Sized>(&self, _: &K, _: Duration, _: Option<Instant>) -> Done<bool> { Ok(false) }
}

static NOTHING: std::sync::LazyLock<Nothing> = std::sync::LazyLock::new(|| Nothing(Flights::default()));

#[ring(storage = NOTHING as Nothing)]
fn value(n: u32) -> u32 { n }

#[ring(invalidates(value(n)))] //~
fn write(n: u32) { let _ = n; }

fn main() {}
