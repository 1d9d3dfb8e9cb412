//! Many calls at once.

use std::sync::Mutex;
use std::time::Duration;

use ring_cache_core::{Calls, ErrorKind, Lru, Map};

use crate::support::{Cache, Remote, call, fallible, never, ring};

#[test]
fn values_come_in_the_order_of_the_calls_and_only_misses_are_computed() {
    let (ring, lru, computed) = (ring(), Lru::new(100), Mutex::new(Vec::new()));
    let calls = |ids: &[u32]| {
        let calls = ids.iter().map(|&id| {
            let computed = &computed;
            call(ring, &lru, id, move || {
                computed.lock().unwrap().push(id);
                10 * id
            })
        });
        calls.collect::<Vec<_>>()
    };
    let took = || std::mem::take(&mut *computed.lock().unwrap());
    assert_eq!(calls(&[3, 1]).get_or_update_many(), [30, 10]);
    assert_eq!(took(), [3, 1]);
    assert_eq!(calls(&[5, 1, 4, 3, 2]).get_or_update_many(), [50, 10, 40, 30, 20]);
    assert_eq!(took(), [5, 4, 2]);
    assert_eq!(calls(&[2, 1]).update_many(), [20, 10]);
    assert_eq!(took(), [2, 1]);
    assert_eq!(calls(&[2, 9]).execute_many(), [20, 90]);
    assert_eq!(took(), [2, 9]);
    assert!(!lru.has(&calls(&[9])[0].key()));
    let stats = Cache::new(ring, &lru).stats::<u32>();
    assert_eq!((stats.hits, stats.misses, stats.stores), (2, 5, 7));
}

#[test]
fn equal_calls_are_computed_once() {
    let (ring, lru, runs) = (ring(), Lru::new(100), Mutex::new(0));
    let calls = || {
        [1_u32, 2, 1, 1, 2].map(|id| {
            let runs = &runs;
            call(ring, &lru, id, move || {
                *runs.lock().unwrap() += 1;
                (id, *runs.lock().unwrap())
            })
        })
    };
    assert_eq!(
        calls().get_or_update_many(),
        [(1, 1), (2, 2), (1, 1), (1, 1), (2, 2)]
    );
    assert_eq!(calls().update_many(), [(1, 3), (2, 4), (1, 3), (1, 3), (2, 4)]);
    assert_eq!(calls().get_or_update_many()[2], (1, 3));
}

#[test]
fn a_thousand_calls_with_many_duplicates_are_quick() {
    let (ring, lru) = (ring(), Lru::new(100_000));
    let calls = || (0..20_000).map(|number| call(ring, &lru, number / 2, move || number / 2));
    let began = std::time::Instant::now();
    let values = calls().get_or_update_many();
    assert!(values.iter().enumerate().all(|(n, value)| *value == n as u32 / 2));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn a_storage_is_read_once_and_written_once() {
    let (ring, remote) = (ring(), Remote::new());
    let calls = |ids: std::ops::Range<u32>| ids.map(|id| call(ring, &remote, id, move || id));
    assert_eq!(calls(0..5).get_or_update_many(), [0, 1, 2, 3, 4]);
    assert_eq!(remote.operations(), ["read_many", "write_many"]);
    assert_eq!(calls(3..7).get_or_update_many(), [3, 4, 5, 6]);
    assert_eq!(remote.operations(), ["read_many", "write_many"]);
    calls(0..7).get_or_update_many();
    assert_eq!(remote.operations(), ["read_many"]);
    calls(0..2).update_many();
    assert_eq!(remote.operations(), ["write_many"]);
    calls(0..2).get_many().unwrap();
    assert_eq!(remote.operations(), ["read_many"]);
    calls(0..2).set_many([1, 2]).unwrap();
    assert_eq!(remote.operations(), ["write_many"]);
    calls(0..2).delete_many().unwrap();
    assert_eq!(remote.operations(), ["remove_many"]);
    calls(0..2).execute_many();
    calls(0..2).key_many();
    assert_eq!(remote.operations(), [""; 0]);
}

#[test]
fn calls_over_several_storages_may_be_mixed() {
    let (ring, remotes) = (ring(), [Remote::new(), Remote::new(), Remote::new()]);
    let calls = || (0..9_u32).map(|id| call(ring, &remotes[id as usize % 3], id / 3, move || id));
    assert_eq!(calls().get_or_update_many(), (0..9).collect::<Vec<_>>());
    for remote in &remotes {
        assert_eq!(remote.operations(), ["read_many", "write_many"]);
        assert_eq!(remote.entries.lock().unwrap().len(), 3);
    }
    assert_eq!(calls().get_many().unwrap(), (0..9).map(Some).collect::<Vec<_>>());
    calls().set_many(100..109).unwrap();
    assert_eq!(calls().get_many().unwrap()[7], Some(107));
    calls().nth(4).unwrap().delete().unwrap();
    let deleted = calls().delete_many().unwrap();
    assert_eq!(deleted, (0..9).map(|id| id != 4).collect::<Vec<_>>());
}

#[test]
fn the_failure_of_one_storage_does_not_affect_the_others() {
    let (ring, remotes) = (ring(), [Remote::new(), Remote::new()]);
    let calls = || (0..4_u32).map(|id| call(ring, &remotes[id as usize % 2], id, move || id));
    calls().update_many();
    remotes[0].fail(&["write_many", "remove_many", "read_many"]);
    assert_eq!(calls().get_or_update_many(), [0, 1, 2, 3]);
    assert!(calls().set_many([10, 11, 12, 13]).is_err());
    assert_eq!(remotes[1].entries.lock().unwrap()["p:3"], 13);
    assert!(calls().delete_many().is_err());
    assert!(remotes[1].entries.lock().unwrap().is_empty());
    assert!(calls().get_many().is_err());
}

#[test]
fn set_many_with_unequal_lengths_stores_nothing() {
    let (ring, lru) = (ring(), Lru::new(10));
    let calls = || [1, 2].map(|id| call(ring, &lru, id, never));
    for values in [vec![], vec![1], vec![1, 2, 3]] {
        let error = calls().set_many(values.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Lengths);
        let number = values.len();
        assert!(
            error
                .to_string()
                .contains(&format!("2 calls but {number} values, so nothing was stored"))
        );
        assert!(lru.is_empty());
    }
    calls().set_many([1, 2]).unwrap();
    assert_eq!(calls().get_many(), [Some(1), Some(2)]);
}

#[test]
fn results_are_independent() {
    let (ring, lru) = (ring(), Lru::new(10));
    let calls = |ids: &[u32]| {
        let calls = ids.iter().map(|&id| {
            fallible(ring, &lru, id, move || match id % 2 {
                0 => Ok(id),
                _ => Err("odd"),
            })
        });
        calls.collect::<Vec<_>>()
    };
    let expected = [Ok(0), Err("odd"), Ok(2), Err("odd"), Ok(2), Err("odd")];
    assert_eq!(calls(&[0, 1, 2, 3, 2, 1]).get_or_update_many(), expected);
    assert_eq!(calls(&[0, 1, 2, 3, 2, 1]).update_many(), expected);
    assert_eq!(lru.len(), 2);
    assert_eq!(calls(&[0, 1, 2]).get_many(), [Some(0), None, Some(2)]);
    assert_eq!(calls(&[0, 1]).execute_many(), [Ok(0), Err("odd")]);
}

#[test]
fn the_other_verbs_answer_in_the_order_of_the_calls() {
    let (ring, map) = (ring(), Map::new());
    let calls = || [1, 2, 3].map(|id| call(ring, &map, id, never));
    call(ring, &map, 2, never).set(20);
    assert_eq!(calls().get_many(), [None, Some(20), None]);
    assert_eq!(calls().has_many(), [false, true, false]);
    assert_eq!(calls().touch_many(), [false, true, false]);
    assert_eq!(calls().key_many(), ["p:1", "p:2", "p:3"]);
    assert_eq!(calls().delete_many(), [false, true, false]);
    assert_eq!(calls().has_many(), [false; 3]);
    // Iterators, vectors and arrays; an empty one.
    assert_eq!(Vec::from(calls()).get_many(), [None; 3]);
    assert_eq!(calls().into_iter().skip(3).get_many(), []);
    assert_eq!(calls().into_iter().skip(3).get_or_update_many(), [0; 0]);
    calls().into_iter().skip(3).set_many([]).unwrap();
}

#[test]
fn a_refused_value_is_not_stored_in_bulk_either() {
    let (ring, lru) = (ring(), Lru::new(10));
    let calls = || [1_u32, 2, 2].map(|id| call(ring, &lru, id, move || id).unless(|value| *value == 2));
    assert_eq!(calls().get_or_update_many(), [1, 2, 2]);
    assert_eq!(calls().has_many(), [true, false, false]);
}
