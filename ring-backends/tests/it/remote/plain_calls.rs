//! A plain call returns the body's result, whatever the server does.

use std::time::Duration;

use ring_cache::coder::Json;
use ring_cache::{Calls, ErrorKind, RingKey, ring_impl};
use ring_cache_backends::remote::Remote;

use super::fake::{Does, Fake};
use super::in_both_colours;
use super::shops::{SHORT, Shop, place};

/// All faults of an operation.
fn all_faults() -> [Does; 6] {
    let late = Does::AnswerAfter(2 * SHORT);
    let (hang, done) = (Does::Hang, Does::DoAndHang);
    [late, hang, done, Does::Refuse, Does::Break, Does::DoAndBreak]
}

in_both_colours!(
    a_value_is_computed_once,
    it_returns_what_the_body_returns_whatever_happens,
    one_look_up_that_fails_costs_a_computation,
    a_store_that_fails_costs_nothing,
    an_update_returns_what_the_body_returns,
    foreign_bytes_are_replaced,
    verbs_say_what_went_wrong,
);

async fn a_value_is_computed_once(shop: &impl Shop) {
    assert_eq!((shop.price(1).await, shop.price(1).await), (1, 1));
    assert_eq!(shop.premises().runs(), 1);
    let place = place(1);
    let asked = shop.server().asked();
    assert_eq!(
        asked,
        [
            format!("read {place}"),
            format!("write {place}"),
            format!("read {place}")
        ]
    );
    assert_eq!(
        shop.server().lies_at(&place).as_deref(),
        Some("1"),
        "exactly the coder's bytes"
    );
}

async fn it_returns_what_the_body_returns_whatever_happens(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.deadline(SHORT));
    for fault in all_faults() {
        shop.server().always(fault);
        for price in 1..4 {
            shop.premises().change_price(price);
            assert_eq!(shop.price(price).await, price);
            assert_eq!(shop.prices(&[10, 11]).await, [price, price]);
        }
    }
    // For the last one, the breaker is open.
    assert!(shop.storage().health().spared > 0);
}

async fn one_look_up_that_fails_costs_a_computation(shop: &impl Shop) {
    let hasty = shop.with(|storage| storage.deadline(SHORT));
    for (id, fault) in (0..).zip(all_faults()) {
        shop.server().on("read", fault);
        assert_eq!(hasty.price(id).await, 1);
        assert_eq!(shop.premises().runs(), id as usize + 1);
    }
}

async fn a_store_that_fails_costs_nothing(shop: &impl Shop) {
    let hasty = shop.with(|storage| storage.deadline(SHORT));
    for (id, fault) in (0..).zip(all_faults()) {
        shop.server().on("write", fault);
        assert_eq!(hasty.price(id).await, 1);
        shop.server().recover();
        assert_eq!(
            shop.get(id).await.unwrap(),
            None,
            "an entry that may be there is suspect"
        );
        assert_eq!(shop.server().lies_at(&place(id)), None, "and was removed");
    }
}

async fn an_update_returns_what_the_body_returns(shop: &impl Shop) {
    let hasty = shop.with(|storage| storage.deadline(SHORT));
    for (id, fault) in (0..).zip(all_faults()) {
        shop.server().recover();
        shop.set(id, 100).await.unwrap();
        shop.server().always(fault);
        assert_eq!(hasty.update(id).await, 1);
        shop.server().recover();
        assert_eq!(
            shop.get(id).await.unwrap(),
            None,
            "the old value does not come back"
        );
    }
}

async fn foreign_bytes_are_replaced(shop: &impl Shop) {
    shop.server().put(&place(1), "\"not a number\"");
    assert_eq!(shop.price(1).await, 1);
    assert_eq!(shop.server().lies_at(&place(1)).as_deref(), Some("1"));
}

async fn verbs_say_what_went_wrong(shop: &impl Shop) {
    let hasty = shop.with(|storage| storage.deadline(SHORT));
    let kinds = [
        (Does::Hang, ErrorKind::Deadline, "no answer within 50ms"),
        (Does::Refuse, ErrorKind::Storage, "read only"),
        (Does::Break, ErrorKind::Storage, "connection refused"),
    ];
    for (fault, kind, cause) in kinds {
        shop.server().always(fault);
        let errors = [
            ("get", hasty.get(1).await.unwrap_err()),
            ("set", hasty.set(1, 1).await.unwrap_err()),
            ("delete", hasty.delete(1).await.unwrap_err()),
        ];
        shop.server().recover();
        shop.get(1).await.unwrap();
        shop.server().on("contains", Does::Refuse);
        for (operation, error) in errors {
            let known = (
                error.kind(),
                error.operation(),
                error.storage_name(),
                error.ring(),
            );
            // The first request is the removal of the failed write, whatever the operation is called.
            assert_eq!(known, (kind, operation, Some("fake"), Some("price")));
            let text = format!("{operation} on fake for the ring `price` failed: {cause}");
            assert_eq!(error.to_string(), text);
        }
        let error = shop.has(1).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Storage, "has"));
    }
}

#[derive(RingKey)]
struct Counted {
    #[ring_key(skip)]
    storage: Remote<Fake>,
}

#[ring_impl(storage = self.storage as Remote<Fake>, coder = Json)]
impl Counted {
    #[ring]
    fn number(&self, id: u32) -> u32 {
        id
    }
}

/// Stats of a ring count all of its calls, so no other test uses it.
#[test]
fn what_fails_is_counted_once() {
    let server = Fake::new();
    let storage = Remote::new(server.clone()).deadline(Duration::from_secs(2));
    let counted = Counted { storage };
    server.always(Does::Refuse);
    counted.number(1);
    let stats = counted.number_cache().stats();
    assert_eq!(
        (stats.hits, stats.misses, stats.stores, stats.errors),
        (0, 1, 0, 2),
        "look-up and store"
    );
    assert_eq!(counted.storage.health().refused, 2);
    assert_eq!(counted.storage.health().repairs, 1);
    counted.number_ring(1).get().unwrap_err();
    assert_eq!(counted.number_cache().stats().errors, 3);
    server.recover();
    counted.number(1);
    let stats = counted.number_cache().stats();
    assert_eq!(
        (stats.hits, stats.misses, stats.stores, stats.errors),
        (0, 2, 1, 3)
    );
    counted.number(1);
    assert_eq!(counted.number_cache().stats().hits, 1);
    let many = [1, 2, 3].map(|id| counted.number_ring(id)).get_many();
    assert_eq!(many.unwrap(), [Some(1), None, None]);
    let stats = counted.number_cache().stats();
    assert_eq!((stats.hits, stats.misses), (2, 4));
    assert_eq!(
        format!("{:?}", counted.storage),
        r#"fake { namespace: "", deadline: 2s, .. }"#
    );
}
