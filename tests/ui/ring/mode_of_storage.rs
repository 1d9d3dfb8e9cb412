use std::sync::Arc;
use std::time::{Duration, Instant};

use ring_cache::flights::Flights;
use ring_cache::key::EncodedKey;
use ring_cache::storage::{AsyncStorage, EvictionCounts, ChangeObserver, Storage, StorageBase};
use ring_cache::{Error, RingKey, ring_impl};

#[derive(Default)]
struct Slow(Flights<u32>);
impl StorageBase<u32> for Slow {
    type Error = Error;
    fn flights(&self) -> &Flights<u32> { &self.0 }
    fn namespace(&self) -> &str { "" }
    fn stored_key<K: RingKey + ?Sized>(&self, _: &K) -> String { String::new() }
    fn deadline(&self) -> Option<Duration> { None }
    fn eviction_counts(&self) -> EvictionCounts { EvictionCounts::default() }
    fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool { false }
    fn mark_suspect(&self, _: &EncodedKey) {}
}
impl Storage<u32> for Slow {
    fn read<K: RingKey + ?Sized>(&self, _: &K, _: Option<Instant>) -> Result<Option<u32>, Error> { Ok(None) }
    fn write<K: RingKey + ?Sized>(&self, _: &K, _: u32, _: Option<Duration>, _: Option<Instant>) -> Result<(), Error> { Ok(()) }
    fn remove<K: RingKey + ?Sized>(&self, _: &K, _: Option<Instant>) -> Result<bool, Error> { Ok(false) }
    fn contains<K: RingKey + ?Sized>(&self, _: &K, _: Option<Instant>) -> Result<bool, Error> { Ok(false) }
    fn renew<K: RingKey + ?Sized>(&self, _: &K, _: Duration, _: Option<Instant>) -> Result<bool, Error> { Ok(false) }
}
#[derive(Default)]
struct Awaited(Flights<u32>);
impl StorageBase<u32> for Awaited {
    type Error = Error;
    fn flights(&self) -> &Flights<u32> { &self.0 }
    fn namespace(&self) -> &str { "" }
    fn stored_key<K: RingKey + ?Sized>(&self, _: &K) -> String { String::new() }
    fn deadline(&self) -> Option<Duration> { None }
    fn eviction_counts(&self) -> EvictionCounts { EvictionCounts::default() }
    fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool { false }
    fn mark_suspect(&self, _: &EncodedKey) {}
}
impl AsyncStorage<u32> for Awaited {
    async fn read<K: RingKey + ?Sized>(&self, _: &K, _: Option<Instant>) -> Result<Option<u32>, Error> { Ok(None) }
    async fn write<K: RingKey + ?Sized>(&self, _: &K, _: u32, _: Option<Duration>, _: Option<Instant>) -> Result<(), Error> { Ok(()) }
    async fn remove<K: RingKey + ?Sized>(&self, _: &K, _: Option<Instant>) -> Result<bool, Error> { Ok(false) }
    async fn contains<K: RingKey + ?Sized>(&self, _: &K, _: Option<Instant>) -> Result<bool, Error> { Ok(false) }
    async fn renew<K: RingKey + ?Sized>(&self, _: &K, _: Duration, _: Option<Instant>) -> Result<bool, Error> { Ok(false) }
}

#[derive(RingKey)]
struct Service {
    #[ring_key(skip)]
    slow: Slow,
    #[ring_key(skip)]
    awaited: Awaited,
}

#[ring_impl]
impl Service {
    #[ring(storage = self.slow as Slow)] //~
    async fn on_slow(&self, id: u32) -> u32 { id }
    #[ring(storage = self.awaited as Awaited)] //~
    fn on_awaited(&self, id: u32) -> u32 { id }
}

fn main() {}
