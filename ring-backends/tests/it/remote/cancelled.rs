//! Calls that are dropped before their end, or not polled.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use ring_cache_backends::Breaker;

use super::fake::Does;
use super::run;
use super::shops::{AsyncShop, SHORT, Shop, place};

const HOUR: Duration = Duration::from_secs(3600);

/// Polls a future once. It must not be ready.
async fn begin<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    let ready = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await;
    assert!(!ready);
    future
}

#[test]
fn a_set_that_is_dropped_while_it_is_asked_for_is_not_trusted() {
    run(async {
        let shop = AsyncShop::new();
        for does in [Does::Hang, Does::DoAndHang] {
            shop.server().recover();
            shop.set(1, 10).await.unwrap();
            shop.server().on("write", does);
            drop(begin(shop.set(1, 11)).await);
            shop.server().recover();
            shop.server().asked();
            assert_eq!(shop.get(1).await.unwrap(), None);
            assert_eq!(shop.server().asked()[0], format!("remove {}", place(1)));
        }
    });
}

#[test]
fn a_delete_that_is_dropped_while_it_is_asked_for_is_made_up_for() {
    run(async {
        let shop = AsyncShop::new();
        shop.set_many(&[1, 2]).await.unwrap();
        shop.server().on("remove", Does::Hang);
        drop(begin(shop.delete_many(&[1, 2])).await);
        shop.server().recover();
        assert_eq!(shop.get_many(&[1, 2]).await.unwrap(), [None, None]);
    });
}

#[test]
fn a_plain_call_that_is_dropped_leaves_no_value_that_is_not_trusted() {
    run(async {
        let shop = AsyncShop::new();
        for operation in ["read", "write"] {
            shop.server().on(operation, Does::DoAndHang);
            drop(begin(shop.price(1)).await);
            shop.server().recover();
            let price = shop.premises().runs() as u32 + 10;
            shop.premises().change_price(price);
            assert_eq!(shop.price(1).await, price);
            shop.delete(1).await.unwrap();
        }
    });
}

#[test]
fn an_unpolled_operation_sends_no_request() {
    run(async {
        let shop = AsyncShop::new();
        drop((shop.set(1, 10), shop.delete(1), shop.price(1)));
        assert_eq!((shop.server().count(), shop.storage().health().repairs), (0, 0));
    });
}

#[test]
fn a_look_up_that_is_dropped_leaves_nothing_to_repair() {
    run(async {
        let shop = AsyncShop::new();
        shop.server().always(Does::Hang);
        drop((
            begin(shop.get(1)).await,
            begin(shop.has(1)).await,
            begin(shop.touch(1)).await,
        ));
        assert_eq!(shop.storage().health(), Default::default());
    });
}

/// A shop whose next operation first removes an entry, and a call that hangs in this removal.
async fn held_in_a_removal(deadline: Duration) -> (AsyncShop, Pin<Box<impl Future>>) {
    let shop = AsyncShop::new();
    shop.set(1, 10).await.unwrap();
    shop.server().on("write", Does::Break);
    shop.set(1, 11).await.unwrap_err();
    shop.server().on("remove", Does::Hang);
    let hanging = shop.with(|storage| storage.deadline(deadline));
    let held = begin(async move { hanging.get(2).await.is_ok() }).await;
    shop.server().recover();
    (shop, held)
}

#[test]
fn a_call_that_is_dropped_while_it_removes_leaves_that_to_the_next() {
    run(async {
        let (shop, held) = held_in_a_removal(HOUR).await;
        drop(held);
        assert_eq!(shop.get(1).await.unwrap(), None);
        assert_eq!(shop.storage().health().repairs, 0);
    });
}

#[test]
fn calls_that_wait_for_a_removal_are_notified_when_it_is_dropped() {
    run(async {
        let (shop, held) = held_in_a_removal(HOUR).await;
        let shop = shop.with(|storage| storage.deadline(HOUR));
        let (waiting, other) = (begin(shop.get(1)).await, begin(shop.get(1)).await);
        // Calls of other entries do not wait.
        assert_eq!(shop.get(2).await.unwrap(), None);
        drop(held);
        assert_eq!((waiting.await.unwrap(), other.await.unwrap()), (None, None));
    });
}

#[test]
fn an_unpolled_call_that_removes_blocks_no_other() {
    run(async {
        let (shop, held) = held_in_a_removal(SHORT).await;
        let patient = shop.with(|storage| storage.deadline(HOUR));
        assert_eq!(
            patient.get(1).await.unwrap(),
            None,
            "after the deadline of the one that is held"
        );
        drop(held);
        assert_eq!(shop.get(1).await.unwrap(), None);
    });
}

/// A shop with an open breaker, and a call that hangs as the trial.
async fn held_trial(deadline: Duration) -> (AsyncShop, Pin<Box<impl Future>>) {
    let shop = AsyncShop::new();
    let shop = shop.with(|storage| storage.breaker(Breaker::after(1).pause(Duration::ZERO)));
    shop.server().always(Does::Break);
    shop.get(1).await.unwrap_err();
    shop.server().always(Does::Hang);
    let trying = shop.with(|storage| storage.deadline(deadline));
    let held = begin(async move { trying.get(1).await.is_ok() }).await;
    shop.server().recover();
    shop.get(1).await.unwrap_err();
    assert_eq!(shop.storage().health().spared, 1, "one at a time");
    (shop, held)
}

#[test]
fn a_trial_that_is_dropped_lets_another_try() {
    run(async {
        let (shop, held) = held_trial(HOUR).await;
        drop(held);
        assert_eq!(shop.get(1).await.unwrap(), None);
    });
}

#[test]
fn an_unpolled_trial_blocks_no_other() {
    run(async {
        let (shop, held) = held_trial(10 * SHORT).await;
        while shop.get(1).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(held);
        assert_eq!(shop.get(1).await.unwrap(), None);
    });
}

#[test]
fn a_clear_that_never_ends_does_not_keep_the_breaker_open() {
    run(async {
        let shop = AsyncShop::new();
        let breaker = Breaker::after(1).pause(Duration::ZERO);
        let shop = shop.with(|storage| storage.breaker(breaker).deadline(SHORT));
        shop.server().always(Does::Break);
        shop.get(1).await.unwrap_err();
        shop.server().on("clear", Does::Hang);
        let clearing = begin(shop.clear()).await;
        while shop.get(1).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(clearing);
    });
}

#[test]
fn namespaces_do_not_wait_for_each_other() {
    run(async {
        let shop = AsyncShop::new();
        let other = shop.with(|storage| storage.namespace("other"));
        shop.server().on("write", Does::Hang);
        let held = begin(shop.price(1)).await;
        shop.server().recover();
        shop.premises().change_price(2);
        assert_eq!((other.price(1).await, shop.premises().runs()), (2, 2));
        drop(held);
    });
}
