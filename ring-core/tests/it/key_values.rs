//! `Key`, the key of a call as a value of its own.

use std::collections::{BTreeSet, HashMap};

use ring_cache_core::Key;

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
    let ordered: BTreeSet<&Key> = keys.iter().collect();
    assert!(ordered.iter().map(|key| key.as_str()).is_sorted());
    assert!(keys[1] < keys[2] && keys[10] < keys[2]);
    assert_eq!(keys[10].partial_cmp(&keys[2]), Some("10".cmp("2")));
}
