//! Cases of several handles to one storage.

use super::computing::during_a_computation;

use super::subject::{Tested, Value};
use super::trial::{Trial, expect, expect_held, ring, shown};

pub(super) fn clones_are_one_storage<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    let clone = cloned(trial, &storage);
    storage.write(&key, trial.value(1), None);
    expect_held(&clone, &key, Some(&trial.value(1)), "by a clone");
    clone.write(&key, trial.value(2), None);
    expect_held(&storage, &key, Some(&trial.value(2)), "after a clone wrote it");
    expect(
        clone.remove(&key),
        true,
        format_args!("`remove` of {} by a clone", shown(&key)),
    );
    expect_held(&storage, &key, None, "after a clone removed it");
}

pub(super) fn clones_share_computations<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, ring) = (trial.storage(), ring("contract.clones"));
    let clone = cloned(trial, &storage);
    let shared = std::ptr::eq(storage.flights(), clone.flights());
    expect(
        shared,
        true,
        "whether `flights` of a clone are those of the storage, behind an `Arc`",
    );
    let returned = during_a_computation(trial, &storage, ring, || {
        clone.call_delete(ring, 1);
    });
    expect(
        returned,
        trial.value(1),
        "a call during which a clone deleted its value",
    );
    let what = "`get` after a computation that began before a clone's `delete`";
    expect(storage.call_get(ring, 1), None, what);
}

pub(super) fn storages_share_entries<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    let other = trial.storage();
    storage.write(&key, trial.value(1), None);
    expect_held(
        &other,
        &key,
        Some(&trial.value(1)),
        "by another storage that was made",
    );
    expect(
        other.remove(&key),
        true,
        format_args!("`remove` of {} by another storage", shown(&key)),
    );
    expect_held(&storage, &key, None, "after another storage removed it");
    storage.write(&key, trial.value(2), None);
    drop((storage, other));
    let later = trial.storage();
    expect_held(
        &later,
        &key,
        Some(&trial.value(2)),
        "by a storage made after the others were dropped",
    );
    later.remove(&key);
}

fn cloned<Su, T>(trial: &Trial<'_, Su, T>, storage: &Su) -> Su {
    let clone = trial
        .clone
        .unwrap_or_else(|| unreachable!("cases of clones are run with them"));
    clone(storage)
}
