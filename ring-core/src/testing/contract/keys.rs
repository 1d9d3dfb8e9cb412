//! Cases of keys: each entry is found by its own key and by no other.

use std::collections::HashMap;

use super::samples::{Sample, samples};
use super::subject::{Tested, Value};
use super::trial::{Trial, expect, expect_held, ring, shown};
use crate::key::{CallKey, EncodedKey, Key, RingKey};

pub(super) fn keys_of_every_shape<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    each_finds_its_own(trial, &samples());
}

pub(super) fn keys_of_calls<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (samples, ring) = (samples().map(|sample| (sample,)), ring("contract.keys"));
    let one_argument = samples.map(|parts| EncodedKey::of(&CallKey::new(ring.name(), &parts)));
    each_finds_its_own(trial, &one_argument);
    // Characters of one argument must not be taken for a part of the other.
    let pairs = [
        ("a:b", "c"),
        ("a", "b:c"),
        ("", "a:b:c"),
        ("a:b:c", ""),
        ("a%3Ab", "c"),
        ("a b", "c"),
        ("a", "b c"),
    ];
    let ring = self::ring("contract.pairs");
    let two_arguments = pairs.map(|parts| EncodedKey::of(&CallKey::new(ring.name(), &parts)));
    each_finds_its_own(trial, &two_arguments);
}

pub(super) fn keys_that_differ_by_case<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    each_finds_its_own(
        trial,
        &["key", "Key", "KEY", "kEY", "ß", "ss", "SS", "é", "É", "e\u{301}"],
    );
}

pub(super) fn keys_that_begin_alike<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    each_finds_its_own(
        trial,
        &["a", "ab", "abc", "a ", "a\0", "a\0b", "a*", "a?", "ab\n", ""],
    );
    // At the lengths at which storages cut or hash keys, the last byte still counts.
    for length in [31, 63, 127, 200, 249, 250, 251, 255, 1023, 10_000] {
        let ends = ["", "x", "y", "xx"];
        each_finds_its_own(trial, &ends.map(|end| "k".repeat(length) + end));
    }
}

/// A number and a string may share their text. A storage that claims to distinguish such keys must do so.
pub(super) fn keys_of_one_text<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    if !Su::TEXT_KEYS {
        let same = [
            Sample::Text("1".into()),
            Sample::Number(1),
            Sample::Bytes(b"1".to_vec()),
        ];
        each_finds_its_own(trial, &same);
        let same = [Sample::Text("None".into()), Sample::Absent];
        each_finds_its_own(trial, &same);
    }
}

/// `stored_key` is unique for each key, and each stored key is unique.
pub(super) fn stored_keys_are_distinct<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, mut places) = (trial.storage(), HashMap::new());
    let long = ["", "x", "y"].map(|end| Sample::Text("k".repeat(300) + end));
    for sample in samples().into_iter().chain(long) {
        let place = storage.stored_key(&sample);
        let recorded = storage.stored_key(&EncodedKey::of(&sample));
        expect(
            &recorded,
            &place,
            format_args!("`stored_key` of {} recorded", shown(&sample)),
        );
        let other = places.insert(place, shown(&sample));
        expect(
            other,
            None,
            format_args!("another key with the `stored_key` of {}", shown(&sample)),
        );
    }
}

/// A recorded key equals the key itself: a value is stored by it after its call's arguments are gone.
pub(super) fn recorded_keys<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let storage = trial.storage();
    for sample in samples() {
        let (owned, recorded) = (Key::of(&sample), EncodedKey::of(&sample));
        storage.remove(&sample);
        let find_all = |number, by| {
            let value = trial.value(number);
            expect_held(
                &storage,
                &sample,
                Some(&value),
                format_args!("after a write by its {by}"),
            );
            let when = format!("by its `Key`, after a write by its {by}");
            expect_held(&storage, &owned, Some(&value), when);
            let when = format!("by its `EncodedKey`, after a write by its {by}");
            expect_held(&storage, &recorded, Some(&value), when);
        };
        storage.write(&sample, trial.value(1), None);
        find_all(1, "parts");
        storage.write(&owned, trial.value(2), None);
        find_all(2, "`Key`");
        storage.write(&recorded, trial.value(3), None);
        find_all(3, "`EncodedKey`");
        expect(
            storage.remove(&recorded),
            true,
            format_args!("`remove` of {}", shown(&sample)),
        );
        expect_held(
            &storage,
            &sample,
            None,
            "after it was removed by its `EncodedKey`",
        );
    }
}

/// Tests keys in groups that the storage can keep.
fn each_finds_its_own<Su: Tested<T>, T: Value, K: RingKey>(trial: &Trial<'_, Su, T>, keys: &[K]) {
    let storage = trial.storage();
    for group in keys.chunks(trial.capacity) {
        let forth: Vec<&K> = group.iter().collect();
        find_their_own(trial, &storage, &forth);
        let back: Vec<&K> = group.iter().rev().collect();
        find_their_own(trial, &storage, &back);
    }
}

fn find_their_own<Su: Tested<T>, T: Value, K: RingKey>(trial: &Trial<'_, Su, T>, storage: &Su, keys: &[&K]) {
    for key in keys {
        storage.remove(key);
    }
    for (number, key) in keys.iter().enumerate() {
        expect_held(storage, key, None, "which only other keys were written before");
        storage.write(key, trial.value(number), None);
    }
    for (number, key) in keys.iter().enumerate() {
        expect_held(
            storage,
            key,
            Some(&trial.value(number)),
            "after other keys were written",
        );
    }
    for (number, key) in keys.iter().enumerate() {
        expect_held(
            storage,
            key,
            Some(&trial.value(number)),
            "after other keys were removed",
        );
        expect(
            storage.remove(key),
            true,
            format_args!("`remove` of {}", shown(key)),
        );
        expect_held(storage, key, None, "after it was removed");
    }
}
