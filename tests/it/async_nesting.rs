//! Deeply nested calls of cached `async fn`s: they compile, and do not overflow the stack.

use ring_cache::{AsyncCalls, RingKey, ring, ring_impl};
use tokio::task::yield_now;

/// Runs a future in a separate task, which may move to another thread.
fn spawned<F>(future: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).build().expect("a runtime");
    let task = runtime.spawn(future);
    runtime.block_on(task).expect("no panic")
}

/// Functions that each add one to the result of the next.
macro_rules! chain {
    ($($name:ident: |$number:ident| $call:expr;)*) => {
        $(
            #[ring]
            async fn $name($number: u32) -> u32 {
                yield_now().await;
                $call.await + 1
            }
        )*
    };
}

chain! {
    first: |number| second(number);
    second: |number| third(number);
    third: |number| fourth(number);
    fourth: |number| fifth(number);
    fifth: |number| sixth(number);
    sixth: |number| std::future::ready(number);
}

#[test]
fn six_functions_that_call_each_other() {
    assert_eq!(spawned(first(10)), 16);
    assert_eq!(spawned(first_ring(10).get()), Some(16));
    assert_eq!(spawned(sixth_ring(10).get()), Some(11));
}

mod updates {
    use super::*;

    chain! {
        first: |number| second_ring(number).update();
        second: |number| third_ring(number).update();
        third: |number| fourth_ring(number).update();
        fourth: |number| fifth_ring(number).update();
        fifth: |number| sixth_ring(number).update();
        sixth: |number| std::future::ready(number);
    }

    #[test]
    fn six_functions_that_update_each_other() {
        assert_eq!(spawned(first_ring(20).update()), 26);
        assert_eq!(spawned(first(20)), 26);
        assert_eq!(sixth_cache().stats().stores, 1);
    }
}

/// Functions that each sum up the results of the next for a few numbers.
macro_rules! bulks {
    ($($name:ident: |$calls:ident| $inner:ident, $verb:expr;)*) => {
        $(
            #[ring]
            async fn $name(number: u32) -> u32 {
                yield_now().await;
                let $calls = (0..3).map(|nth| $inner(3 * number + nth));
                $verb.await.into_iter().sum()
            }
        )*
    };
}

mod bulk_calls {
    use super::*;

    bulks! {
        outer: |calls| middle_ring, calls.get_or_update_many();
        middle: |calls| inner_ring, calls.at_most(2).get_or_update_many();
        inner: |calls| innermost_ring, calls.get_or_update_many();
        outer_update: |calls| middle_update_ring, calls.update_many();
        middle_update: |calls| inner_update_ring, calls.at_most(2).update_many();
        inner_update: |calls| innermost_ring, calls.update_many();
    }

    #[ring]
    async fn innermost(number: u32) -> u32 {
        yield_now().await;
        number
    }

    /// 0 to 80, of 27 each.
    fn sums() -> Vec<u32> {
        (0..3).map(|third| (27 * third..27 * third + 27).sum()).collect()
    }

    #[test]
    fn bulk_calls_four_deep() {
        assert_eq!(spawned((0..3).map(outer_ring).get_or_update_many()), sums());
        assert_eq!(spawned((0..3).map(outer_ring).get_many()).len(), 3);
        assert_eq!(spawned((0..3).map(outer_update_ring).update_many()), sums());
    }
}

/// Sums of the numbers to `n`, by every verb of a recursive method.
#[derive(RingKey, Clone, Copy)]
struct Sums;

#[ring_impl]
impl Sums {
    #[ring]
    async fn updated(&self, n: u32) -> u32 {
        yield_now().await;
        match n {
            0 => 0,
            _ => n + Sums.updated_ring(n - 1).update().await,
        }
    }

    #[ring]
    async fn executed(&self, n: u32) -> u32 {
        yield_now().await;
        match n {
            0 => 0,
            _ => n + Sums.executed_ring(n - 1).execute().await,
        }
    }

    #[ring]
    async fn of_many(&self, n: u32) -> u32 {
        yield_now().await;
        match n {
            0 => 0,
            _ => n + [Sums.of_many_ring(n - 1)].get_or_update_many().await[0],
        }
    }

    #[ring]
    async fn updated_many(&self, n: u32) -> u32 {
        yield_now().await;
        match n {
            0 => 0,
            _ => n + [Sums.updated_many_ring(n - 1)].update_many().await[0],
        }
    }
}

#[test]
fn a_method_may_call_itself_by_any_verb_without_a_box() {
    assert_eq!(spawned(async { Sums.updated(9).await }), 45);
    assert_eq!(spawned(async { Sums.executed(9).await }), 45);
    assert_eq!(spawned(async { Sums.of_many(9).await }), 45);
    assert_eq!(spawned(async { Sums.updated_many(9).await }), 45);
    assert!(spawned(Sums.updated_ring(0).has()));
    assert!(!spawned(Sums.executed_ring(0).has()), "it was not cached");
    assert!(spawned(Sums.of_many_ring(0).has()));
    assert!(spawned(Sums.updated_many_ring(0).has()));
}
