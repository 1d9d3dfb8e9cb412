//! Refreshes in the background, by threads and tasks with copies of the arguments. Calls return the stale value at once,
//! or wait for the new one.

use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use ring_cache::storage::StorageBase;
use ring_cache::testing::{self, assert_computed};
use ring_cache::{AsyncCalls, Calls, Lookup, Lru, ring_impl};

use super::origin::{Origin, SECOND, TILL_DEAD, TILL_STALE};

static VALUES: LazyLock<Lru<u32>> = LazyLock::new(Lru::default);

#[ring_impl(lru = self.values, expire = "10s", stale = "60s", refresh = background, retry = "50ms")]
impl Origin {
    #[ring]
    fn in_background(&self, name: &str, many: &[u8], _id: u32) -> Result<u32, String> {
        let _ = (name, many);
        self.answer()
    }
    #[ring]
    async fn in_background_async(&self, name: &str) -> Result<u32, String> {
        let _ = name;
        self.answer()
    }
    #[ring]
    fn shared(self: &Arc<Self>) -> Result<u32, String> {
        self.answer()
    }
    #[ring(lru = VALUES, expire = "10s", key = "id:{_id}")]
    fn panics(&self, _id: u32) -> u32 {
        let answer = self.answer();
        answer.unwrap_or_else(|_| panic!("the origin is down"))
    }
}

#[test]
fn f11_the_background_has_copies_of_the_arguments() {
    let _inline = testing::inline();
    let origin = Origin::new();
    assert_eq!(origin.in_background("a", b"bc", 1), Ok(1));
    origin.wait(TILL_STALE);
    assert_eq!(
        assert_computed!(1, origin.in_background("a", b"bc", 1)),
        Ok(1),
        "stale"
    );
    assert_eq!(assert_computed!(0, origin.in_background("a", b"bc", 1)), Ok(2));
    let origin = Arc::new(origin);
    assert_eq!(origin.shared(), Ok(3));
    origin.wait(TILL_STALE);
    assert_eq!((origin.shared(), origin.shared()), (Ok(3), Ok(4)));
    origin.wait(TILL_STALE);
    assert_eq!([origin.shared_ring()].get_or_update_many(), [Ok(4)]);
    assert_eq!(origin.shared(), Ok(5));
}

#[test]
fn f12_threads_of_the_background_refresh_blocking_calls() {
    let origin = Origin::new();
    origin.in_background("b", b"", 1).unwrap();
    origin.wait(TILL_STALE);
    let slow = origin.state.slow.lock().unwrap();
    assert_eq!(origin.in_background("b", b"", 1), Ok(1), "without waiting");
    assert_eq!(origin.in_background("b", b"", 1), Ok(1));
    drop(slow);
    while origin.in_background_ring("b", b"", 1).get().is_none() {
        thread::yield_now();
    }
    assert_eq!(origin.in_background("b", b"", 1), Ok(2));
}

#[tokio::test]
async fn f12_tasks_of_the_callers_runtime_refresh_async_calls() {
    let origin = Origin::new();
    origin.in_background_async("a").await.unwrap();
    origin.wait(TILL_STALE);
    assert_eq!(origin.in_background_async("a").await, Ok(1));
    while origin.in_background_async_ring("a").get().await.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(origin.in_background_async("a").await, Ok(2));
    origin.wait(TILL_STALE);
    assert_eq!(
        [origin.in_background_async_ring("a")].get_or_update_many().await,
        [Ok(2)]
    );
    tokio::task::yield_now().await;
    assert_eq!(origin.in_background_async("a").await, Ok(3));
}

#[test]
fn f12_without_a_runtime_the_caller_refreshes() {
    let origin = Origin::new();
    let before = ring_cache::background::counts().by_caller;
    let block_on = |future| futures_util_block_on(future);
    assert_eq!(block_on(origin.in_background_async("c")), Ok(1));
    origin.wait(TILL_STALE);
    assert_eq!(block_on(origin.in_background_async("c")), Ok(2));
    assert!(ring_cache::background::counts().by_caller > before);
}

/// Blocks on a future without a tokio runtime.
fn futures_util_block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::yield_now();
    }
}

#[tokio::test]
async fn f13_a_dropped_call_touches_no_job_of_the_background() {
    let origin = Origin::new();
    origin.in_background_async("d").await.unwrap();
    origin.wait(TILL_STALE);
    {
        let call = origin.in_background_async("d");
        assert_eq!(call.await, Ok(1));
    }
    tokio::task::yield_now().await;
    assert_eq!(origin.in_background_async_ring("d").get().await, Some(2));
}

#[test]
fn f8_a_refresh_that_panics_is_a_failed_one() {
    let origin = Origin::new();
    let _inline = testing::inline();
    let (_isolated, clock) = (testing::isolated(), testing::clock());
    assert_eq!(origin.panics(1), 1);
    origin.go_down();
    clock.advance(TILL_STALE);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| origin.panics(1)));
    assert!(panicked.is_ok_and(|value| value == 1), "it is the job's");
    assert_eq!(assert_computed!(0, origin.panics(1)), 1, "the pause");
}

#[test]
fn t1_inline_the_background_runs_within_the_call_and_its_panic_stays_there() {
    let origin = Origin::new();
    let (_isolated, _inline) = (testing::isolated(), testing::inline());
    assert_eq!(origin.in_background("i", b"", 1), Ok(1));
    origin.wait(TILL_STALE);
    assert_eq!(
        assert_computed!(1, origin.in_background("i", b"", 1)),
        Ok(1),
        "stale"
    );
    assert_eq!(origin.in_background_ring("i", b"", 1).lookup(), Lookup::Fresh(2));
}

/// Waits for the new value, for a while or until the refresh ends.
mod wait {
    use super::*;

    #[ring_impl(lru = self.values, expire = "10s", stale = "60s", retry = "1ms")]
    impl Origin {
        #[ring(wait = forever)]
        fn till_it_ends(&self) -> Result<u32, String> {
            self.answer()
        }
        #[ring(wait = "20ms")]
        fn for_a_while(&self) -> Result<u32, String> {
            self.answer()
        }
        #[ring(wait = forever)]
        async fn till_it_ends_async(&self) -> Result<u32, String> {
            tokio::time::sleep(Duration::from_millis(5)).await;
            self.answer()
        }
        #[ring(wait = "20ms")]
        async fn for_a_while_async(&self, slow: bool) -> Result<u32, String> {
            let time = if slow { 200 } else { 0 };
            tokio::time::sleep(Duration::from_millis(time)).await;
            self.answer()
        }
        #[ring(wait = "20ms", refresh = caller)]
        async fn by_caller(&self, after_millis: u64) -> Result<u32, String> {
            tokio::time::sleep(Duration::from_millis(after_millis)).await;
            self.answer()
        }
    }

    #[test]
    fn forever_a_stale_value_is_returned_on_error_only() {
        let origin = Origin::new();
        origin.till_it_ends().unwrap();
        origin.wait(TILL_STALE);
        assert_eq!(origin.till_it_ends(), Ok(2));
        origin.wait(TILL_STALE);
        origin.go_down();
        assert_eq!(origin.till_it_ends(), Ok(2));
        origin.wait(TILL_DEAD);
        assert_eq!(origin.till_it_ends(), Err("down".into()));
    }

    #[test]
    fn for_a_while_the_new_value_is_awaited() {
        let origin = Origin::new();
        origin.for_a_while().unwrap();
        origin.wait(TILL_STALE);
        let slow = origin.state.slow.lock().unwrap();
        assert_eq!(origin.for_a_while(), Ok(1), "it took too long");
        drop(slow);
        while origin.for_a_while_ring().get().is_none() {
            thread::yield_now();
        }
        assert_eq!(origin.for_a_while(), Ok(2));
    }

    #[ring_impl(lru = self.values, expire = "10s", stale = "60s", wait = "500ms", flight_timeout = "1h")]
    impl Origin {
        #[ring]
        fn one_of_many(&self, id: u32) -> Result<u32, String> {
            let _ = id;
            self.answer()
        }
        #[ring]
        async fn one_of_many_async(&self, id: u32) -> Result<u32, String> {
            let _ = id;
            std::future::pending::<()>().await;
            self.answer()
        }
    }

    #[tokio::test]
    async fn the_calls_of_a_bulk_call_wait_together_no_longer_than_one() {
        let origin = Origin::new();
        let calls = || (0..20).map(|id| origin.one_of_many_ring(id));
        calls().get_or_update_many();
        let async_calls = || (0..20).map(|id| origin.one_of_many_async_ring(id));
        async_calls().set_many(vec![0; 20]).await.unwrap();
        origin.wait(TILL_STALE);
        let slow = origin.state.slow.lock().unwrap();
        let start = std::time::Instant::now();
        assert!(calls().get_or_update_many().iter().all(Result::is_ok));
        assert!(start.elapsed() < 5 * SECOND, "{:?}", start.elapsed());
        drop(slow);
        let start = std::time::Instant::now();
        let found = async_calls().at_most(1).get_or_update_many().await;
        assert!(found.iter().all(|found| *found == Ok(0)));
        assert!(start.elapsed() < 5 * SECOND, "{:?}", start.elapsed());
    }

    #[test]
    fn a_call_that_waits_while_the_entry_is_deleted_computes() {
        let origin = Origin::new();
        origin.till_it_ends().unwrap();
        origin.wait(TILL_STALE);
        let slow = origin.state.slow.lock().unwrap();
        thread::scope(|scope| {
            let call = scope.spawn(|| origin.till_it_ends());
            while origin.values.flights().under_way() == 0 {
                thread::yield_now();
            }
            origin.till_it_ends_ring().delete();
            drop(slow);
            assert!(call.join().unwrap().unwrap() > 1, "not the old value");
        });
    }

    #[tokio::test]
    async fn tasks_wait_as_well() {
        let origin = Origin::new();
        origin.till_it_ends_async().await.unwrap();
        origin.for_a_while_async(false).await.unwrap();
        origin.for_a_while_async(true).await.unwrap();
        origin.wait(TILL_STALE);
        assert_eq!(origin.till_it_ends_async().await, Ok(4));
        assert_eq!(origin.for_a_while_async(false).await, Ok(5));
        assert_eq!(origin.for_a_while_async(true).await, Ok(3), "it took too long");
    }

    #[tokio::test]
    async fn a_caller_that_refreshes_leaves_a_body_that_takes_too_long() {
        let origin = Origin::new();
        for millis in [0, 100] {
            origin.by_caller(millis).await.unwrap();
        }
        origin.wait(TILL_STALE);
        assert_eq!(origin.by_caller(0).await, Ok(3));
        assert_eq!(origin.by_caller(100).await, Ok(2));
        origin.wait(TILL_DEAD);
        assert_eq!(origin.by_caller(100).await, Ok(4), "without an entry it stays");
    }
}
