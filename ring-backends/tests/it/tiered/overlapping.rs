//! Overlapping operations with any outcome: afterwards the near value equals the far one, and lives no longer.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use ring_cache::Key;
use ring_cache::storage::{AsyncClear, AsyncStorage, Expiring, Storage};

use super::far::Far;
use super::{Numbers, Tier, key, tier, view};
use crate::blocking::{eventually, run};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Read,
    ReadMany,
    Write,
    WriteZero,
    WriteMany,
    Remove,
    RemoveMany,
    Contains,
    Renew,
    RenewMany,
    Clear,
    // Changes by others, which the far tier reports.
    SetElsewhere,
    RemovedElsewhere,
    Flushed,
    NotToldFor,
}

use Act::*;

const LOCAL: [Act; 11] = [
    Read, ReadMany, Write, WriteZero, WriteMany, Remove, RemoveMany, Contains, Renew, RenewMany, Clear,
];
const ELSEWHERE: [Act; 4] = [SetElsewhere, RemovedElsewhere, Flushed, NotToldFor];

impl Act {
    /// The request to the far tier.
    fn asked(self) -> &'static str {
        match self {
            Read | ReadMany => "read",
            Write | WriteZero | WriteMany => "write",
            Remove | RemoveMany => "remove",
            Contains => "contains",
            Renew | RenewMany => "renew",
            Clear => "clear",
            _ => unreachable!("not a request"),
        }
    }
}

/// The end of the held operation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Done,
    Failed,
    Dropped,
}

/// Where the entry is before.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Nowhere,
    Far,
    Both,
}

const MINUTE: Duration = Duration::from_secs(60);

async fn act(tier: &Tier, key: &Key, what: Act, value: u32) {
    let (view, expiry) = (view(tier), MINUTE * value);
    // Some are meant to fail.
    let _ = match what {
        Read => AsyncStorage::read(&view, key, None).await.map(|_| ()),
        ReadMany => AsyncStorage::read_many(&view, &[key, key], None)
            .await
            .map(|_| ()),
        Write => AsyncStorage::write(&view, key, value, Some(expiry), None).await,
        WriteZero => AsyncStorage::write(&view, key, value, Some(Duration::ZERO), None).await,
        WriteMany => AsyncStorage::write_many(&view, vec![(key, value, Some(expiry))], None).await,
        Remove => AsyncStorage::remove(&view, key, None).await.map(|_| ()),
        RemoveMany => AsyncStorage::remove_many(&view, &[key], None).await.map(|_| ()),
        Contains => AsyncStorage::contains(&view, key, None).await.map(|_| ()),
        Renew => AsyncStorage::renew(&view, key, expiry, None).await.map(|_| ()),
        RenewMany => AsyncStorage::renew_many(&view, &[(key, expiry)], None)
            .await
            .map(|_| ()),
        Clear => {
            let numbers = Numbers { tier: tier.clone() };
            let name = numbers.number_cache().name();
            AsyncClear::clear_ring(&view, name).await
        }
        SetElsewhere | RemovedElsewhere | Flushed | NotToldFor => {
            elsewhere(tier.far(), key, what, value);
            Ok(())
        }
    };
}

fn elsewhere(far: &Far, key: &Key, what: Act, value: u32) {
    let (map, observer) = (far.map(), far.observer());
    match what {
        SetElsewhere => {
            let Ok(()) = Storage::write(map, key, value.to_string().into(), Some(MINUTE * value), None);
            observer.changed(key.as_str());
        }
        RemovedElsewhere => {
            map.delete(key);
            observer.changed(key.as_str());
        }
        Flushed => {
            map.clear();
            observer.all_changed();
        }
        _ => {
            observer.ended();
            map.set(key, value.to_string().into());
            observer.began();
        }
    }
}

fn assert_agree(tier: &Tier, key: &Key, what: impl Fn() -> String) {
    let Ok(far) = Storage::read_expiring(tier.far().map(), key, None);
    let Ok(near) = Storage::read_expiring(tier.near(), key, None);
    let Some(near) = near else { return };
    let (near, near_left) = (near.value, near.remaining);
    let Some(Expiring {
        value: far,
        remaining: far_left,
    }) = far
    else {
        panic!("{near} is near, and nothing is far: {}", what());
    };
    assert_eq!(near.to_string().as_bytes(), far, "{}", what());
    let forever = Duration::MAX;
    let (near_left, far_left) = (near_left.unwrap_or(forever), far_left.unwrap_or(forever));
    assert!(
        // One is read a moment before the other.
        near_left <= far_left.saturating_add(MINUTE / 2),
        "{near_left:?}, not {far_left:?}: {}",
        what()
    );
}

async fn prepared(tells: bool, before: Before) -> (Tier, Key) {
    let far = if tells { Far::telling() } else { Far::new() };
    let tier = tier(&far);
    let key = key(&tier);
    act(&tier, &key, Contains, 0).await;
    if tells {
        far.observer().began();
    }
    if before != Before::Nowhere {
        let Ok(()) = Storage::write(far.map(), &key, b"1".to_vec(), Some(MINUTE), None);
    }
    if before == Before::Both {
        act(&tier, &key, Read, 0).await;
        assert_eq!(tier.near().get(&key), Some(1));
    }
    (tier, key)
}

/// Holds one operation before or after its effect, runs another, and then ends the first.
async fn overlap(tells: bool, before: Before, held: Act, done: &str, meanwhile: Act, end: End) {
    let (tier, key) = prepared(tells, before).await;
    let place = format!("{}{done}", held.asked());
    tier.far().hold(&place);
    let mut first = Box::pin(act(&tier, &key, held, 2));
    let asked = poll_fn(|context| Poll::Ready(first.as_mut().poll(context).is_pending())).await;
    act(&tier, &key, meanwhile, 3).await;
    if end == End::Failed {
        tier.far().fail(&place);
    }
    if end == End::Dropped {
        drop(first);
        tier.far().release();
    } else if asked {
        tier.far().release();
        first.await;
    }
    tier.far().recover();
    let what = || format!("{before:?}, {held:?}{done} while {meanwhile:?}, then {end:?}, tells: {tells}");
    assert_agree(&tier, &key, what);
    // Everything continues: a value found once is near.
    act(&tier, &key, Write, 9).await;
    act(&tier, &key, Read, 0).await;
    assert_eq!(tier.near().get(&key), Some(9), "{}", what());
}

/// Each combination has the time limit of `run`, so that a busy machine may take long for all of them.
fn overlap_all(tells: bool, others: &[Act]) {
    for before in [Before::Nowhere, Before::Far, Before::Both] {
        for held in LOCAL {
            for done in ["", " done"] {
                for meanwhile in others {
                    for end in [End::Done, End::Failed, End::Dropped] {
                        run(overlap(tells, before, held, done, *meanwhile, end));
                    }
                }
            }
        }
    }
}

#[test]
fn operations_of_ones_own() {
    overlap_all(false, &LOCAL);
}

#[test]
fn operations_of_ones_own_on_a_far_tier_that_tells() {
    overlap_all(true, &LOCAL);
}

#[test]
fn changes_elsewhere() {
    overlap_all(true, &ELSEWHERE);
}

/// The time of the far tier's answer counts.
#[test]
fn a_value_that_expires_in_flight_is_not_put_near() {
    let (tier, key) = run(prepared(false, Before::Nowhere));
    let Ok(()) = Storage::write(tier.far().map(), &key, b"1".to_vec(), Some(MINUTE / 600), None);
    run(async {
        let view = view(&tier);
        tier.far().hold("read done");
        let mut read = Box::pin(AsyncStorage::read(&view, &key, None));
        assert!(poll_fn(|context| Poll::Ready(read.as_mut().poll(context).is_pending())).await);
        eventually(|| !tier.far().map().has(&key)).await;
        tier.far().release();
        assert_eq!(read.await.unwrap(), Some(1));
        assert_eq!(tier.near().get(&key), None);
    });
}
