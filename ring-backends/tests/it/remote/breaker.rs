//! A server that does not answer is not asked for a while, then tried by one operation at a time.

use std::thread;
use std::time::Duration;

use ring_cache::ErrorKind;
use ring_cache_backends::Breaker;

use super::fake::{Does, Gate};
use super::shops::{BlockingShop, SHORT, Shop};
use super::{eventually, in_both_colours, run};

const HOUR: Duration = Duration::from_secs(3600);

in_both_colours!(
    bodies_run_without_asking_when_it_opened,
    a_server_that_answers_with_errors_is_asked_again,
    an_answer_in_between_keeps_it_closed,
    it_recovers_by_itself,
    a_trial_without_an_answer_begins_the_pause_anew,
    a_breaker_that_never_opens,
    silence_counts_as_broken_connections_do,
);

async fn bodies_run_without_asking_when_it_opened(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.breaker(Breaker::after(3).pause(HOUR)));
    shop.server().always(Does::Break);
    for _ in 0..3 {
        shop.get(1).await.unwrap_err();
    }
    shop.server().recover();
    shop.server().asked();
    assert_eq!((shop.price(1).await, shop.prices(&[2, 3]).await), (1, vec![1, 1]));
    assert_eq!(shop.server().count(), 0);
    let error = shop.get(1).await.unwrap_err();
    let known = (
        error.kind(),
        error.operation(),
        error.storage_name(),
        error.ring(),
    );
    assert_eq!(
        known,
        (ErrorKind::Unavailable, "get", Some("fake"), Some("price"))
    );
    let health = shop.storage().health();
    assert_eq!(
        (health.broken, health.spared),
        (3, 5),
        "two a plain call, bulk or not"
    );
}

async fn a_server_that_answers_with_errors_is_asked_again(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.breaker(Breaker::after(3).pause(HOUR)));
    shop.server().always(Does::Refuse);
    for _ in 0..10 {
        let error = shop.get(1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
    }
    assert_eq!(shop.server().count(), 10);
    assert_eq!(shop.storage().health().refused, 10);
}

async fn an_answer_in_between_keeps_it_closed(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.breaker(Breaker::after(2).pause(HOUR)));
    for _ in 0..5 {
        shop.server().always(Does::Break);
        shop.get(1).await.unwrap_err();
        shop.server().recover();
        assert_eq!(shop.get(1).await.unwrap(), None);
    }
}

async fn it_recovers_by_itself(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.breaker(Breaker::after(1).pause(SHORT)));
    shop.server().always(Does::Break);
    shop.get(1).await.unwrap_err();
    shop.server().recover();
    thread::sleep(SHORT);
    assert_eq!((shop.price(1).await, shop.price(1).await), (1, 1));
    assert_eq!(shop.premises().runs(), 1, "it caches again");
}

async fn a_trial_without_an_answer_begins_the_pause_anew(shop: &impl Shop) {
    // The pause is far longer than the work within it, also on a busy machine.
    let pause = Duration::from_millis(500);
    let shop = shop.with(|storage| storage.breaker(Breaker::after(5).pause(pause)));
    shop.server().always(Does::Break);
    for _ in 0..5 {
        shop.get(1).await.unwrap_err();
    }
    thread::sleep(pause);
    shop.server().asked();
    for _ in 0..3 {
        shop.get(1).await.unwrap_err();
    }
    assert_eq!(shop.server().count(), 1, "one failure is enough");
}

async fn a_breaker_that_never_opens(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.breaker(Breaker::never()));
    shop.server().always(Does::Break);
    for _ in 0..100 {
        shop.get(1).await.unwrap_err();
    }
    assert_eq!((shop.server().count(), shop.storage().health().spared), (100, 0));
}

async fn silence_counts_as_broken_connections_do(shop: &impl Shop) {
    let breaker = Breaker::after(2).pause(HOUR);
    let shop = shop.with(|storage| storage.breaker(breaker).deadline(SHORT));
    shop.server().always(Does::Hang);
    shop.get(1).await.unwrap_err();
    shop.server().always(Does::Break);
    shop.get(1).await.unwrap_err();
    assert_eq!(shop.get(1).await.unwrap_err().kind(), ErrorKind::Unavailable);
    let health = shop.storage().health();
    assert_eq!((health.silent, health.broken, health.spared), (1, 1, 1));
}

#[test]
fn one_thread_at_a_time_tries_a_server_again() {
    let shop = BlockingShop::new();
    let shop = shop.with(|storage| storage.breaker(Breaker::after(1).pause(Duration::ZERO)));
    shop.server().always(Does::Break);
    run(shop.get(1)).unwrap_err();
    let gate = Gate::default();
    shop.server().always(Does::Wait(gate.clone()));
    shop.server().asked();
    thread::scope(|scope| {
        let trial = scope.spawn(|| run(shop.price(1)));
        eventually(|| shop.server().count() == 1);
        shop.server().recover();
        for id in 2..100 {
            assert_eq!(run(shop.price(id)), 1);
        }
        assert_eq!(shop.server().count(), 1, "all others are spared");
        gate.open();
        assert_eq!(trial.join().unwrap(), 1);
    });
    assert_eq!(run(shop.get(1)).unwrap(), Some(1), "all is well");
}

#[test]
fn the_first_of_many_that_finds_the_pause_over_tries() {
    let shop = BlockingShop::new();
    let shop = shop.with(|storage| storage.breaker(Breaker::after(1).pause(Duration::ZERO)));
    shop.server().always(Does::Break);
    run(shop.get(1)).unwrap_err();
    let gate = Gate::default();
    shop.server().always(Does::Wait(gate.clone()));
    shop.server().asked();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| drop(run(shop.get(1))))).collect();
        // All but one are spared and return.
        eventually(|| calls.iter().filter(|call| call.is_finished()).count() == 7);
        assert_eq!(shop.server().count(), 1);
        gate.open();
    });
    assert_eq!(shop.storage().health().spared, 7);
}
