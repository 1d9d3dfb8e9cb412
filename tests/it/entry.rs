//! Bodies that see the entry of their value, and decide about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use ring_cache::clock::ManualClock;
use ring_cache::{Calls, Entry, Lookup, Lru, RingKey, ring, ring_impl};

const SECOND: Duration = Duration::from_secs(1);

/// Answers have versions; `known` is the version that the caller has.
#[derive(Clone, RingKey)]
struct Origin {
    #[ring_key(skip)]
    state: Arc<State>,
    #[ring_key(skip)]
    values: Arc<Lru<u32>>,
}

#[derive(Default)]
struct State {
    clock: ManualClock,
    version: AtomicU32,
    asked: AtomicU32,
    not_modified: AtomicU32,
}

impl Origin {
    fn new() -> Self {
        let state = Arc::new(State::default());
        let values = Lru::builder().capacity(100).clock(state.clock.clone()).build();
        Origin {
            state,
            values: Arc::new(values),
        }
    }

    /// The version, or `None` if it equals the known one.
    fn fetch(&self, known: Option<u32>) -> Option<u32> {
        self.state.asked.fetch_add(1, SeqCst);
        let version = self.state.version.load(SeqCst);
        if known == Some(version) {
            self.state.not_modified.fetch_add(1, SeqCst);
            return None;
        }
        Some(version)
    }

    fn page_of(&self, e: &Entry<u32>) -> u32 {
        self.fetch(e.stale().copied())
            .or_else(|| e.unchanged())
            .expect("only an old value is unchanged")
    }

    fn wait(&self, time: Duration) {
        self.state.clock.advance(time);
    }
}

#[ring_impl(lru = self.values, expire = "10s", stale = "60s", refresh = caller)]
impl Origin {
    #[ring(entry = e)]
    fn page(&self, id: u32) -> u32 {
        let _ = id;
        self.page_of(&e)
    }

    #[ring(entry = e)]
    async fn page_async(&self, id: u32) -> u32 {
        let _ = id;
        self.page_of(&e)
    }

    #[ring(entry = e, jitter = 1.0, expire_of = |_| Some(Duration::from_secs(1)))]
    fn for_a_while(&self, seconds: u64) -> u32 {
        e.expire_in(Duration::from_secs(seconds));
        7
    }

    #[ring(entry = entry)]
    fn unless_odd(&self, id: u32) -> Result<u32, String> {
        let version = self.state.version.load(SeqCst);
        if version % 2 == 1 {
            entry.skip_store();
        }
        Ok(version + 10 * id)
    }

    #[ring(entry = e, early = 0.5)]
    fn refreshed_early(&self, id: u32) -> u32 {
        e.stale().copied().unwrap_or(id) + 1
    }
}

#[test]
fn f21_an_unchanged_value_begins_its_life_anew() {
    let origin = Origin::new();
    assert_eq!(origin.page(1), 0);
    origin.wait(11 * SECOND);
    assert_eq!(origin.page_ring(1).lookup(), Lookup::Stale(0));
    assert_eq!(origin.page(1), 0);
    assert_eq!(origin.page_ring(1).lookup(), Lookup::Fresh(0));
    assert_eq!(origin.state.not_modified.load(SeqCst), 1);
    origin.state.version.store(5, SeqCst);
    origin.wait(11 * SECOND);
    assert_eq!((origin.page(1), origin.page(1)), (5, 5));
    assert_eq!(origin.state.asked.load(SeqCst), 3);
}

#[tokio::test]
async fn f21_in_async_code_too() {
    let origin = Origin::new();
    assert_eq!(origin.page_async(1).await, 0);
    origin.wait(11 * SECOND);
    assert_eq!(origin.page_async(1).await, 0);
    assert_eq!(origin.page_async_ring(1).lookup().await, Lookup::Fresh(0));
    assert_eq!(origin.state.not_modified.load(SeqCst), 1);
}

#[test]
fn only_a_refresh_sees_an_old_value() {
    let origin = Origin::new();
    assert_eq!(origin.page(1), 0);
    assert_eq!(origin.page_ring(1).update(), 0);
    origin.wait(SECOND * 100);
    assert_eq!(origin.page(1), 0);
    assert_eq!(origin.page_ring(2).execute(), 0);
    assert_eq!(origin.state.not_modified.load(SeqCst), 0);
}

#[test]
fn f19_the_body_decides_the_expiry_before_all_others() {
    let origin = Origin::new();
    assert_eq!(origin.for_a_while(100), 7);
    origin.wait(99 * SECOND);
    assert_eq!(
        origin.for_a_while_ring(100).lookup(),
        Lookup::Fresh(7),
        "no jitter"
    );
    origin.wait(2 * SECOND);
    assert_eq!(origin.for_a_while_ring(100).lookup(), Lookup::Stale(7));
    let call = origin.for_a_while_ring(3).expire_in(50 * SECOND);
    assert_eq!(call.update(), 7);
    origin.wait(4 * SECOND);
    assert_eq!(origin.for_a_while_ring(3).lookup(), Lookup::Stale(7));
}

#[test]
fn f19_zero_stores_nothing() {
    let origin = Origin::new();
    assert_eq!(origin.for_a_while(0), 7);
    assert_eq!(origin.for_a_while_ring(0).lookup(), Lookup::Absent);
}

#[test]
fn a_body_may_say_that_its_value_is_not_stored() {
    let origin = Origin::new();
    origin.state.version.store(1, SeqCst);
    assert_eq!(origin.unless_odd(2), Ok(21));
    assert_eq!(origin.unless_odd_ring(2).get(), None);
    origin.state.version.store(2, SeqCst);
    assert_eq!(origin.unless_odd(2), Ok(22));
    assert_eq!(origin.unless_odd_ring(2).get(), Some(22));
    origin.state.version.store(3, SeqCst);
    assert_eq!(origin.unless_odd_ring(2).update(), Ok(23));
    assert_eq!(origin.unless_odd_ring(2).get(), None, "the old one is gone");
}

#[test]
fn an_early_refresh_sees_the_value_that_it_replaces() {
    let origin = Origin::new();
    assert_eq!(origin.refreshed_early(1), 2);
    origin.wait(6 * SECOND);
    assert_eq!(origin.refreshed_early(1), 3);
}

#[test]
fn bulk_calls_show_it_as_well() {
    let origin = Origin::new();
    let calls = || (0..3).map(|id| origin.page_ring(id)).collect::<Vec<_>>();
    assert_eq!(calls().get_or_update_many(), [0, 0, 0]);
    origin.wait(11 * SECOND);
    assert_eq!(calls().get_or_update_many(), [0, 0, 0]);
    assert_eq!(origin.state.not_modified.load(SeqCst), 3);
}

#[ring(entry = e, expire = "1h")]
fn free<T: RingKey + Clone + Send + 'static>(id: T) -> String {
    let _ = id;
    format!("{e:?}")
}

#[ring(entry = e, expire = "1h", stale = "1h", timeout = "60s")]
fn in_background(id: u32) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    e.skip_store();
    Ok(id)
}

#[test]
fn every_form_of_a_body_sees_it() {
    let decided = "Entry { has_stale: false, expiry: None, skips_store: false, is_unchanged: false }";
    assert_eq!(free(1), decided);
    assert_eq!(free_ring(2_u8).execute(), decided);
    assert_eq!(in_background(3).unwrap(), 3);
    assert!(!in_background_ring(3).has());
}
