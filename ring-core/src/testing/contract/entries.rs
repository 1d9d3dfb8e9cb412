//! Cases of single entries: the raw operations, the verbs, and their answers.

use super::subject::{Tested, Value};
use super::trial::{Trial, expect, expect_held, shown};

pub(super) fn a_new_key_is_absent<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    expect_held(&storage, &key, None, "under which nothing was written");
    let answer = storage.remove(&key);
    expect(
        answer,
        false,
        format_args!("`remove` of {} which is not there", shown(&key)),
    );
    expect_held(
        &storage,
        &key,
        None,
        "after it was removed although it was not there",
    );
}

pub(super) fn a_written_value_is_found<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    storage.write(&key, trial.value(1), None);
    for _ in 0..2 {
        expect_held(&storage, &key, Some(&trial.value(1)), "after a write");
    }
}

pub(super) fn a_write_replaces<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    for number in [1, 2, 1] {
        storage.write(&key, trial.value(number), None);
        expect_held(
            &storage,
            &key,
            Some(&trial.value(number)),
            "after it was written once more",
        );
    }
}

pub(super) fn a_write_if_absent_replaces_nothing<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    for number in [1, 2] {
        let was_put = storage.write_if_absent(&key, trial.value(number), None);
        expect(
            was_put,
            true,
            format_args!("`write_if_absent` of {} which is not there", shown(&key)),
        );
        let was_put = storage.write_if_absent(&key, trial.value(3), None);
        expect(
            was_put,
            false,
            format_args!("`write_if_absent` of {} which is there", shown(&key)),
        );
        expect_held(
            &storage,
            &key,
            Some(&trial.value(number)),
            "after a write to absent entries only",
        );
        storage.remove(&key);
    }
}

pub(super) fn a_removed_entry_is_gone<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    for number in [1, 2] {
        storage.write(&key, trial.value(number), None);
        let answer = storage.remove(&key);
        expect(
            answer,
            true,
            format_args!("`remove` of {} which is there", shown(&key)),
        );
        expect_held(&storage, &key, None, "after it was removed");
        let answer = storage.remove(&key);
        expect(
            answer,
            false,
            format_args!("a second `remove` of {}", shown(&key)),
        );
    }
}

pub(super) fn entries_do_not_disturb_each_other<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [changed, other]) = trial.begin();
    storage.write(&other, trial.value(1), None);
    expect_held(&storage, &changed, None, "after another key was written");
    storage.write(&changed, trial.value(2), None);
    expect_held(
        &storage,
        &other,
        Some(&trial.value(1)),
        "after another key was written",
    );
    storage.remove(&changed);
    expect_held(
        &storage,
        &other,
        Some(&trial.value(1)),
        "after another key was removed",
    );
    storage.remove(&changed);
    expect_held(
        &storage,
        &other,
        Some(&trial.value(1)),
        "after another key was removed twice",
    );
}

pub(super) fn many_entries<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin_with_many(500);
    let count = keys.len();
    for (number, key) in keys.iter().enumerate() {
        storage.write(key, trial.value(number), None);
    }
    for (number, key) in keys.iter().enumerate() {
        let when = format!("when there are {count} entries");
        expect_held(&storage, key, Some(&trial.value(number)), when);
    }
    for key in keys {
        expect(
            storage.remove(&key),
            true,
            format_args!("`remove` of {}", shown(&key)),
        );
    }
}

pub(super) fn verbs<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    let looks = |expected: Option<T>, when: &str| {
        let (there, of) = (expected.is_some(), shown(&key));
        expect(storage.has(&key), there, format_args!("`has` of {of} {when}"));
        let touched = storage.touch(&key, None);
        expect(
            touched,
            there,
            format_args!("`touch` without an expiry of {of} {when}"),
        );
        expect(storage.get(&key), expected, format_args!("`get` of {of} {when}"));
    };
    looks(None, "at first");
    for number in [1, 2] {
        storage.set(&key, trial.value(number), None);
        looks(Some(trial.value(number)), "after `set`");
    }
    for there in [true, false] {
        expect(
            storage.delete(&key),
            there,
            format_args!("`delete` of {}", shown(&key)),
        );
        looks(None, "after `delete`");
    }
}
