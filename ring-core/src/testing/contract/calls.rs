//! Cases of a ring's calls.

use super::subject::{Tested, Value};
use super::trial::{Trial, expect, ring};
use crate::ring::Ring;

/// Names that patterns, paths or case might not distinguish.
pub(super) const NAMES: [&str; 10] = [
    "contract.ring",
    "contract.rings",
    "contract.Ring",
    "contract.rin",
    "contract.r*",
    "contract.rin?",
    "contract.rin[a-z]",
    "contract.rin\\g",
    "contract_ring",
    "contract",
];

pub(super) fn calls<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, ring) = (trial.storage(), ring("contract.calls"));
    storage.call_delete(ring, 1);
    expect(storage.call_has(ring, 1), false, "`has` of a call at first");
    for what in ["a call that finds nothing", "a call whose value is there"] {
        // The body runs for the first one only.
        let number = if storage.call_has(ring, 1) { 2 } else { 1 };
        let value = trial.value(number);
        let returned = storage.get_or_update(ring, 1, None, || value);
        expect(returned, trial.value(1), what);
        expect(
            storage.call_get(ring, 1),
            Some(trial.value(1)),
            format_args!("`get` after {what}"),
        );
    }
    let value = trial.value(3);
    expect(
        storage.update(ring, 1, None, || value),
        trial.value(3),
        "`update`",
    );
    expect(
        storage.call_get(ring, 1),
        Some(trial.value(3)),
        "`get` after `update`",
    );
    storage.call_set(ring, 1, trial.value(4));
    expect(
        storage.call_get(ring, 1),
        Some(trial.value(4)),
        "`get` after `set`",
    );
    for there in [true, false] {
        expect(storage.call_has(ring, 1), there, "`has` of a call");
        expect(storage.call_delete(ring, 1), there, "`delete` of a call");
        expect(storage.call_get(ring, 1), None, "`get` after `delete`");
    }
    expect(
        storage.flights().under_way(),
        0,
        "the number of keys with calls under way at the end",
    );
}

pub(super) fn bulk_calls<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, ring) = (trial.storage(), ring("contract.bulk_calls"));
    for id in 0..3 {
        storage.call_delete(ring, id);
    }
    storage.call_set(ring, 1, trial.value(7));
    let computing = |offset| {
        [2, 1, 0, 2]
            .map(|id| (id, trial.value(id as usize + offset)))
            .to_vec()
    };
    let expected = [2, 7, 0, 2].map(|number| trial.value(number)).to_vec();
    let returned = storage.get_or_update_many(ring, computing(0));
    expect(
        returned,
        expected.clone(),
        "`get_or_update_many` where one value is there",
    );
    let returned = storage.get_or_update_many(ring, computing(10));
    expect(
        returned,
        expected,
        "`get_or_update_many` where all values are there",
    );
    for id in 0..3 {
        expect(
            storage.call_delete(ring, id),
            true,
            "`delete` after `get_or_update_many`",
        );
    }
}

pub(super) fn rings_do_not_mix<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let storage = trial.storage();
    for names in NAMES.chunks(trial.capacity) {
        let rings: Vec<&'static Ring> = names.iter().map(|name| ring(name)).collect();
        for ring in &rings {
            storage.call_delete(ring, 1);
        }
        for (number, ring) in rings.iter().enumerate() {
            let (value, expected) = (trial.value(number), trial.value(number));
            let returned = storage.get_or_update(ring, 1, None, || value);
            expect(
                returned,
                expected,
                format_args!("the first call of the ring `{}`", ring.name()),
            );
        }
        for (number, ring) in rings.iter().enumerate() {
            let name = ring.name();
            let there = Some(trial.value(number));
            expect(
                storage.call_get(ring, 1),
                there,
                format_args!("`get` of the ring `{name}`"),
            );
            expect(
                storage.call_delete(ring, 1),
                true,
                format_args!("`delete` of the ring `{name}`"),
            );
        }
    }
}
