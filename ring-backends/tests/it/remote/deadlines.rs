//! One plain call occupies the server no longer than its deadline, look-up and store together.

use std::time::{Duration, Instant};

use ring_cache::ErrorKind;

use super::fake::Does;
use super::in_both_colours;
use super::shops::{SHORT, Shop, place};

const DEADLINE: Duration = Duration::from_millis(1000);
/// The server's time for one operation.
const SLOW: Duration = Duration::from_millis(300);

in_both_colours!(
    look_up_and_store_share_one_deadline,
    nothing_is_left_for_the_store_of_a_look_up_without_an_answer,
    look_ups_and_stores_of_a_bulk_call_share_one_deadline,
    repairs_use_the_deadline_of_the_operation,
    entries_that_expire_at_once_and_others_share_one_deadline,
    computing_does_not_count,
    a_hanging_server_costs_one_deadline,
    a_clear_takes_as_long_as_it_takes,
    any_deadline_will_do,
);

fn slow(shop: &impl Shop, operation: &'static str) {
    shop.server().on(operation, Does::AnswerAfter(SLOW));
}

/// The first operation had the whole deadline, the second only the rest.
fn assert_shared(shop: &impl Shop, first: &str, second: &str) {
    match &shop.server().times()[..] {
        [(one, all), (other, rest)] => {
            assert_eq!((one.as_str(), other.as_str()), (first, second));
            assert!(*all <= DEADLINE && *all > DEADLINE - SLOW, "{all:?}");
            assert!(*rest <= DEADLINE - SLOW, "{rest:?}");
        }
        other => panic!("{other:?}"),
    }
}

async fn look_up_and_store_share_one_deadline(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.deadline(DEADLINE));
    slow(&shop, "read");
    assert_eq!(shop.price(1).await, 1);
    assert_shared(&shop, "read", "write");
}

async fn nothing_is_left_for_the_store_of_a_look_up_without_an_answer(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.deadline(DEADLINE));
    shop.server().on("read", Does::Hang);
    assert_eq!(shop.price(1).await, 1);
    assert_eq!(shop.server().asked(), [format!("read {}", place(1))]);
    let health = shop.storage().health();
    assert_eq!(
        (health.silent, health.repairs),
        (1, 1),
        "an older value does not stay"
    );
}

async fn look_ups_and_stores_of_a_bulk_call_share_one_deadline(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.deadline(DEADLINE));
    slow(&shop, "read");
    assert_eq!(shop.prices(&[1, 2, 3]).await, [1, 1, 1]);
    assert_shared(&shop, "read", "write");
}

async fn repairs_use_the_deadline_of_the_operation(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.deadline(DEADLINE));
    shop.server().on("write", Does::Break);
    shop.set(1, 1).await.unwrap_err();
    slow(&shop, "remove");
    shop.server().asked();
    assert_eq!(shop.get(2).await.unwrap(), None);
    assert_shared(&shop, "remove", "read");
}

async fn entries_that_expire_at_once_and_others_share_one_deadline(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.deadline(DEADLINE));
    slow(&shop, "remove");
    shop.set_some_expired(&[1], &[2]).await.unwrap();
    assert_shared(&shop, "remove", "write");
}

async fn computing_does_not_count(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.deadline(DEADLINE / 2));
    shop.premises().compute_for(DEADLINE / 2);
    assert_eq!(shop.price(1).await, 1);
    assert_eq!(shop.server().lies_at(&place(1)).as_deref(), Some("1"));
}

async fn a_hanging_server_costs_one_deadline(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.deadline(2 * SHORT));
    for does in [Does::Hang, Does::DoAndHang] {
        shop.server().always(does);
        let start = Instant::now();
        assert_eq!(shop.price(1).await, 1);
        // A busy machine may be late, but not by half a minute.
        let operations = shop.server().times().len();
        assert_eq!(operations, 1, "after {:?}", start.elapsed());
    }
}

async fn a_clear_takes_as_long_as_it_takes(shop: &impl Shop) {
    shop.price(1).await;
    let shop = shop.with(|storage| storage.deadline(SHORT));
    shop.server().on("clear", Does::AnswerAfter(2 * SHORT));
    shop.clear().await.unwrap();
    assert_eq!(shop.server().lies_at(&place(1)), None);
}

async fn any_deadline_will_do(shop: &impl Shop) {
    let endless = shop.with(|storage| storage.deadline(Duration::MAX));
    assert_eq!(endless.price(1).await, 1);
    assert_eq!(endless.get(1).await.unwrap(), Some(1));
    shop.server().asked();
    let none = shop.with(|storage| storage.deadline(Duration::ZERO));
    shop.premises().change_price(2);
    assert_eq!(none.price(1).await, 2);
    let error = none.get(1).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Deadline, "get"));
    assert_eq!(shop.server().count(), 0, "there is no time to ask");
}
