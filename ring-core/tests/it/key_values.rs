//! `Key`, the owned key of a call.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use ring_cache_core::key::{EncodedKey, namespace_text, text_in_namespace};
use ring_cache_core::{Key, Lru, Plain};

use crate::support::{Cache, call, never, ring};

#[test]
fn a_key_is_equal_to_its_text_and_to_keys_of_the_same_text() {
    let (seven, eight) = (Key::of(&("users", 7)), Key::of(&("users", 8)));
    assert_eq!(seven, seven.clone());
    assert_ne!(seven, eight);
    assert_eq!(seven, "('users',7)");
    assert_ne!(seven, "('users',8)");
    assert_eq!(seven, *"('users',7)");
    assert_ne!(seven, *"('users',8)");
    assert_ne!(seven, Key::in_namespace("test", &("users", 7)));
}

#[test]
fn a_key_reads_as_its_text() {
    let key = Key::of(&("users", 7));
    assert_eq!(key.as_str(), "('users',7)");
    assert_eq!(AsRef::<str>::as_ref(&key), "('users',7)");
    assert_eq!(key.to_string(), "('users',7)");
    assert_eq!(format!("{key:>13}|"), "  ('users',7)|");
    assert_eq!(format!("{key:?}"), "Key(\"('users',7)\")");
}

#[test]
fn keys_are_elements_of_maps_and_ordered_sets() {
    let keys: Vec<Key> = (0..1000).map(|id| Key::of(&("users", id))).collect();
    let places: HashMap<&Key, usize> = keys.iter().enumerate().map(|(at, key)| (key, at)).collect();
    for id in 0..1000 {
        assert_eq!(places[&Key::of(&("users", id))], id);
    }
    let hasher = RandomState::new();
    let hashes: HashSet<u64> = keys.iter().map(|key| hasher.hash_one(key)).collect();
    assert!(hashes.len() > 990);
    let ordered: BTreeSet<&Key> = keys.iter().collect();
    assert!(ordered.iter().map(|key| key.as_str()).is_sorted());
    assert!(keys[1] < keys[2] && keys[10] < keys[2]);
    assert_eq!(keys[10].partial_cmp(&keys[2]), Some("10".cmp("2")));
}

#[test]
fn a_namespace_stands_before_all_keys_and_reaches_into_none() {
    assert_eq!(namespace_text(""), "");
    assert_eq!(namespace_text("shop"), "shop:");
    assert_eq!(namespace_text("a:b"), "a%3Ab:");
    assert_eq!(text_in_namespace("", &"a:b"), "a:b");
    assert_eq!(text_in_namespace(&namespace_text("a:b"), &"c:d"), "a%3Ab:c:d");
    assert_eq!(Key::in_namespace("shop:", &("users", 7)), "shop:('users',7)");
}

#[test]
fn an_argument_reads_the_same_after_any_other_argument() {
    let lru = Lru::new(10);
    let cache = || Cache::new(ring(), &lru);
    let bound = cache().bind::<Plain<u32>, _, _>((("a", 1), "b"), |_| never());
    assert_eq!(bound.key(), "p:('a',1):b");
    let bound = cache().bind::<Plain<u32>, _, _>((vec!["a"], "b:c"), |_| never());
    assert_eq!(bound.key(), "p:['a']:b:c");
}

#[test]
fn a_recorded_key_names_its_ring() {
    let lru = Lru::new(10);
    let recorded = EncodedKey::of(&call(ring(), &lru, 1, never::<u32>).key());
    let name = recorded.ring().expect("the key of a ring's call");
    assert_eq!(name.as_str(), "p");
    assert!(recorded.belongs_to(name));
    assert_eq!(format!("{recorded:?}"), "EncodedKey(p:1)");
    let other = EncodedKey::of(&("p", 1));
    assert!(other.ring().is_none());
    assert!(!other.belongs_to(name));
    assert_ne!(recorded, other);
}
