//! Handles of one server: clones share state, namespaces separate entries.

use std::time::Duration;

use ring_cache::ErrorKind;
use ring_cache::storage::{Storage, StorageBase};
use ring_cache_backends::Breaker;

use super::fake::Does;
use super::in_both_colours;
use super::shops::{Shop, place};

in_both_colours!(
    namespaces_share_no_entry,
    a_namespace_stands_before_the_key,
    clones_share_what_they_know_of_the_server,
    a_handle_with_less_time_is_the_same_storage,
);

async fn namespaces_share_no_entry(shop: &impl Shop) {
    let one = shop.with(|storage| storage.namespace("one"));
    let other = shop.with(|storage| storage.namespace("other"));
    one.set(1, 10).await.unwrap();
    assert_eq!(
        (other.get(1).await.unwrap(), shop.get(1).await.unwrap()),
        (None, None)
    );
    other.set(1, 20).await.unwrap();
    shop.delete(1).await.unwrap();
    other.clear().await.unwrap();
    assert_eq!(
        (one.get(1).await.unwrap(), other.get(1).await.unwrap()),
        (Some(10), None)
    );
}

async fn a_namespace_stands_before_the_key(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.namespace("a b:c"));
    shop.price(1).await;
    assert_eq!(
        shop.server()
            .lies_at(&format!("a%20b%3Ac:{}", place(1)))
            .as_deref(),
        Some("1")
    );
}

async fn clones_share_what_they_know_of_the_server(shop: &impl Shop) {
    let shop = shop.with(|storage| storage.breaker(Breaker::after(2).pause(Duration::MAX)));
    let (one, other) = (
        shop.with(|storage| storage),
        shop.with(|storage| storage.namespace("other")),
    );
    assert!(std::ptr::eq(shop.storage().flights(), one.storage().flights()));
    assert!(!std::ptr::eq(shop.storage().flights(), other.storage().flights()));
    other.set(1, 10).await.unwrap();
    shop.server().on("write", Does::Break);
    other.set(1, 11).await.unwrap_err();
    shop.server().recover();
    one.get(2).await.unwrap();
    assert_eq!(
        shop.server().lies_at(&format!("other:{}", place(1))),
        None,
        "one repairs for all"
    );
    shop.server().always(Does::Break);
    one.get(1).await.unwrap_err();
    other.get(1).await.unwrap_err();
    assert_eq!(shop.get(1).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(shop.storage().health(), other.storage().health());
    assert_eq!(shop.storage().health().spared, 1);
}

async fn a_handle_with_less_time_is_the_same_storage(shop: &impl Shop) {
    let shop = shop.with(|storage| {
        let storage = storage.namespace("a");
        storage.breaker(Breaker::after(2).pause(Duration::MAX))
    });
    let (storage, second) = (shop.storage(), Duration::from_secs(1));
    let limited = storage.clone().deadline(second);
    assert_eq!(
        (StorageBase::deadline(&limited), StorageBase::namespace(&limited)),
        (Some(second), "a:")
    );
    assert!(std::ptr::eq(limited.flights(), storage.flights()));
    shop.server().on("write", Does::Break);
    limited.set(&1, Vec::new(), None).unwrap_err();
    assert_eq!(storage.health().repairs, 1);
    shop.server().always(Does::Break);
    limited.get(&1).unwrap_err();
    assert_eq!(shop.get(1).await.unwrap_err().kind(), ErrorKind::Unavailable);
}
