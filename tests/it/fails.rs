//! `Fails`: a memory storage that can fail, for tests of outages without a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use ring_cache::clock::ManualClock;
use ring_cache::coder::Json;
use ring_cache::storage::{AsyncClear, AsyncStorage, Clear, Storage, TellsLife};
use ring_cache::{
    AsyncCalls, Calls, Error, ErrorKind, Fails, Lru, Map, Redis, RingKey, Tiered, ring_impl, tag,
};
use ring_cache_test_servers::{Redis as Server, or_leave_out};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service for any storage that can fail.
#[derive(Clone, RingKey)]
struct Users<R> {
    tenant: &'static str,
    #[ring_key(skip)]
    store: R,
    #[ring_key(skip)]
    origin: Arc<Origin>,
}

#[derive(Default)]
struct Origin {
    answers: AtomicU32,
    is_down: AtomicBool,
}

impl<R> Users<R> {
    fn new(store: R) -> Self {
        Users {
            tenant: "a",
            store,
            origin: Arc::default(),
        }
    }

    fn answer(&self) -> Result<u32, String> {
        if self.origin.is_down.load(SeqCst) {
            return Err("down".into());
        }
        Ok(self.origin.answers.fetch_add(1, SeqCst) + 1)
    }
}

#[ring_impl(storage = self.store as R, coder = Json, expire = "10s")]
impl<R: Storage<Vec<u8>, Error = Error> + TellsLife + Clear<Vec<u8>>> Users<R> {
    #[ring]
    fn name(&self, id: u64) -> String {
        self.origin.answers.fetch_add(1, SeqCst);
        format!("user {id}")
    }
    #[ring(stale = "60s", refresh = caller)]
    fn visits(&self) -> Result<u32, String> {
        self.answer()
    }
}

#[ring_impl(storage = self.store as R, coder = Json, expire = "10s")]
impl<R: AsyncStorage<Vec<u8>, Error = Error> + TellsLife + AsyncClear<Vec<u8>>> Users<R> {
    #[ring]
    async fn name_async(&self, id: u64) -> String {
        self.origin.answers.fetch_add(1, SeqCst);
        format!("user {id}")
    }
}

fn memory() -> Fails<Lru<Vec<u8>>> {
    Fails::new(Lru::new(100))
}

fn verbs<R>(store: R) -> Result<(), Error>
where
    R: Storage<Vec<u8>, Error = Error> + TellsLife + Clear<Vec<u8>>,
{
    let users = Users::new(store);
    let got: Result<Option<String>, Error> = users.name_ring(1).get();
    assert_eq!(got?, None);
    let name: String = users.name(1);
    assert_eq!(name, "user 1");
    let updated: String = users.name_ring(1).update();
    assert_eq!((updated, users.origin.answers.load(SeqCst)), (name, 2));
    let set: Result<(), Error> = users.name_ring(1).set("Ada".into());
    set?;
    assert_eq!(users.name(1), "Ada");
    let has: Result<bool, Error> = users.name_ring(1).has();
    let touched: Result<bool, Error> = users.name_ring(1).touch();
    let deleted: Result<bool, Error> = users.name_ring(1).delete();
    assert!(has? && touched? && deleted? && !users.name_ring(1).delete()?);

    let calls = || (1..=3).map(|id| users.name_ring(id));
    let names: Vec<String> = calls().get_or_update_many();
    assert_eq!(names, ["user 1", "user 2", "user 3"]);
    let found: Result<Vec<Option<String>>, Error> = calls().get_many();
    assert_eq!(found?, names.into_iter().map(Some).collect::<Vec<_>>());
    assert_eq!(calls().touch_many()?, [true; 3]);
    assert_eq!(calls().take(1).delete_many()?, [true]);
    assert_eq!(calls().has_many()?, [false, true, true]);
    let cleared: Result<(), Error> = users.name_cache().clear();
    cleared?;
    assert_eq!(calls().has_many()?, [false; 3]);
    assert_eq!(users.name_cache().stats().errors, 0);
    Ok(())
}

async fn verbs_async<R>(store: R) -> Result<(), Error>
where
    R: AsyncStorage<Vec<u8>, Error = Error> + TellsLife + AsyncClear<Vec<u8>>,
{
    let users = Users::new(store);
    let got: Result<Option<String>, Error> = users.name_async_ring(1).get().await;
    assert_eq!(got?, None);
    assert_eq!(users.name_async(1).await, "user 1");
    let set: Result<(), Error> = users.name_async_ring(1).set("Ada".into()).await;
    set?;
    assert_eq!(users.name_async(1).await, "Ada");
    let has: Result<bool, Error> = users.name_async_ring(1).has().await;
    let touched: Result<bool, Error> = users.name_async_ring(1).touch().await;
    let deleted: Result<bool, Error> = users.name_async_ring(1).delete().await;
    assert!(has? && touched? && deleted?);
    let calls = || (1..=2).map(|id| users.name_async_ring(id));
    let names: Vec<String> = calls().get_or_update_many().await;
    assert_eq!(names, ["user 1", "user 2"]);
    assert_eq!(calls().has_many().await?, [true; 2]);
    users.name_async_cache().clear().await?;
    assert_eq!(calls().has_many().await?, [false; 2]);
    Ok(())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_service_has_the_same_verbs_on_a_server_and_in_memory() -> Result<(), Error> {
    verbs(memory())?;
    verbs(Fails::new(Map::new()))?;
    block_on(verbs_async(memory()))?;
    let Some(server) = or_leave_out("the same service on Redis", Server::start()) else {
        return Ok(());
    };
    let redis = || Redis::open(server.url()).map(|redis| redis.deadline(PATIENCE));
    verbs(redis()?)?;
    block_on(verbs_async(redis()?))
}

#[test]
fn an_outage_costs_computations_and_verbs_say_so() {
    let store = memory();
    let users = Users::new(store.clone());
    assert_eq!((users.name(1), users.name(1)), ("user 1".into(), "user 1".into()));
    assert_eq!(users.origin.answers.load(SeqCst), 1);

    store.set_down(true);
    assert!(users.store.is_down(), "clones go down together");
    for computed in 2..=3 {
        assert_eq!(users.name(1), "user 1");
        assert_eq!(users.origin.answers.load(SeqCst), computed);
    }
    assert!(users.name_cache().stats().errors >= 2);
    let failed = [
        users.name_ring(1).get().map(drop),
        users.name_ring(1).set("Ada".into()),
        users.name_ring(1).has().map(drop),
        users.name_ring(1).touch().map(drop),
        users.name_ring(1).delete().map(drop),
        [users.name_ring(1)].get_many().map(drop),
        [users.name_ring(1)].set_many(["Ada".into()]),
        [users.name_ring(1)].has_many().map(drop),
        [users.name_ring(1)].touch_many().map(drop),
        [users.name_ring(1)].delete_many().map(drop),
        users.name_cache().clear(),
    ];
    for failed in failed {
        let error = failed.unwrap_err();
        assert_eq!(
            (error.kind(), error.storage_name()),
            (ErrorKind::Storage, Some("fails"))
        );
        assert!(error.to_string().contains("set_down(true)"), "{error}");
    }

    store.set_down(false);
    assert!(!users.name_ring(1).has().unwrap(), "it was deleted meanwhile");
    assert_eq!(users.name(1), "user 1");
    assert!(users.name_ring(1).has().unwrap());
}

#[test]
fn an_outage_of_awaited_calls() {
    let store = memory();
    let users = Users::new(store.clone());
    block_on(async {
        store.set_down(true);
        assert_eq!(users.name_async(1).await, "user 1");
        assert!(users.name_async_ring(1).get().await.is_err());
        assert!(users.name_async_ring(1).delete().await.is_err());
        assert!(users.name_async_cache().clear().await.is_err());
        assert!(users.name_async_cache().stats().errors > 0);
        store.set_down(false);
        assert_eq!(users.name_async_ring(1).get().await.unwrap(), None);
    });
}

#[ring_impl(storage = self.store as Fails<Lru<Vec<u8>>>, coder = Json)]
impl Users<Fails<Lru<Vec<u8>>>> {
    #[ring(tags("fails"))]
    fn tagged(&self) -> u32 {
        self.origin.answers.fetch_add(1, SeqCst) + 1
    }
}

#[test]
fn tags_are_kept_as_on_a_server() -> Result<(), Error> {
    let store = memory();
    let users = Users::new(store.clone());
    assert_eq!((users.tagged(), users.tagged()), (1, 1));
    tag("fails").forget_in(&store)?;
    assert_eq!((users.tagged(), users.tagged()), (2, 2));
    store.set_down(true);
    assert!(tag("fails").forget_in(&store).is_err());
    assert_eq!(users.tagged(), 3);
    store.set_down(false);
    assert_eq!(
        users.tagged(),
        4,
        "what was to be forgotten is not found after the outage"
    );
    Ok(())
}

#[test]
fn a_stale_value_outlives_an_outage_unless_a_newer_one_was_made() {
    let clock = ManualClock::default();
    let store = Fails::new(Map::with_clock(clock.clone()));
    let users = Users::new(store.clone());
    assert_eq!(users.visits(), Ok(1));
    clock.advance(Duration::from_secs(15));
    users.origin.is_down.store(true, SeqCst);
    assert_eq!(users.visits(), Ok(1), "the stale value, while the origin is down");
    store.set_down(true);
    assert_eq!(users.visits(), Err("down".into()), "both are down");
    store.set_down(false);
    assert_eq!(users.visits(), Ok(1));

    users.origin.is_down.store(false, SeqCst);
    store.set_down(true);
    assert_eq!(users.visits(), Ok(2));
    store.set_down(false);
    assert_eq!(users.visits(), Ok(3), "the first value does not come back");
}

#[derive(RingKey)]
struct Values<R> {
    #[ring_key(skip)]
    store: R,
}

#[ring_impl(storage = self.store as R)]
impl<R: Storage<String, Error = Error>> Values<R> {
    #[ring]
    fn value(&self) -> String {
        "computed".into()
    }
}

#[test]
fn values_that_are_not_encoded() -> Result<(), Error> {
    let values = Values {
        store: Fails::new(Lru::new(10)),
    };
    assert_eq!(values.value(), "computed");
    let got: Result<Option<String>, Error> = values.value_ring().get();
    assert_eq!(got?.as_deref(), Some("computed"));
    assert_eq!(values.store.backend().len(), 1);
    Ok(())
}

struct Shop {
    tier: Tiered<Lru<String>, Fails<Map<Vec<u8>>>>,
}

#[ring_impl(storage = self.tier as Tiered<Lru<String>, Fails<Map<Vec<u8>>>>, ignore(self))]
impl Shop {
    #[ring]
    fn price(&self, article: u32) -> String {
        format!("price of {article}")
    }
}

#[test]
fn a_far_tier_that_fails() {
    let far = Fails::new(Map::new());
    let shop = Shop {
        tier: Tiered::new(Lru::new(10), far.clone()).near_expiry(Duration::from_secs(60)),
    };
    assert_eq!(shop.price(1), "price of 1");
    assert_eq!(far.backend().len(), 1);
    far.set_down(true);
    assert_eq!(shop.price(2), "price of 2");
    assert!(shop.price_ring(2).delete().is_err());
}
