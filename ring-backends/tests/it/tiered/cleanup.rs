//! State is not kept longer than needed.

use ring_cache::Lru;
use ring_cache::storage::{AsyncStorage, Storage};
use ring_cache_backends::Tiered;

use super::far::Far;
use super::{tier, view};
use crate::blocking::run;

#[test]
fn the_far_tier_is_told_when_no_tier_observes_it() {
    let far = Far::telling();
    let tier = tier(&far);
    let other = tier.clone();
    assert!(!Storage::contains(&view(&tier), &1, None).unwrap());
    drop(tier);
    assert!(!far.observer().is_gone());
    drop(other);
    assert!(far.observer().is_gone());
    far.observer().began();
    far.observer().changed("1");
    far.observer().ended();
}

/// Before the far tier reports changes, and when it no longer does, each look-up goes to it.
#[test]
fn the_near_tier_is_not_used_while_no_changes_are_reported() {
    let far = Far::telling();
    let tier = tier(&far);
    let read = || Storage::read(&view(&tier), &1, None).unwrap();
    far.map().set(&1, b"1".to_vec());
    assert_eq!(read(), Some(1));
    assert!(tier.near().is_empty() && !tier.is_watching());
    far.observer().began();
    assert!(tier.is_watching());
    assert_eq!((read(), read(), far.count("read")), (Some(1), Some(1), 2));
    far.observer().ended();
    assert!(tier.near().is_empty());
    far.map().set(&1, b"2".to_vec());
    assert_eq!((read(), read(), far.count("read")), (Some(2), Some(2), 4));
    assert!(tier.near().is_empty());
}

/// Keys without a near entry are forgotten, and no others.
#[test]
fn near_entries_are_known_after_any_number_of_keys() {
    const NEAR: usize = 50;
    let far = Far::telling();
    let tier = Tiered::new(Lru::new(NEAR), far.clone());
    let view = view(&tier);
    assert!(!Storage::contains(&view, &0, None).unwrap());
    far.observer().began();
    run(async {
        for key in 0..5_000_u32 {
            AsyncStorage::write(&view, &key, key, None, None).await.unwrap();
            AsyncStorage::read(&view, &(key + 10_000), None).await.unwrap();
        }
    });
    assert_eq!(tier.near().len(), NEAR);
    for key in 0..5_000_u32 {
        far.observer().changed(&key.to_string());
    }
    assert!(tier.near().is_empty());
}
