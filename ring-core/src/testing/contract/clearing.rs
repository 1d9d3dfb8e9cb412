//! Cases of `clear`: it removes the entries of one ring, and no others.

use super::calls::NAMES;
use super::computing::during_a_computation;

use super::subject::{Tested, Value};
use super::trial::{Trial, expect, expect_held, ring};
use crate::key::{CallKey, EncodedKey};
use crate::ring::Ring;

pub(super) fn clear_drops_one_ring<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    storage.write(&key, trial.value(1), None);
    only_one_is_cleared(trial, &storage, &["contract.clear.first", "contract.clear.other"]);
    expect_held(&storage, &key, Some(&trial.value(1)), "of no ring, after a clear");
    storage.remove(&key);
}

pub(super) fn clear_of_a_name_that_begins_another<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let names = [
        "contract.a",
        "contract.ab",
        "contract.a.b",
        "contract.",
        "contract",
    ];
    only_one_is_cleared(trial, &trial.storage(), &names);
}

pub(super) fn clear_of_a_name_with_wildcards<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let names = [
        "*",
        "?",
        "[a]",
        "a",
        "a*",
        "\\a",
        "contract*",
        "contract[.]a",
        "contract?a",
        "contract.a",
    ];
    only_one_is_cleared(trial, &trial.storage(), &names);
    only_one_is_cleared(trial, &trial.storage(), &NAMES);
}

pub(super) fn clear_of_calls_without_arguments<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let storage = trial.storage();
    let rings = ["contract.bare", "contract.bare2"].map(ring);
    let keys = rings.map(|ring| EncodedKey::of(&CallKey::new(ring.name(), &())));
    for key in &keys {
        storage.write(key, trial.value(1), None);
    }
    clear(trial, &storage, rings[0]);
    expect_held(&storage, &keys[0], None, "after its ring was cleared");
    expect_held(
        &storage,
        &keys[1],
        Some(&trial.value(1)),
        "after another ring was cleared",
    );
    storage.remove(&keys[1]);
}

pub(super) fn clear_during_a_computation<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, ring) = (trial.storage(), ring("contract.clear.computed"));
    let returned = during_a_computation(trial, &storage, ring, || clear(trial, &storage, ring));
    expect(
        returned,
        trial.value(1),
        "a call during which its ring was cleared",
    );
    expect(
        storage.call_get(ring, 1),
        None,
        "`get` after a computation that began before a clear",
    );
}

fn only_one_is_cleared<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>, storage: &Su, names: &[&str]) {
    let rings: Vec<_> = names.iter().map(|name| ring(name)).collect();
    for cleared in &rings {
        for (number, ring) in rings.iter().enumerate() {
            storage.call_set(ring, 1, trial.value(number));
            storage.call_set(ring, 2, trial.value(number));
        }
        clear(trial, storage, cleared);
        for (number, ring) in rings.iter().enumerate() {
            let left = (ring.name() != cleared.name()).then(|| trial.value(number));
            for id in [1, 2] {
                let what = format!(
                    "`get` of the ring `{}` after a clear of the ring `{}`",
                    ring.name(),
                    cleared.name()
                );
                expect(storage.call_get(ring, id), left.clone(), what);
            }
        }
    }
    for ring in rings {
        clear(trial, storage, ring);
    }
}

fn clear<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>, storage: &Su, ring: &'static Ring) {
    let clear = trial
        .clear
        .unwrap_or_else(|| unreachable!("cases of clear are run with it"));
    clear(storage, ring);
}
