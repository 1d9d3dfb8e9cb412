//! Cases of entries that expire. None requires that a short expiry has not ended yet: on a slow machine it may have.

use std::time::Duration;

use super::subject::{Tested, Value};
use super::trial::{LONG, Trial, expect, expect_held, shown};
use crate::storage::Expiring;

const DAY: Duration = LONG;

/// Expiries that storages may overflow, or mistake for a point in time.
const LONG_ONES: [Duration; 10] = [
    LONG,
    DAY.saturating_mul(30),
    Duration::from_secs(30 * 24 * 60 * 60 + 1),
    DAY.saturating_mul(31),
    DAY.saturating_mul(366),
    DAY.saturating_mul(36_525),
    Duration::from_secs(u32::MAX as u64 + 1),
    Duration::from_secs(i64::MAX as u64),
    Duration::from_secs(u64::MAX),
    Duration::MAX,
];

pub(super) fn an_expiry_of_zero_removes<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    let zero = Some(Duration::ZERO);
    for before in [None, Some(1)] {
        let put_before = || before.map(|number| storage.write(&key, trial.value(number), None));
        put_before();
        storage.write(&key, trial.value(2), zero);
        expect_held(&storage, &key, None, "after `write` with an expiry of zero");
        put_before();
        storage.write_many(vec![(key, trial.value(2), zero)]);
        expect_held(&storage, &key, None, "after `write_many` with an expiry of zero");
        put_before();
        storage.set(&key, trial.value(2), zero);
        expect_held(&storage, &key, None, "after `set` with an expiry of zero");
    }
}

pub(super) fn short_expiries_end<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin::<6>();
    let short = Some(trial.short());
    let [one, other, single @ ..] = keys;
    storage.set(&one, trial.value(0), short);
    storage.write_many(vec![(other, trial.value(1), short)]);
    for (number, key) in single.iter().enumerate() {
        storage.write(key, trial.value(number + 2), short);
    }
    trial.let_short_pass();
    // Each is read by another operation first, since each operation may detect the expiry.
    let what = |operation, key| format!("`{operation}` of {} whose expiry ended", shown(key));
    expect(storage.read(&keys[0]), None, what("read", &keys[0]));
    expect(storage.contains(&keys[1]), false, what("contains", &keys[1]));
    expect(storage.remove(&keys[2]), false, what("remove", &keys[2]));
    expect(storage.renew(&keys[3], LONG), false, what("renew", &keys[3]));
    expect(
        storage.read_many(&keys[4..5]),
        vec![None],
        what("read_many", &keys[4]),
    );
    expect(
        storage.remove_many(&keys[5..]),
        vec![false],
        what("remove_many", &keys[5]),
    );
    for key in &keys {
        expect_held(&storage, key, None, "whose expiry ended");
    }
    storage.write(&keys[0], trial.value(7), None);
    expect_held(
        &storage,
        &keys[0],
        Some(&trial.value(7)),
        "written after its expiry had ended",
    );
    storage.remove(&keys[0]);
}

/// Expiries below the storage's resolution are rounded up: neither to zero, which may mean no expiry, nor to an
/// error.
pub(super) fn tiny_expiries_end<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin::<3>();
    let tiny = [
        Duration::from_nanos(1),
        Duration::from_micros(1),
        trial.short() / 2,
    ];
    for (key, expiry) in keys.iter().zip(tiny) {
        storage.write(key, trial.value(1), Some(expiry));
    }
    trial.let_short_pass();
    for (key, expiry) in keys.iter().zip(tiny) {
        expect_held(
            &storage,
            key,
            None,
            format_args!("long after its expiry of {expiry:?}"),
        );
    }
}

pub(super) fn long_expiries_last<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin::<{ LONG_ONES.len() }>();
    let all_last = |when: &str| {
        for (number, (key, expiry)) in keys.iter().zip(LONG_ONES).enumerate() {
            let when = format!("{when} an expiry of {expiry:?}");
            expect_held(&storage, key, Some(&trial.value(number)), when);
        }
    };
    for (number, (key, expiry)) in keys.iter().zip(LONG_ONES).enumerate() {
        storage.write(key, trial.value(number), Some(expiry));
    }
    all_last("just written with");
    trial.let_short_pass();
    all_last("written with");
    for (key, expiry) in keys.iter().zip(LONG_ONES) {
        let what = format!("`renew` of {} for {expiry:?}", shown(key));
        expect(storage.renew(key, expiry), true, what);
    }
    all_last("just touched with");
    trial.let_short_pass();
    all_last("touched with");
    storage.remove_many(&keys);
}

pub(super) fn a_write_brings_its_own_expiry<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin::<3>();
    let short = Some(trial.short());
    let write = |key, expiry| storage.write(key, trial.value(1), expiry);
    let [to_none, to_long, to_short] = &keys;
    write(to_none, short);
    write(to_none, None);
    write(to_long, short);
    write(to_long, Some(LONG));
    write(to_short, None);
    write(to_short, short);
    trial.let_short_pass();
    let there = trial.value(1);
    expect_held(
        &storage,
        to_none,
        Some(&there),
        "written with an expiry, then without one",
    );
    expect_held(
        &storage,
        to_long,
        Some(&there),
        "written with a short expiry, then with a long one",
    );
    expect_held(
        &storage,
        to_short,
        None,
        "written without expiry, then with a short one that ended",
    );
    storage.remove_many(&keys);
}

pub(super) fn a_write_if_absent_brings_its_own_expiry<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, [key]) = trial.begin();
    let short = Some(trial.short());
    let put = |number, expiry| storage.write_if_absent(&key, trial.value(number), expiry);
    put(1, short);
    trial.let_short_pass();
    expect_held(&storage, &key, None, "put with a short expiry that ended");
    let what = format!("`write_if_absent` of {} whose expiry ended", shown(&key));
    expect(put(2, None), true, what);
    let what = format!("`write_if_absent` of {} without expiry", shown(&key));
    expect(put(3, short), false, what);
    trial.let_short_pass();
    expect_held(
        &storage,
        &key,
        Some(&trial.value(2)),
        "without expiry, after a write to absent entries only",
    );
    storage.remove(&key);
}

pub(super) fn a_touch_restarts_the_expiry<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin::<3>();
    let [to_long, to_short, from_none] = &keys;
    let absent = format!("`renew` of {} which is not there", shown(to_long));
    expect(storage.renew(to_long, LONG), false, absent);
    expect_held(&storage, to_long, None, "touched although it was not there");
    // On a slow machine the expiry may end before the touch: then it is repeated.
    let touched = (0..10).any(|_| {
        storage.write(to_long, trial.value(1), Some(trial.short()));
        storage.renew(to_long, LONG)
    });
    expect(
        touched,
        true,
        format_args!("`renew` of {} which was just written", shown(to_long)),
    );
    for (key, expiry) in [(to_short, Some(LONG)), (from_none, None)] {
        storage.write(key, trial.value(2), expiry);
        let answer = storage.touch(key, Some(trial.short()));
        expect(
            answer,
            true,
            format_args!("`touch` of {} which is there", shown(key)),
        );
    }
    trial.let_short_pass();
    expect_held(
        &storage,
        to_long,
        Some(&trial.value(1)),
        "whose expiry was renewed for a day",
    );
    expect_held(
        &storage,
        to_short,
        None,
        "whose long expiry was replaced by a short one that ended",
    );
    expect_held(
        &storage,
        from_none,
        None,
        "without expiry, until a touch gave it a short one that ended",
    );
    storage.remove_many(&keys);
}

pub(super) fn a_touch_without_expiry_only_looks<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin::<2>();
    let [short, long] = &keys;
    storage.write(short, trial.value(1), Some(trial.short()));
    storage.touch(short, None);
    storage.write(long, trial.value(2), Some(LONG));
    expect(
        storage.touch(long, None),
        true,
        format_args!("`touch` without an expiry of {}", shown(long)),
    );
    trial.let_short_pass();
    expect_held(
        &storage,
        short,
        None,
        "whose expiry ended, although a touch without expiry came before",
    );
    expect_held(
        &storage,
        long,
        Some(&trial.value(2)),
        "after a touch without expiry",
    );
    let gone = format!("`touch` without an expiry of {} whose expiry ended", shown(short));
    expect(storage.touch(short, None), false, gone);
    storage.remove_many(&keys);
}

pub(super) fn many_have_their_own_expiries<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin::<3>();
    let expiries = [Some(trial.short()), None, Some(LONG)];
    let entries = keys.iter().zip(expiries).enumerate();
    let entries = entries.map(|(number, (key, expiry))| (*key, trial.value(number), expiry));
    storage.write_many(entries.collect());
    trial.let_short_pass();
    expect_held(&storage, &keys[0], None, "of a `write_many`, whose expiry ended");
    for (number, key) in keys.iter().enumerate().skip(1) {
        let when = "of a `write_many` in which another one had a short expiry";
        expect_held(&storage, key, Some(&trial.value(number)), when);
    }
    storage.remove_many(&keys);
}

pub(super) fn a_touch_of_many_equals_one_by_one<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin::<3>();
    let [to_short, absent, to_long] = keys;
    storage.write(&to_short, trial.value(1), None);
    storage.write(&to_long, trial.value(2), Some(LONG));
    let renewals = [(to_short, trial.short()), (absent, LONG), (to_long, 2 * LONG)];
    let answers = vec![true, false, true];
    expect(
        storage.renew_many(&renewals),
        answers,
        "`renew_many` in the order of the keys",
    );
    expect_held(
        &storage,
        &absent,
        None,
        "touched among many although it was not there",
    );
    let none: [(&str, Duration); 0] = [];
    expect(storage.renew_many(&none), vec![], "`renew_many` of no keys");
    trial.let_short_pass();
    expect_held(
        &storage,
        &to_short,
        None,
        "touched among many, by an expiry that ended",
    );
    expect_held(
        &storage,
        &to_long,
        Some(&trial.value(2)),
        "touched among many, for two days",
    );
    let answers = storage.renew_many(&[(to_short, LONG), (to_long, LONG)]);
    expect(
        answers,
        vec![false, true],
        "`renew_many` of a key whose expiry ended, and of another",
    );
    storage.remove_many(&keys);
}

/// The remaining life of an entry is right, if the storage returns it. It may be rounded up.
pub(super) fn remaining_expiries<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, keys) = trial.begin::<3>();
    let [lasting, long, short] = keys;
    storage.write(&lasting, trial.value(1), None);
    storage.write(&long, trial.value(2), Some(LONG));
    storage.write(&short, trial.value(3), Some(trial.short()));
    trial.let_short_pass();
    let check = |[lasting, long, short]: [_; 3], operation| {
        let there = Some(Expiring {
            value: trial.value(1),
            remaining: None,
        });
        expect(
            lasting,
            there,
            format_args!("`{operation}` of {} without expiry", shown(&keys[0])),
        );
        expect(
            short,
            None,
            format_args!("`{operation}` of {} whose expiry ended", shown(&keys[2])),
        );
        let of = format!("`{operation}` of {} with an expiry of a day", shown(&keys[1]));
        let Some(Expiring { value, remaining }) = long else {
            panic!("{of}: nothing is there");
        };
        expect(value, trial.value(2), &of);
        // The suite takes less than half a day.
        let possible = LONG / 2..=LONG + trial.expiry_unit;
        let is_so = remaining.is_none_or(|remaining| possible.contains(&remaining));
        assert!(is_so, "{of}: {remaining:?} remains");
    };
    check(
        [&lasting, &long, &short].map(|key| storage.read_expiring(key)),
        "read_expiring",
    );
    let read = storage.read_many_expiring(&keys);
    let read = read
        .try_into()
        .unwrap_or_else(|read: Vec<_>| panic!("`read_many_expiring` of 3 keys: {read:?}"));
    check(read, "read_many_expiring");
    storage.remove_many(&keys);
}
