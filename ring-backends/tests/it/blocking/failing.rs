//! Without a runtime, with one that ends, and with a storage that panics.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use ring_cache::storage::AsyncStorage;
use ring_cache::{AsyncCalls, Error, RingKey, ring_impl};
use ring_cache_backends::Blocking;
use tokio::runtime::Builder;

use super::gated::{Gated, PATIENCE};
use super::{ask, eventually, one_thread, run, slow, under_way};

#[derive(RingKey)]
struct Counter {
    id: u32,
    #[ring_key(skip)]
    numbers: Blocking<Gated<u32>>,
}

#[ring_impl(storage = self.numbers as Blocking<Gated<u32>>)]
impl Counter {
    #[ring(key_prefix = "counter")]
    async fn number(&self, n: u32) -> u32 {
        n + 1
    }
}

fn counter() -> Counter {
    Counter {
        id: 1,
        numbers: slow(),
    }
}

/// Runs a future on this thread, without a runtime. It must not hang.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (start, mut future) = (Instant::now(), Box::pin(future));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        assert!(start.elapsed() < PATIENCE, "it hangs");
        thread::park_timeout(PATIENCE);
    }
}

/// Every verb fails for this reason, and every plain call answers.
async fn only_plain_calls_answer(counter: &Counter, reason: &str) {
    let call = || counter.number_ring(1);
    let calls = || [1, 2].map(|n| counter.number_ring(n));
    assert_eq!(counter.number(1).await, 2);
    assert_eq!(call().update().await, 2);
    assert_eq!(call().execute().await, 2);
    assert_eq!(calls().get_or_update_many().await, [2, 3]);
    let failures: [(&str, Error); 9] = [
        ("get", call().get().await.unwrap_err()),
        ("set", call().set(7).await.unwrap_err()),
        ("delete", call().delete().await.unwrap_err()),
        ("has", call().has().await.unwrap_err()),
        ("has", call().touch().await.unwrap_err()),
        ("clear", counter.number_cache().clear().await.unwrap_err()),
        ("get_many", calls().get_many().await.unwrap_err()),
        ("set_many", calls().set_many([7, 8]).await.unwrap_err()),
        ("delete_many", calls().delete_many().await.unwrap_err()),
    ];
    for (operation, error) in failures {
        assert_eq!(error.operation(), operation);
        let (said, ring) = (error.to_string(), "on blocking for the ring `counter` failed: ");
        assert!(said.contains(ring) && said.contains(reason), "{said}");
    }
    assert!(counter.numbers.backend().map.is_empty());
    assert_eq!(under_way(&counter.numbers), 0);
}

#[test]
fn outside_of_a_runtime() {
    block_on(only_plain_calls_answer(&counter(), "outside of a tokio runtime"));
}

#[test]
fn after_the_end_of_the_runtime() {
    let runtime = one_thread();
    let handle = runtime.handle().clone();
    drop(runtime);
    let _entered = handle.enter();
    block_on(only_plain_calls_answer(&counter(), "was shut down"));
}

/// No thread can have a stack of this size.
#[test]
fn without_threads() {
    let runtime = Builder::new_current_thread()
        .thread_stack_size(usize::MAX / 4)
        .build()
        .unwrap();
    let _entered = runtime.enter();
    block_on(only_plain_calls_answer(&counter(), "had no thread for it"));
}

/// Its only thread is busy. Waiting operations are executed or dropped, and the next one starts.
#[test]
fn in_the_queue_of_a_runtime_that_ends() {
    let storage = slow();
    let (here, there) = (
        one_thread(),
        Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .unwrap(),
    );
    here.block_on(async {
        let (busy, free) = std::sync::mpsc::channel::<()>();
        there.spawn_blocking(move || free.recv());
        let entered = there.enter();
        let mut lost = Box::pin(storage.write(&1_u32, 7, None, None));
        ask(&mut lost).await;
        drop(entered);
        let mut next = Box::pin(storage.read(&1_u32, None));
        ask(&mut next).await;
        there.shutdown_background();
        drop(busy);
        let written = lost.await.is_ok();
        assert_eq!(next.await.unwrap(), written.then_some(7));
    });
}

#[test]
fn begun_operations_end_when_the_runtime_ends() {
    let storage = slow();
    let runtime = one_thread();
    storage.backend().close("write");
    runtime.block_on(async {
        let mut write = Box::pin(storage.write(&1_u32, 7, None, None));
        ask(&mut write).await;
        eventually(|| storage.backend().running() == 1).await;
    });
    let opener = storage.clone();
    let opening = thread::spawn(move || opener.backend().open());
    drop(runtime);
    opening.join().unwrap();
    assert_eq!(run(storage.read(&1_u32, None)).unwrap(), Some(7));
}

#[test]
fn a_panic_of_the_storage_is_the_callers() {
    let storage = slow();
    storage
        .backend()
        .before("write", || panic!("the disk is on fire"));
    run(async {
        let writing = storage.clone();
        let failed = tokio::spawn(async move { writing.write(&1_u32, 7, None, None).await });
        let panic = failed.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref(), Some(&"the disk is on fire"));
        // Others are not affected.
        assert!(!storage.remove(&1_u32, None).await.unwrap());
        storage.backend().before("write", || {});
        storage.write(&1_u32, 7, None, None).await.unwrap();
        assert_eq!(storage.read(&1_u32, None).await.unwrap(), Some(7));
    });
}

/// A panic whose call was cancelled reaches no caller.
#[test]
fn a_panic_after_its_call() {
    let storage = slow();
    storage.backend().close("write");
    storage
        .backend()
        .before("write", || panic!("the disk is on fire"));
    run(async {
        let mut write = Box::pin(storage.write(&1_u32, 7, None, None));
        ask(&mut write).await;
        eventually(|| storage.backend().running() == 1).await;
        drop(write);
        storage.backend().open();
        assert_eq!(storage.read(&1_u32, None).await.unwrap(), None);
    });
}

/// A value that panics when dropped does not block others.
#[test]
fn a_value_that_panics() {
    #[derive(Clone)]
    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0, "boom");
        }
    }
    let storage = Blocking::new(Gated::new());
    let ended = one_thread();
    let handle = ended.handle().clone();
    drop(ended);
    run(async {
        let lost = catch_unwind(AssertUnwindSafe(|| {
            let _entered = handle.enter();
            block_on(storage.write(&1_u32, Bomb(true), None, None))
        }));
        assert!(lost.is_ok_and(|written| written.is_err()));
        storage.write(&1_u32, Bomb(false), None, None).await.unwrap();
        assert!(storage.contains(&1_u32, None).await.unwrap());
    });
}
