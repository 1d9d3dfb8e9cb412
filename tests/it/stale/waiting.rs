//! Calls that wait for a background refresh get its value when the body returns it, independent of its write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use ring_cache::{Lookup, RingKey, ring_impl};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};

use super::gated::Gated;

/// An origin with numbered answers, which wait at a gate.
#[derive(Clone, RingKey)]
struct Origin {
    #[ring_key(skip)]
    state: Arc<State>,
}

struct State {
    storage: Gated,
    answers: AtomicU32,
    begun: AtomicU32,
    gate: Semaphore,
}

#[ring_impl(storage = self.state.storage as Gated, expire = "10s", stale = "60s")]
impl Origin {
    #[ring(wait = forever)]
    async fn waits(&self) -> u32 {
        self.answer().await
    }
    #[ring(wait = "100ms", flight_timeout = "1h")]
    async fn waits_a_while(&self) -> u32 {
        self.answer().await
    }
    #[ring(refresh = caller)]
    async fn breaks_the_storage(&self) -> Result<u32, String> {
        self.state.storage.reads_fail.store(true, SeqCst);
        Err("down".into())
    }
    #[ring]
    async fn waits_not(&self) -> u32 {
        self.answer().await
    }
    #[ring(wait = forever)]
    async fn calls_itself(&self) -> u32 {
        let answer = self.answer().await;
        match answer {
            1 => 1,
            _ => 10 * answer + Box::pin(self.calls_itself()).await,
        }
    }
    #[ring(wait = forever, flight_timeout = "2s")]
    async fn may_hang(&self) -> u32 {
        self.answer().await
    }
}

const TILL_STALE: Duration = Duration::from_secs(10);
const TILL_DEAD: Duration = Duration::from_secs(70);

impl Origin {
    fn new() -> Self {
        Origin {
            state: Arc::new(State {
                storage: Gated::new(),
                answers: AtomicU32::new(0),
                begun: AtomicU32::new(0),
                gate: Semaphore::new(Semaphore::MAX_PERMITS),
            }),
        }
    }

    async fn answer(&self) -> u32 {
        self.state.begun.fetch_add(1, SeqCst);
        self.state.gate.acquire().await.unwrap().forget();
        self.state.answers.fetch_add(1, SeqCst) + 1
    }

    fn begun(&self) -> u32 {
        self.state.begun.load(SeqCst)
    }

    fn pass(&self, time: Duration) {
        self.state.storage.clock.advance(time);
    }

    /// Whether the refresh writes its value.
    async fn begins_to_write(&self) {
        let before = self.state.storage.writes_begun.load(SeqCst);
        while self.state.storage.writes_begun.load(SeqCst) == before {
            yield_now().await;
        }
    }
}

fn spawn(call: impl Future<Output = u32> + Send + 'static) -> JoinHandle<u32> {
    tokio::spawn(call)
}

/// Lets all other tasks run until they wait.
async fn others_wait() {
    for _ in 0..20 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_call_that_waits_for_a_refresh_does_not_wait_for_its_write() {
    let origin = Origin::new();
    assert_eq!(origin.waits().await, 1);
    origin.pass(TILL_STALE);
    origin.state.storage.close_gate();
    let waits = || {
        let origin = origin.clone();
        spawn(async move { origin.waits().await })
    };
    let calls = [waits(), waits()];
    origin.begins_to_write().await;
    let late = waits();
    for call in calls {
        assert_eq!(call.await.unwrap(), 2);
    }
    assert_eq!(late.await.unwrap(), 2, "it came during the write");
    assert_eq!(origin.waits_ring().lookup().await.unwrap(), Lookup::Stale(1));
    origin.state.storage.open_gate();
    while origin.waits_ring().get().await.unwrap() != Some(2) {
        yield_now().await;
    }
    assert_eq!(origin.begun(), 2);
}

#[tokio::test]
async fn f6_past_its_life_a_call_does_not_wait_for_the_write_of_the_refresh() {
    let origin = Origin::new();
    origin.waits_not().await;
    origin.pass(TILL_STALE);
    origin.state.storage.close_gate();
    assert_eq!(origin.waits_not().await, 1, "stale");
    origin.begins_to_write().await;
    origin.pass(TILL_DEAD);
    assert_eq!(origin.waits_not().await, 2, "it came during the write");
    origin.state.storage.open_gate();
    assert_eq!(origin.begun(), 2);
}

#[tokio::test]
async fn a_call_that_waits_for_a_refresh_gets_the_value_though_the_write_fails() {
    let origin = Origin::new();
    origin.waits().await;
    origin.pass(TILL_STALE);
    origin.state.storage.writes_fail.store(true, SeqCst);
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let origin = origin.clone();
            spawn(async move { origin.waits().await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 2);
    }
    assert_eq!(origin.begun(), 2, "no call computed again");
    assert_eq!(origin.waits_ring().lookup().await.unwrap(), Lookup::Stale(1));
}

/// The server fails together with the source.
#[tokio::test]
async fn a_call_that_waits_while_the_storage_dies_gets_the_value_that_it_found() {
    let origin = Origin::new();
    origin.waits_a_while().await;
    for is_deleted in [false, true] {
        origin.pass(TILL_STALE);
        origin.state.gate.forget_permits(Semaphore::MAX_PERMITS);
        let begun = origin.begun();
        let call = {
            let origin = origin.clone();
            spawn(async move { origin.waits_a_while().await })
        };
        while origin.begun() == begun {
            yield_now().await;
        }
        if is_deleted {
            origin.waits_a_while_ring().delete().await.unwrap();
        }
        origin.state.storage.reads_fail.store(true, SeqCst);
        if is_deleted {
            while origin.begun() == begun + 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            origin.state.gate.add_permits(10);
            assert_ne!(call.await.unwrap(), 1, "a delete ended the fallback");
        } else {
            assert_eq!(call.await.unwrap(), 1);
            origin.state.storage.reads_fail.store(false, SeqCst);
            origin.state.gate.add_permits(10);
            while origin.waits_a_while_ring().get().await.unwrap().is_none() {
                yield_now().await;
            }
            origin.waits_a_while_ring().set(1).await.unwrap();
        }
    }
}

#[tokio::test]
async fn f8_a_call_that_fails_to_refresh_while_the_storage_dies_gets_the_value_that_it_found() {
    let origin = Origin::new();
    origin.breaks_the_storage_ring().set(1).await.unwrap();
    origin.pass(TILL_STALE);
    assert_eq!(origin.breaks_the_storage().await, Ok(1));
}

#[tokio::test]
async fn a_body_that_calls_itself_does_not_wait_for_itself() {
    let origin = Origin::new();
    assert_eq!(origin.calls_itself().await, 1);
    origin.pass(TILL_STALE);
    assert_eq!(origin.calls_itself().await, 21, "it got the stale value");
}

#[tokio::test]
async fn f14_a_call_after_a_hung_refresh_was_replaced_joins_the_new_one() {
    let origin = Origin::new();
    origin.may_hang().await;
    origin.pass(TILL_STALE);
    origin.state.gate.forget_permits(Semaphore::MAX_PERMITS);
    let call = || {
        let origin = origin.clone();
        spawn(async move { origin.may_hang().await })
    };
    assert_eq!(
        call().await.unwrap(),
        1,
        "it waited for `flight_timeout`, and got the stale value"
    );
    assert_eq!(origin.begun(), 2);
    let next = call();
    others_wait().await;
    assert_eq!(
        origin.begun(),
        3,
        "the next reader of a stale value starts another"
    );
    origin.pass(TILL_DEAD);
    let joined = call();
    others_wait().await;
    assert_eq!(origin.begun(), 3, "it joined");
    // The hung body waits longest for the gate: let both end.
    origin.state.gate.add_permits(2);
    let (next, joined) = (next.await.unwrap(), joined.await.unwrap());
    assert_eq!((next, joined), (3, 3));
}
