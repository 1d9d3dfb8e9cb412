//! Cases of operations on many keys: they equal the single ones, one after another.

use std::fmt::Display;
use std::time::Duration;

use super::subject::{Tested, Value};
use super::trial::{PlainKey, Trial, expect, expect_held};
use crate::storage::Expiring;

pub(super) fn many_equals_one_by_one<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin::<6>();
    let mut held = vec![None; keys.len()];
    expect_all_held(&storage, &keys, &held, "at first");
    // In reverse, so that only the order of the keys passes.
    let written: Vec<_> = [5, 3, 1].map(|at| (keys[at], trial.value(at), None)).into();
    storage.write_many(written);
    for at in [1, 3, 5] {
        held[at] = Some(trial.value(at));
    }
    expect_all_held(&storage, &keys, &held, "after `write_many`");
    let removed = storage.remove_many(&keys[..4]);
    let were_there = vec![false, true, false, true];
    expect(removed, were_there, "`remove_many` in the order of the keys");
    held[1] = None;
    held[3] = None;
    expect_all_held(&storage, &keys, &held, "after `remove_many`");
    storage.remove(&keys[5]);
}

pub(super) fn many_of_no_keys<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    storage.write(&key, trial.value(1), None);
    expect_all_held(&storage, &[], &[], "that do not exist");
    expect(storage.remove_many(&[key; 0]), vec![], "`remove_many` of no keys");
    storage.write_many(Vec::<(&str, T, _)>::new());
    let when = "after operations on no keys";
    expect_held(&storage, &key, Some(&trial.value(1)), when);
    storage.remove(&key);
}

pub(super) fn many_with_duplicates<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [one, other]) = trial.begin();
    let written = [(one, 1), (other, 2), (one, 3)];
    let written = written.map(|(key, number)| (key, trial.value(number), None));
    storage.write_many(written.into());
    let held = [3, 2, 3].map(|number| Some(trial.value(number)));
    let when = "of which `write_many` wrote one twice: the last value stays";
    expect_all_held(&storage, &[one, other, one], &held, when);
    let removed = storage.remove_many(&[one, other, one]);
    expect(removed, vec![true, true, false], "`remove_many` of a key twice");
}

pub(super) fn many_of_a_thousand_keys<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin_with_many(1000);
    let mut held: Vec<_> = (0..keys.len()).map(|number| Some(trial.value(number))).collect();
    let entries = keys.iter().zip(held.iter().flatten());
    storage.write_many(entries.map(|(key, value)| (*key, value.clone(), None)).collect());
    let count = format!("of {} keys", keys.len());
    expect_many(&storage, &keys, &held, format_args!("{count} that were written"));
    let removed = storage.remove_many(&keys);
    expect(
        removed,
        vec![true; keys.len()],
        format_args!("`remove_many` {count}"),
    );
    held.fill(None);
    expect_many(&storage, &keys, &held, format_args!("{count} that were removed"));
}

/// The last of several entries with one key counts, also if one of them has an expiry of zero, which removes.
pub(super) fn many_with_duplicates_that_remove<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [kept, removed]) = trial.begin();
    let zero = Some(Duration::ZERO);
    let [first, last] = [trial.value(1), trial.value(2)];
    storage.write_many(vec![
        (kept, first.clone(), zero),
        (removed, first, None),
        (kept, last.clone(), None),
        (removed, last.clone(), zero),
    ]);
    let when = "of one `write_many`, which removed it by an expiry of zero";
    expect_held(
        &storage,
        &kept,
        Some(&last),
        format_args!("{when}, and then wrote it"),
    );
    expect_held(
        &storage,
        &removed,
        None,
        format_args!("{when}, after it wrote it"),
    );
    storage.remove(&kept);
}

/// Fails the case unless reads of many keys find the expected entries, and single reads as well.
fn expect_all_held<Su, T>(storage: &Su, keys: &[PlainKey], expected: &[Option<T>], when: &str)
where
    Su: Tested<T>,
    T: Value,
{
    expect_many(storage, keys, expected, format_args!("of keys {when}"));
    for (key, value) in keys.iter().zip(expected) {
        expect_held(storage, key, value.as_ref(), when);
    }
}

fn expect_many<Su, T>(storage: &Su, keys: &[PlainKey], expected: &[Option<T>], of: impl Display)
where
    Su: Tested<T>,
    T: Value,
{
    let read = storage.read_many(keys);
    expect(&*read, expected, format_args!("`read_many` {of}"));
    let there: Vec<_> = expected.iter().map(Option::is_some).collect();
    let contains = storage.contains_many(keys);
    expect(contains, there, format_args!("`contains_many` {of}"));
    let read = storage.read_many_expiring(keys);
    let lasting = |value| Expiring {
        value,
        remaining: None,
    };
    let expected = expected.iter().map(|value| value.clone().map(lasting));
    expect(
        read,
        expected.collect(),
        format_args!("`read_many_expiring` {of}"),
    );
}
