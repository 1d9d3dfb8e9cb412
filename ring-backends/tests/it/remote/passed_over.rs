//! Abandoned writes: their values do not stay.

use std::pin::Pin;
use std::time::Duration;

use ring_cache_backends::remote::Remote;
use ring_cache_core::{AsyncCache, Ring};

use super::fake::{Does, Fake};
use super::run;
use super::shops::SHORT;

type Far = &'static Remote<Fake>;

/// A ring whose writers wait for each other only briefly.
fn hasty() -> &'static Ring {
    Box::leak(Box::new(Ring::with_prefix("p").write_timeout(SHORT)))
}

/// The place of the only value in these tests.
const PLACE: &str = "p:1";

struct Market {
    server: Fake,
    storage: Far,
    ring: &'static Ring,
}

impl Market {
    fn new() -> Self {
        let server = Fake::new();
        let storage = Remote::new(server.clone()).deadline(Duration::from_secs(3600));
        Market {
            server,
            storage: Box::leak(Box::new(storage)),
            ring: hasty(),
        }
    }

    fn plain(&self, value: &'static str) -> impl Future<Output = Vec<u8>> + use<> {
        let cache = AsyncCache::new(self.ring, self.storage);
        let call =
            cache.bind::<ring_cache::Plain<Vec<u8>>, _, _, _>((1,), move |_| async move { Vec::from(value) });
        call.get_or_update()
    }

    async fn set(&self, value: &str) {
        let cache = AsyncCache::new(self.ring, self.storage);
        let call = cache.bind::<ring_cache::Plain<Vec<u8>>, _, _, _>((1,), |_| async { unreachable!() });
        call.set(value.into()).await.unwrap();
    }

    async fn get(&self) -> Option<String> {
        let cache = AsyncCache::new(self.ring, self.storage);
        let call = cache.bind::<ring_cache::Plain<Vec<u8>>, _, _, _>((1,), |_| async { unreachable!() });
        let found = call.get().await.unwrap()?;
        Some(String::from_utf8(found).unwrap())
    }

    /// A plain call that hangs in its write, and a `set` that does not wait for it.
    async fn passed_over(&self, does: Does) -> Pin<Box<impl Future<Output = Vec<u8>> + use<>>> {
        self.server.on("write", does);
        let mut held = Box::pin(self.plain("old"));
        let polled =
            std::future::poll_fn(|context| std::task::Poll::Ready(held.as_mut().poll(context))).await;
        assert!(polled.is_pending());
        self.server.recover();
        self.set("new").await;
        assert_ne!(self.get().await.as_deref(), Some("old"));
        held
    }
}

#[test]
fn an_abandoned_write_that_is_dropped_is_suspect() {
    run(async {
        let market = Market::new();
        let held = market.passed_over(Does::Hang).await;
        // The server executes it now, after the newer one.
        market.server.put(PLACE, "old");
        drop(held);
        market.server.asked();
        assert_eq!(market.get().await, None);
        assert_eq!(
            market.server.asked(),
            [format!("remove {PLACE}"), format!("read {PLACE}")]
        );
    });
}

#[test]
fn an_abandoned_write_removes_its_value() {
    run(async {
        let market = Market::new();
        let held = market.passed_over(Does::AnswerAfter(SHORT / 2)).await;
        assert_eq!(held.await, b"old");
        assert_eq!(market.server.lies_at(PLACE), None);
    });
}

#[test]
fn an_abandoned_write_that_cannot_remove_its_value_is_suspect() {
    run(async {
        let market = Market::new();
        let held = market.passed_over(Does::AnswerAfter(SHORT / 2)).await;
        market.server.on("remove", Does::Break);
        assert_eq!(held.await, b"old");
        assert_eq!(market.server.lies_at(PLACE).as_deref(), Some("old"));
        market.server.recover();
        assert_eq!(market.get().await, None);
    });
}

#[test]
fn an_abandoned_write_dropped_during_its_removal_is_suspect() {
    run(async {
        let market = Market::new();
        let mut held = market.passed_over(Does::AnswerAfter(SHORT / 2)).await;
        market.server.on("remove", Does::Hang);
        market.server.asked();
        while market.server.count() == 0 {
            let polled = tokio::time::timeout(Duration::from_millis(1), &mut held).await;
            assert!(polled.is_err());
        }
        drop(held);
        market.server.recover();
        assert_eq!(market.get().await, None);
    });
}
