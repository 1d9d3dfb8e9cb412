//! A service that caches prices on the scripted server, blocking and awaited.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[cfg(feature = "tokio")]
use ring_cache::AsyncCalls;
use ring_cache::coder::Json;
use ring_cache::{Calls, Error, RingKey, ring_impl};
use ring_cache_backends::remote::Remote;

use super::fake::Fake;

/// The deadline of operations: longer than any test needs that does not wait for it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);
/// The deadline for tests that wait for it.
pub(crate) const SHORT: Duration = Duration::from_millis(50);

/// The place of an article's price.
pub(crate) fn place(id: u32) -> String {
    format!("price:shop:{id}")
}

/// The common part of both shops.
#[derive(Clone)]
pub(crate) struct Premises {
    pub(crate) server: Fake,
    pub(crate) storage: Remote<Fake>,
    price: Arc<AtomicU32>,
    runs: Arc<AtomicUsize>,
    takes: Arc<Mutex<Duration>>,
}

impl Premises {
    fn new() -> Self {
        let server = Fake::new();
        Premises {
            storage: Remote::new(server.clone()).deadline(DEADLINE),
            server,
            price: Arc::new(AtomicU32::new(1)),
            runs: Arc::default(),
            takes: Arc::default(),
        }
    }

    /// From now on bodies compute another price; the first is 1.
    pub(crate) fn change_price(&self, price: u32) {
        self.price.store(price, Ordering::SeqCst);
    }

    /// The number of bodies that ran.
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    /// From now on bodies take this time.
    pub(crate) fn compute_for(&self, time: Duration) {
        *self.takes.lock().unwrap() = time;
    }

    fn compute(&self, _: u32) -> u32 {
        let takes = *self.takes.lock().unwrap();
        std::thread::sleep(takes);
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.price.load(Ordering::SeqCst)
    }
}

type Result<T> = std::result::Result<T, Error>;

/// A shop in either colour.
#[allow(async_fn_in_trait)]
pub(crate) trait Shop {
    fn premises(&self) -> &Premises;
    /// The same shop with a storage of its own.
    fn with(&self, change: impl FnOnce(Remote<Fake>) -> Remote<Fake>) -> Self;
    async fn price(&self, id: u32) -> u32;
    async fn update(&self, id: u32) -> u32;
    async fn get(&self, id: u32) -> Result<Option<u32>>;
    async fn set(&self, id: u32, price: u32) -> Result<()>;
    async fn delete(&self, id: u32) -> Result<bool>;
    async fn has(&self, id: u32) -> Result<bool>;
    async fn touch(&self, id: u32) -> Result<bool>;
    async fn clear(&self) -> Result<()>;
    async fn prices(&self, ids: &[u32]) -> Vec<u32>;
    async fn get_many(&self, ids: &[u32]) -> Result<Vec<Option<u32>>>;
    async fn set_many(&self, ids: &[u32]) -> Result<()>;
    async fn delete_many(&self, ids: &[u32]) -> Result<Vec<bool>>;
    async fn has_many(&self, ids: &[u32]) -> Result<Vec<bool>>;
    async fn touch_many(&self, ids: &[u32]) -> Result<Vec<bool>>;
    /// Sets prices, those of `expired` with a zero expiry.
    async fn set_some_expired(&self, lasting: &[u32], expired: &[u32]) -> Result<()>;

    fn server(&self) -> &Fake {
        &self.premises().server
    }

    fn storage(&self) -> &Remote<Fake> {
        &self.premises().storage
    }
}

#[derive(Clone, RingKey)]
#[ring_key(prefix = "shop")]
pub(crate) struct BlockingShop {
    #[ring_key(skip)]
    premises: Premises,
}

#[ring_impl(storage = self.premises.storage as Remote<Fake>, coder = Json)]
impl BlockingShop {
    #[ring(key_prefix = "price", expire = "1h")]
    fn cached(&self, id: u32) -> u32 {
        self.premises.compute(id)
    }
}

impl BlockingShop {
    pub(crate) fn new() -> Self {
        let premises = Premises::new();
        BlockingShop { premises }
    }
}

impl Shop for BlockingShop {
    fn premises(&self) -> &Premises {
        &self.premises
    }

    fn with(&self, change: impl FnOnce(Remote<Fake>) -> Remote<Fake>) -> Self {
        let mut shop = self.clone();
        shop.premises.storage = change(shop.premises.storage);
        shop
    }

    async fn price(&self, id: u32) -> u32 {
        self.cached(id)
    }

    async fn update(&self, id: u32) -> u32 {
        self.cached_ring(id).update()
    }

    async fn get(&self, id: u32) -> Result<Option<u32>> {
        self.cached_ring(id).get()
    }

    async fn set(&self, id: u32, price: u32) -> Result<()> {
        self.cached_ring(id).set(price)
    }

    async fn delete(&self, id: u32) -> Result<bool> {
        self.cached_ring(id).delete()
    }

    async fn has(&self, id: u32) -> Result<bool> {
        self.cached_ring(id).has()
    }

    async fn touch(&self, id: u32) -> Result<bool> {
        self.cached_ring(id).touch()
    }

    async fn clear(&self) -> Result<()> {
        self.cached_cache().clear()
    }

    async fn prices(&self, ids: &[u32]) -> Vec<u32> {
        ids.iter().map(|id| self.cached_ring(*id)).get_or_update_many()
    }

    async fn get_many(&self, ids: &[u32]) -> Result<Vec<Option<u32>>> {
        ids.iter().map(|id| self.cached_ring(*id)).get_many()
    }

    async fn set_many(&self, ids: &[u32]) -> Result<()> {
        ids.iter().map(|id| self.cached_ring(*id)).set_many(ids.to_vec())
    }

    async fn delete_many(&self, ids: &[u32]) -> Result<Vec<bool>> {
        ids.iter().map(|id| self.cached_ring(*id)).delete_many()
    }

    async fn has_many(&self, ids: &[u32]) -> Result<Vec<bool>> {
        ids.iter().map(|id| self.cached_ring(*id)).has_many()
    }

    async fn touch_many(&self, ids: &[u32]) -> Result<Vec<bool>> {
        ids.iter().map(|id| self.cached_ring(*id)).touch_many()
    }

    async fn set_some_expired(&self, lasting: &[u32], expired: &[u32]) -> Result<()> {
        let lasting = lasting.iter().map(|id| (id, Duration::from_secs(60)));
        let all: Vec<_> = lasting
            .chain(expired.iter().map(|id| (id, Duration::ZERO)))
            .collect();
        let calls = all
            .iter()
            .map(|(id, expiry)| self.cached_ring(**id).expire_in(*expiry));
        calls.set_many(all.iter().map(|(id, _)| **id))
    }
}

#[cfg(feature = "tokio")]
#[derive(Clone, RingKey)]
#[ring_key(prefix = "shop")]
pub(crate) struct AsyncShop {
    #[ring_key(skip)]
    premises: Premises,
}

#[cfg(feature = "tokio")]
#[ring_impl(storage = self.premises.storage as Remote<Fake>, coder = Json)]
impl AsyncShop {
    #[ring(key_prefix = "price", expire = "1h")]
    pub(crate) async fn cached(&self, id: u32) -> u32 {
        self.premises.compute(id)
    }
}

#[cfg(feature = "tokio")]
impl AsyncShop {
    pub(crate) fn new() -> Self {
        let premises = Premises::new();
        AsyncShop { premises }
    }
}

#[cfg(feature = "tokio")]
impl Shop for AsyncShop {
    fn premises(&self) -> &Premises {
        &self.premises
    }

    fn with(&self, change: impl FnOnce(Remote<Fake>) -> Remote<Fake>) -> Self {
        let mut shop = self.clone();
        shop.premises.storage = change(shop.premises.storage);
        shop
    }

    async fn price(&self, id: u32) -> u32 {
        self.cached(id).await
    }

    async fn update(&self, id: u32) -> u32 {
        self.cached_ring(id).update().await
    }

    async fn get(&self, id: u32) -> Result<Option<u32>> {
        self.cached_ring(id).get().await
    }

    async fn set(&self, id: u32, price: u32) -> Result<()> {
        self.cached_ring(id).set(price).await
    }

    async fn delete(&self, id: u32) -> Result<bool> {
        self.cached_ring(id).delete().await
    }

    async fn has(&self, id: u32) -> Result<bool> {
        self.cached_ring(id).has().await
    }

    async fn touch(&self, id: u32) -> Result<bool> {
        self.cached_ring(id).touch().await
    }

    async fn clear(&self) -> Result<()> {
        self.cached_cache().clear().await
    }

    async fn prices(&self, ids: &[u32]) -> Vec<u32> {
        let calls = ids.iter().map(|id| self.cached_ring(*id));
        calls.get_or_update_many().await
    }

    async fn get_many(&self, ids: &[u32]) -> Result<Vec<Option<u32>>> {
        ids.iter().map(|id| self.cached_ring(*id)).get_many().await
    }

    async fn set_many(&self, ids: &[u32]) -> Result<()> {
        let calls = ids.iter().map(|id| self.cached_ring(*id));
        calls.set_many(ids.to_vec()).await
    }

    async fn delete_many(&self, ids: &[u32]) -> Result<Vec<bool>> {
        ids.iter().map(|id| self.cached_ring(*id)).delete_many().await
    }

    async fn has_many(&self, ids: &[u32]) -> Result<Vec<bool>> {
        ids.iter().map(|id| self.cached_ring(*id)).has_many().await
    }

    async fn touch_many(&self, ids: &[u32]) -> Result<Vec<bool>> {
        ids.iter().map(|id| self.cached_ring(*id)).touch_many().await
    }

    async fn set_some_expired(&self, lasting: &[u32], expired: &[u32]) -> Result<()> {
        let lasting = lasting.iter().map(|id| (id, Duration::from_secs(60)));
        let all: Vec<_> = lasting
            .chain(expired.iter().map(|id| (id, Duration::ZERO)))
            .collect();
        let calls = all
            .iter()
            .map(|(id, expiry)| self.cached_ring(**id).expire_in(*expiry));
        calls.set_many(all.iter().map(|(id, _)| **id)).await
    }
}
