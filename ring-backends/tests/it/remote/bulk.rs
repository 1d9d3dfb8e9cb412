//! Many calls ask the server once.

use std::time::Duration;

use ring_cache::storage::Storage;

use super::fake::Does;
use super::in_both_colours;
use super::shops::{BlockingShop, Shop, place};

in_both_colours!(
    no_calls_ask_nothing,
    a_thousand_calls_ask_once_for_the_look_up_and_once_for_the_store,
    verbs_of_many_ask_once,
    too_few_or_too_many_answers_do_no_harm,
    each_value_of_a_bulk_call_that_failed_to_store_is_repaired,
);

async fn no_calls_ask_nothing(shop: &impl Shop) {
    assert!(shop.prices(&[]).await.is_empty());
    assert!(shop.get_many(&[]).await.unwrap().is_empty());
    shop.set_many(&[]).await.unwrap();
    assert!(shop.delete_many(&[]).await.unwrap().is_empty());
    assert!(shop.has_many(&[]).await.unwrap().is_empty());
    assert!(shop.touch_many(&[]).await.unwrap().is_empty());
    shop.set_some_expired(&[], &[]).await.unwrap();
    assert_eq!(shop.server().count(), 0);
}

async fn a_thousand_calls_ask_once_for_the_look_up_and_once_for_the_store(shop: &impl Shop) {
    let ids = Vec::from_iter(0..1_000);
    shop.set_many(&ids[..10]).await.unwrap();
    shop.server().asked();
    let prices = shop.prices(&ids).await;
    assert_eq!((prices[9], prices[10], prices.len()), (9, 1, 1_000));
    let absent = ids[10..].iter().map(|id| format!(" {}", place(*id)));
    let all = ids.iter().map(|id| format!(" {}", place(*id)));
    let asked = shop.server().asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], format!("read{}", all.collect::<String>()));
    assert_eq!(asked[1], format!("write{}", absent.collect::<String>()));
    assert_eq!(shop.premises().runs(), 990);
}

async fn verbs_of_many_ask_once(shop: &impl Shop) {
    let ids = [1, 2, 3];
    let places = ids.map(|id| format!(" {}", place(id))).concat();
    shop.set_many(&ids).await.unwrap();
    assert_eq!(shop.get_many(&ids).await.unwrap(), [Some(1), Some(2), Some(3)]);
    assert_eq!(shop.has_many(&ids).await.unwrap(), [true; 3]);
    assert_eq!(shop.touch_many(&ids).await.unwrap(), [true; 3]);
    assert_eq!(shop.delete_many(&ids).await.unwrap(), [true; 3]);
    assert_eq!(shop.delete_many(&ids).await.unwrap(), [false; 3]);
    let names = ["write", "read", "contains", "touch", "remove", "remove"];
    assert_eq!(shop.server().asked(), names.map(|name| format!("{name}{places}")));
}

async fn too_few_or_too_many_answers_do_no_harm(shop: &impl Shop) {
    let ids = [1, 2, 3];
    for answers in [0, 1, 2, 4, 100] {
        shop.server().give_answers(answers);
        assert_eq!(shop.prices(&ids).await.len(), 3);
        shop.set_many(&ids).await.unwrap();
        let known = answers.min(3);
        let found = shop.get_many(&ids).await.unwrap();
        assert_eq!((found.len(), found.iter().flatten().count()), (3, known));
        for verb in [
            shop.has_many(&ids).await.unwrap(),
            shop.touch_many(&ids).await.unwrap(),
            shop.delete_many(&ids).await.unwrap(),
        ] {
            assert_eq!(
                (verb.len(), verb.iter().filter(|there| **there).count()),
                (3, known)
            );
        }
        assert_eq!(shop.price(1).await, 1);
        shop.has(1).await.unwrap();
        shop.delete(1).await.unwrap();
    }
}

async fn each_value_of_a_bulk_call_that_failed_to_store_is_repaired(shop: &impl Shop) {
    shop.server().on("write", Does::DoAndBreak);
    assert_eq!(shop.prices(&[1, 2]).await, [1, 1]);
    assert_eq!(shop.storage().health().repairs, 2);
    shop.server().recover();
    shop.premises().change_price(2);
    assert_eq!(shop.prices(&[1, 2]).await, [2, 2]);
}

#[test]
fn a_read_of_many_keys_returns_one_answer_for_each() {
    let shop = BlockingShop::new();
    let (storage, keys) = (shop.storage(), [1, 2, 3]);
    let renewals = keys.map(|key| (key, Duration::from_secs(1)));
    for answers in [0, 2, 4, 100] {
        shop.server().give_answers(answers);
        assert_eq!(storage.read_many(&keys, None).unwrap().len(), 3);
        assert_eq!(storage.read_many_expiring(&keys, None).unwrap().len(), 3);
        assert_eq!(storage.contains_many(&keys, None).unwrap().len(), 3);
        assert_eq!(storage.renew_many(&renewals, None).unwrap().len(), 3);
        assert_eq!(storage.remove_many(&keys, None).unwrap().len(), 3);
    }
}
