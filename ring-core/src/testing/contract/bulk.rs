//! Cases of operations on many keys: they equal the single ones, one after another.

use super::operations::Raw;
use super::subject::{Tested, Value};
use super::trial::{Trial, expect, expect_held};

pub(super) fn many_equals_one_by_one<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin::<6>();
    let absent = vec![None; keys.len()];
    expect(
        storage.read_many(&keys),
        absent.clone(),
        "`read_many` of keys that are not there",
    );
    // The last ones first, so that no order but that of the keys will do.
    let written: Vec<_> = [5, 3, 1].map(|at| (keys[at], trial.value(at), None)).into();
    storage.write_many(written);
    let there: Vec<_> = (0..keys.len())
        .map(|at| (at % 2 == 1).then(|| trial.value(at)))
        .collect();
    expect(
        storage.read_many(&keys),
        there.clone(),
        "`read_many` in the order of the keys",
    );
    for (key, value) in keys.iter().zip(&there) {
        expect_held(&storage, key, value.as_ref(), "after `write_many`");
    }
    let removed = vec![false, true, false, true];
    expect(
        storage.remove_many(&keys[..4]),
        removed,
        "`remove_many` in the order of the keys",
    );
    let mut left = absent;
    left[5] = Some(trial.value(5));
    expect(
        storage.read_many(&keys),
        left.clone(),
        "`read_many` after `remove_many`",
    );
    for (key, value) in keys.iter().zip(&left) {
        expect_held(&storage, key, value.as_ref(), "after `remove_many`");
    }
    storage.remove(&keys[5]);
}

pub(super) fn many_of_no_keys<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    storage.write(&key, trial.value(1), None);
    expect(storage.read_many(&[key; 0]), Vec::new(), "`read_many` of no keys");
    expect(
        storage.remove_many(&[key; 0]),
        Vec::new(),
        "`remove_many` of no keys",
    );
    storage.write_many(Vec::<(&str, T, _)>::new());
    expect_held(
        &storage,
        &key,
        Some(&trial.value(1)),
        "after operations on no keys",
    );
    storage.remove(&key);
}

pub(super) fn many_with_duplicates<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [one, other]) = trial.begin();
    let written = [(one, 1), (other, 2), (one, 3)];
    let written = written.map(|(key, number)| (key, trial.value(number), None));
    storage.write_many(written.into());
    let [last, middle] = [3, 2].map(|number| Some(trial.value(number)));
    expect_held(
        &storage,
        &one,
        last.as_ref(),
        "of which `write_many` had two values: the last one stays",
    );
    let read = storage.read_many(&[one, other, one]);
    expect(
        read,
        vec![last.clone(), middle, last],
        "`read_many` of a key twice",
    );
    let removed = storage.remove_many(&[one, other, one]);
    expect(removed, vec![true, true, false], "`remove_many` of a key twice");
}

pub(super) fn many_of_a_thousand_keys<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin_with_many(1000);
    let values: Vec<_> = (0..keys.len()).map(|number| trial.value(number)).collect();
    let entries = keys.iter().copied().zip(values.iter().cloned());
    storage.write_many(entries.map(|(key, value)| (key, value, None)).collect());
    let values: Vec<_> = values.into_iter().map(Some).collect();
    expect(
        storage.read_many(&keys),
        values,
        format_args!("`read_many` of {} keys", keys.len()),
    );
    let all = vec![true; keys.len()];
    expect(
        storage.remove_many(&keys),
        all,
        format_args!("`remove_many` of {} keys", keys.len()),
    );
    let none = vec![None; keys.len()];
    expect(
        storage.read_many(&keys),
        none,
        format_args!("`read_many` of {} removed keys", keys.len()),
    );
}
