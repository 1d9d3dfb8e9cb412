//! Entries whose writes failed are removed before any other request, and are not found until then.

use std::time::{Duration, Instant};

use ring_cache::key::EncodedKey;
use ring_cache::storage::{Storage, StorageBase};
use ring_cache_backends::Breaker;
use ring_cache_core::Key;

use super::fake::Does;
use super::shops::{BlockingShop, SHORT, Shop, place};
use super::{in_both_colours, run};

in_both_colours!(
    a_set_that_failed_is_removed_before_anything_else_is_asked,
    a_delete_that_failed_is_made_up_for,
    an_update_that_failed_leaves_no_older_value,
    a_removal_that_was_never_sent_is_repaired,
    one_look_up_of_many_waits_for_the_removal_too,
    a_later_set_is_not_taken_away,
    a_later_set_of_what_will_not_be_removed_counts,
    one_key_that_will_not_be_removed_does_not_hold_up_others,
    an_entry_that_failed_again_is_removed_again,
    a_failed_removal_is_not_forgotten_for_others_that_were_written,
    a_server_too_slow_to_remove_much_recovers,
    keys_that_fail_often_do_not_push_others_out,
);

async fn a_set_that_failed_is_removed_before_anything_else_is_asked(shop: &impl Shop) {
    for fault in [Does::DoAndBreak, Does::Break, Does::Refuse] {
        shop.server().recover();
        shop.set(1, 10).await.unwrap();
        shop.server().on("write", fault);
        shop.set(1, 11).await.unwrap_err();
        shop.server().asked();
        assert_eq!(shop.storage().health().repairs, 1);
        assert!(!shop.has(2).await.unwrap());
        let asked = [format!("remove {}", place(1)), format!("contains {}", place(2))];
        assert_eq!(shop.server().asked(), asked);
        assert_eq!(
            (shop.storage().health().repairs, shop.get(1).await.unwrap()),
            (0, None)
        );
        assert_eq!(shop.server().asked(), [format!("read {}", place(1))], "once");
    }
}

async fn a_delete_that_failed_is_made_up_for(shop: &impl Shop) {
    for fault in [Does::DoAndBreak, Does::Break, Does::Refuse] {
        shop.server().recover();
        shop.set(1, 10).await.unwrap();
        shop.server().on("remove", fault);
        shop.delete(1).await.unwrap_err();
        shop.server().recover();
        assert_eq!(shop.get(1).await.unwrap(), None);
        assert_eq!(shop.server().lies_at(&place(1)), None);
    }
}

async fn an_update_that_failed_leaves_no_older_value(shop: &impl Shop) {
    shop.price(1).await;
    shop.premises().change_price(2);
    shop.server().on("write", Does::Break);
    assert_eq!(shop.update(1).await, 2);
    assert_eq!(shop.price(1).await, 2, "not the one before");
}

async fn a_removal_that_was_never_sent_is_repaired(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.breaker(Breaker::after(1).pause(10 * SHORT)));
    shop.set(1, 10).await.unwrap();
    shop.server().always(Does::Break);
    shop.get(2).await.unwrap_err();
    shop.server().recover();
    shop.server().asked();
    shop.delete(1).await.unwrap_err();
    assert_eq!(shop.server().count(), 0, "the breaker is open");
    std::thread::sleep(10 * SHORT);
    let mut found = shop.get(1).await;
    // One operation at a time tries a server with an open breaker, and it may be a repair.
    while found.is_err() {
        std::thread::sleep(SHORT);
        found = shop.get(1).await;
    }
    assert_eq!(found.unwrap(), None);
}

async fn one_look_up_of_many_waits_for_the_removal_too(shop: &impl Shop) {
    shop.set_many(&[1, 2, 3]).await.unwrap();
    shop.server().on("remove", Does::Break);
    shop.delete_many(&[1, 3]).await.unwrap_err();
    shop.server().recover();
    assert_eq!(shop.get_many(&[1, 2, 3]).await.unwrap(), [None, Some(2), None]);
    shop.server().on("write", Does::DoAndBreak);
    shop.set_many(&[1, 2]).await.unwrap_err();
    shop.server().recover();
    assert_eq!(shop.has_many(&[1, 2, 3]).await.unwrap(), [false; 3]);
}

async fn a_later_set_is_not_taken_away(shop: &impl Shop) {
    shop.server().on("write", Does::DoAndBreak);
    shop.set(1, 10).await.unwrap_err();
    shop.server().recover();
    shop.server().asked();
    shop.set(1, 11).await.unwrap();
    let place = place(1);
    assert_eq!(
        shop.server().asked(),
        [format!("remove {place}"), format!("write {place}")]
    );
    assert_eq!(
        (shop.get(2).await.unwrap(), shop.get(1).await.unwrap()),
        (None, Some(11))
    );
    assert_eq!(shop.server().lies_at(&place).as_deref(), Some("11"));
}

/// Breaks a delete, after which the server refuses to remove the entry.
async fn fail_to_remove(shop: &impl Shop, id: u32) {
    let stubborn = place(id);
    shop.server()
        .rule(move |asked| match asked.starts_with("remove") {
            true if asked.split(' ').any(|place| place == stubborn) => Does::Refuse,
            _ => Does::Answer,
        });
    shop.delete(id).await.unwrap_err();
    shop.server().asked();
}

async fn a_later_set_of_what_will_not_be_removed_counts(shop: &impl Shop) {
    shop.set(1, 10).await.unwrap();
    fail_to_remove(shop, 1).await;
    assert_eq!(shop.get(1).await.unwrap(), None, "the old value is not seen");
    assert!(!shop.has(1).await.unwrap() && !shop.touch(1).await.unwrap());
    assert_eq!(shop.get_many(&[1]).await.unwrap(), [None]);
    assert_eq!(
        (
            shop.has_many(&[1]).await.unwrap(),
            shop.touch_many(&[1]).await.unwrap()
        ),
        (vec![false], vec![false])
    );
    assert_eq!(
        shop.server().lies_at(&place(1)).as_deref(),
        Some("10"),
        "though it is there"
    );
    shop.set(1, 11).await.unwrap();
    assert_eq!(
        (shop.get(1).await.unwrap(), shop.storage().health().repairs),
        (Some(11), 0)
    );
}

async fn one_key_that_will_not_be_removed_does_not_hold_up_others(shop: &impl Shop) {
    shop.set(1, 10).await.unwrap();
    fail_to_remove(shop, 1).await;
    for id in 2..10 {
        assert_eq!(shop.price(id).await, 1);
        assert_eq!(shop.get(id).await.unwrap(), Some(1));
    }
    let removals = shop
        .server()
        .asked()
        .into_iter()
        .filter(|asked| asked.starts_with("remove"));
    assert_eq!(removals.count(), 1, "it is not tried each time");
    shop.delete(2).await.unwrap();
    assert_eq!(shop.storage().health().repairs, 1);
}

async fn an_entry_that_failed_again_is_removed_again(shop: &impl Shop) {
    for price in 1..5 {
        shop.server().on("write", Does::DoAndBreak);
        shop.set(1, price).await.unwrap_err();
        shop.server().recover();
        assert_eq!(shop.get(1).await.unwrap(), None);
    }
}

async fn a_failed_removal_is_not_forgotten_for_others_that_were_written(shop: &impl Shop) {
    shop.set_many(&[1, 2]).await.unwrap();
    shop.server().on("remove", Does::Refuse);
    // A `set` with a zero expiry removes the entry.
    shop.set_some_expired(&[1], &[2]).await.unwrap_err();
    assert_eq!(shop.get_many(&[1, 2]).await.unwrap(), [Some(1), None]);
}

async fn a_server_too_slow_to_remove_much_recovers(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.breaker(Breaker::never()).deadline(6 * SHORT));
    let ids = Vec::from_iter(0..2_000);
    shop.server().on("write", Does::Break);
    shop.set_many(&ids).await.unwrap_err();
    // More than a hundred at a time take too long.
    shop.server().rule(|asked| match asked.split(' ').count() {
        0..=101 => Does::Answer,
        _ => Does::Hang,
    });
    let start = Instant::now();
    while shop.get(1).await.is_err() || shop.storage().health().repairs > 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not recover");
    }
}

async fn keys_that_fail_often_do_not_push_others_out(shop: &impl Shop) {
    shop.set(1, 10).await.unwrap();
    let hasty = shop.with(|storage| storage.deadline(Duration::ZERO));
    hasty.delete(1).await.unwrap_err();
    for _ in 0..70 {
        hasty.set_many(&[7; 1_000]).await.unwrap_err();
    }
    // Background repairs may have made some.
    let health = shop.storage().health();
    assert!(health.repairs <= 2 && health.repairs_lost == 0, "{health:?}");
    assert_eq!(shop.get(1).await.unwrap(), None);
}

#[test]
fn the_oldest_repairs_are_forgotten_when_there_are_too_many() {
    let shop = BlockingShop::new();
    let entries = (0..65_546_u32).map(|key| (key, Vec::new(), None));
    let hasty = shop.storage().clone().deadline(Duration::ZERO);
    hasty.write_many(entries.collect(), None).unwrap_err();
    let health = shop.storage().health();
    assert_eq!((health.repairs, health.repairs_lost), (65_536, 10));
    shop.server().put("9", "forgotten");
    shop.server().put("10", "remembered");
    // Each operation has time for some of them; this one has time for all.
    let patient = shop.storage().clone().deadline(Duration::from_secs(60));
    assert_eq!(patient.get(&9_u32).unwrap().as_deref(), Some(&b"forgotten"[..]));
    assert_eq!(patient.get(&10_u32).unwrap(), None);
    // Background repairs may be making some.
    let start = Instant::now();
    while shop.storage().health().repairs > 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "some are left");
        std::thread::sleep(Duration::from_millis(10));
    }
    let longest = shop
        .server()
        .asked()
        .iter()
        .map(|asked| asked.split(' ').count() - 1)
        .max();
    assert_eq!(longest, Some(1_000), "some at a time");
}

#[test]
fn suspect_entries_are_removed_first() {
    let shop = BlockingShop::new();
    let storage = shop.storage();
    storage.set(&1, b"old".to_vec(), None).unwrap();
    storage.mark_suspect(&EncodedKey::of(&1));
    shop.server().asked();
    assert_eq!(storage.get(&1).unwrap(), None);
    assert_eq!(shop.server().asked(), ["remove 1", "read 1"]);
}

#[test]
fn threads_that_ask_at_once_remove_an_entry_once() {
    let shop = BlockingShop::new();
    shop.server().on("write", Does::DoAndBreak);
    run(shop.set(1, 10)).unwrap_err();
    shop.server().on("remove", Does::AnswerAfter(SHORT));
    shop.server().asked();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(run(shop.get(1)).unwrap(), None));
        }
    });
    let asked = shop.server().asked();
    assert_eq!(asked[0], format!("remove {}", place(1)));
    assert!(
        asked[1..]
            .iter()
            .all(|asked| *asked == format!("read {}", place(1))),
        "{asked:?}"
    );
    assert_eq!(asked.len(), 9);
}

/// Without further calls.
#[test]
fn repairs_run_by_themselves() {
    let shop = BlockingShop::new();
    let storage = shop.storage().clone();
    storage.write(&Key::of(&1), vec![1], None, None).unwrap();
    shop.server().on("write", Does::Break);
    storage.write(&Key::of(&1), vec![2], None, None).unwrap_err();
    shop.server().recover();
    assert_eq!(storage.health().repairs, 1);
    let start = Instant::now();
    while storage.health().repairs > 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "it is not repaired");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(Storage::read(&storage, &Key::of(&1), None).unwrap(), None);
}
