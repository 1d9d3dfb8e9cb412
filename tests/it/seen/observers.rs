//! Observers receive all events except hits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ring_cache::{Calls, Error, EvictionReason, Lru, Observer, RingKey, observe, ring, ring_impl};

/// The events of rings whose names begin with this.
struct Log(&'static str, Arc<Mutex<Vec<String>>>);

impl Log {
    /// Begins to observe.
    fn of(prefix: &'static str) -> Arc<Mutex<Vec<String>>> {
        let lines = Arc::default();
        observe(Log(prefix, Arc::clone(&lines)));
        lines
    }

    fn add(&self, ring: &str, what: String) {
        if ring.starts_with(self.0) {
            self.1.lock().unwrap().push(format!("{ring} {what}"));
        }
    }
}

impl Observer for Log {
    fn computed(&self, ring: &str, took: Duration) {
        self.add(ring, format!("computed {}", took < Duration::from_secs(60)));
    }
    fn refreshed(&self, ring: &str, took: Duration) {
        self.add(ring, format!("refreshed {}", took < Duration::from_secs(60)));
    }
    fn evicted(&self, ring: &str, reason: EvictionReason) {
        self.add(ring, format!("evicted {}", reason.as_str()));
    }
    fn expired(&self, ring: &str) {
        self.add(ring, "expired".into());
    }
    fn failed(&self, ring: &str, error: &Error) {
        let storage = error.storage_name().unwrap_or("-");
        self.add(
            ring,
            format!("failed {storage} {} {:?}", error.operation(), error.kind()),
        );
    }
}

#[ring(capacity = 1, key_prefix = "observers.one")]
fn one(id: u32) -> u32 {
    id
}

#[test]
fn o1_o2_computations_and_evictions_are_told_and_hits_are_not() {
    let lines = Log::of("observers.one");
    one(1);
    one(1);
    one(2);
    let expected = ["observers.one computed true"; 2];
    let lines = lines.lock().unwrap();
    assert_eq!(lines[..2], expected);
    assert_eq!(lines[2..], ["observers.one evicted capacity"]);
}

#[ring(expire = Duration::from_millis(1), key_prefix = "observers.short")]
async fn short(id: u32) -> u32 {
    id
}

#[test]
fn o2_expired_entries_are_told_in_async_code_too() {
    let lines = Log::of("observers.short");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        short(1).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        short(1).await;
    });
    let expected =
        ["computed true", "expired", "computed true"].map(|what| format!("observers.short {what}"));
    assert_eq!(*lines.lock().unwrap(), expected);
}

#[ring(expire = "1h", stale = "1h", refresh = caller, key_prefix = "observers.stale")]
fn stale(id: u32) -> u32 {
    id
}

#[ring(expire = "1h", stale = "1h", refresh = caller, key_prefix = "observers.stale")]
async fn stale_awaited(id: u32, _awaited: bool) -> u32 {
    id
}

#[test]
fn o2_refreshes_are_told_beside_their_computations() {
    let lines = Log::of("observers.stale");
    stale(1);
    stale_ring(1).expire();
    stale(1);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        stale_awaited(1, true).await;
        stale_awaited_ring(1, true).expire().await;
        stale_awaited(1, true).await;
    });
    let once = ["computed true", "computed true", "refreshed true"];
    let expected = [once, once].concat();
    let expected: Vec<_> = expected
        .iter()
        .map(|what| format!("observers.stale {what}"))
        .collect();
    assert_eq!(*lines.lock().unwrap(), expected);
}

#[ring(key_prefix = "observers.panics")]
fn panics(id: u32) -> u32 {
    id
}

#[test]
fn o2_a_panic_of_an_observer_changes_nothing_and_others_are_still_told() {
    struct Panics;
    impl Observer for Panics {
        fn computed(&self, ring: &str, _: Duration) {
            assert!(ring != "observers.panics", "on purpose");
        }
    }
    observe(Panics);
    let lines = Log::of("observers.panics");
    assert_eq!((panics(1), panics(1)), (1, 1));
    assert_eq!(lines.lock().unwrap().len(), 1);
    assert_eq!(panics_cache().stats().computed, 1);
}

static SMALL: std::sync::LazyLock<Lru<Counted>> = std::sync::LazyLock::new(|| Lru::new(1));

#[derive(Clone)]
struct Counted;

#[ring(lru = SMALL, key_prefix = "observers.again")]
fn again(_id: u32) -> Counted {
    Counted
}

/// No lock is held: an observer may use the same storage and keys.
#[test]
fn o2_an_observer_may_call_cached_methods() {
    struct Calls;
    impl Observer for Calls {
        fn computed(&self, ring: &str, _: Duration) {
            if ring == "observers.again" && !again_ring(9).has() {
                again_ring(9).set(Counted);
                again_ring(8).delete();
            }
        }
        fn evicted(&self, ring: &str, _: EvictionReason) {
            if ring == "observers.again" {
                again_cache().stats();
                again_cache().clear();
                let _ = ring_cache::rings();
            }
        }
    }
    observe(Calls);
    for id in 0..5 {
        again(id);
    }
    assert!(again_cache().stats().evictions > 0);
}

#[cfg(feature = "redis")]
#[test]
fn o2_failures_are_told_with_ring_storage_and_operation() {
    use ring_cache::Redis;

    #[derive(RingKey)]
    struct Shop {
        #[ring_key(skip)]
        redis: Redis,
    }
    #[ring_impl(redis = self.redis, expire = "1m")]
    impl Shop {
        #[ring(key_prefix = "observers.price")]
        fn price(&self, article: u32) -> u32 {
            article
        }
        #[ring(key_prefix = "observers.many")]
        fn many(&self, article: u32) -> u32 {
            article
        }
    }
    let lines = Log::of("observers.");
    let shop = Shop {
        redis: super::unreachable_redis(),
    };
    shop.price(1);
    let _ = [1, 2].map(|article| shop.many_ring(article)).get_or_update_many();
    let lines = lines.lock().unwrap();
    let has = |wanted: &str| lines.iter().any(|line| line.starts_with(wanted));
    assert!(has("observers.price failed redis get "), "{lines:?}");
    assert!(has("observers.many failed redis get_many "), "{lines:?}");
}

/// Several rings, many calls: one warning for a wrong address and one for a wrong password, each with the address.
#[cfg(feature = "redis")]
#[test]
fn o2_a_storage_that_does_not_work_is_warned_of_once() {
    use ring_cache::Redis;
    use ring_cache_test_servers::{Redis as Server, or_leave_out};

    struct Warnings(String, Arc<Mutex<Vec<String>>>);
    impl Observer for Warnings {
        fn warned(&self, error: &Error) {
            if error.address() == Some(&self.0) {
                self.1.lock().unwrap().push(error.to_string());
            }
        }
    }
    #[derive(RingKey)]
    struct Shop {
        #[ring_key(skip)]
        redis: Redis,
    }
    #[ring_impl(redis = self.redis, expire = "1m")]
    impl Shop {
        #[ring(key_prefix = "observers.warned")]
        fn price(&self, article: u32) -> u32 {
            article
        }
        #[ring(key_prefix = "observers.warned_too")]
        fn stock(&self, article: u32) -> u32 {
            article
        }
    }
    let warnings_of = |address: &str, url: &str| {
        let warnings = Arc::default();
        observe(Warnings(address.into(), Arc::clone(&warnings)));
        let shop = Shop {
            redis: Redis::open(url).unwrap().deadline(Duration::from_secs(20)),
        };
        for article in 0..20 {
            shop.price(article);
            shop.stock(article);
        }
        assert!(super::has("observers.warned", "storage-fails"));
        let warnings = warnings.lock().unwrap().clone();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].contains(&format!("redis at {address}")),
            "{warnings:?}"
        );
    };
    warnings_of("127.0.0.1:2", "redis://127.0.0.1:2");
    let server = Server::options().password("geheim").start();
    let Some(server) = or_leave_out("a wrong password", server) else {
        return;
    };
    let url = server.url().replace("geheim", "hunter2");
    let address = url.rsplit('@').next().expect("an address");
    warnings_of(address, &url);
}
