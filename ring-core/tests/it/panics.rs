//! A panic in any call of user code: the cache stays consistent, and every value is dropped once.
//!
//! Each script runs repeatedly, with a panic at the first call into user code, at the second, and so on, until it
//! ends without one. After the panic it continues with the next step. There is one panic per run: a `Drop` that
//! panics while another panic unwinds aborts the process.

mod awaited;
mod blocking;
mod fuse;
mod waiting;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use ring_cache_core::clock::ManualClock;
use ring_cache_core::flights::Flights;
use ring_cache_core::storage::StorageBase;
use ring_cache_core::{Lru, Policy, Ring};

use fuse::{Fuse, FusedClock, Value, caught};

use crate::support::keep;

/// The longest time of one run, on any machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs `script` with a panic at the first call, at the second and so on, until it ends without one. Returns the
/// number of panics for each kind of code.
fn at_every_call(
    name: &'static str,
    script: impl Fn(&Arc<Fuse>) + Send + 'static,
) -> HashMap<&'static str, usize> {
    let (tell, told) = channel();
    let thread = std::thread::spawn(move || {
        for at in 1.. {
            let fuse = Fuse::new(at);
            script(&fuse);
            assert_eq!(
                fuse.alive(),
                0,
                "values that are left after call {at} panicked: {:?}",
                fuse.blown()
            );
            if tell.send(fuse.blown()).is_err() || fuse.blown().is_none() {
                return;
            }
        }
    });
    let (mut panics, mut at) = (HashMap::new(), 1);
    loop {
        match told.recv_timeout(LIMIT) {
            Ok(Some(code)) => *panics.entry(code).or_default() += 1,
            Ok(None) => break,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                panic!("{name}: with a panic at call {at} it did not end in {LIMIT:?}")
            }
        }
        at += 1;
    }
    if let Err(panic) = thread.join() {
        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
        panic!("{name}: with a panic at call {at}: {text}");
    }
    println!("{name}: {} calls, {panics:?}", at - 1);
    panics
}

/// The kinds of code that must have panicked; otherwise the script misses its purpose.
fn assert_all_of(panics: &HashMap<&'static str, usize>, codes: &[&str]) {
    for code in codes {
        assert!(panics.contains_key(code), "{code} never panicked: {panics:?}");
    }
}

/// A cache with three entries that evicts the least recently used one.
fn small_lru(policy: Policy, ring: &'static Ring, fuse: &Arc<Fuse>) -> (Arc<Lru<Value>>, ManualClock) {
    let clock = ManualClock::default();
    let builder = Lru::builder().capacity(3).policy(policy);
    let lru = builder.clock(FusedClock(clock.clone(), Arc::clone(fuse))).build();
    let lru = Arc::new(lru);
    fuse.live_in(&lru, ring);
    (lru, clock)
}

fn assert_whole(lru: &Lru<Value>) {
    #[cfg(feature = "testing")]
    lru.validate();
    assert!(lru.len() <= lru.capacity());
    assert_no_work(lru.flights());
}

fn assert_no_work<T>(flights: &Flights<T>) {
    assert_eq!(flights.under_way(), 0, "a call is still under way");
}

/// Every policy, with calls that join each other and calls that do not.
fn worlds() -> impl Iterator<Item = (Policy, &'static Ring)> {
    let policies = [Policy::LeastRecentlyUsed, Policy::ScanResistant];
    let rings = [true, false].map(|joins| keep(Ring::with_prefix("p").coalesce(joins)));
    policies
        .into_iter()
        .flat_map(move |policy| rings.map(|ring| (policy, ring)))
}

/// The stamps that may still be seen: for each key none older than the last one.
#[derive(Default)]
struct Seen(std::cell::RefCell<HashMap<u32, u64>>);

impl Seen {
    /// A value was returned. It must belong to its key, and not be older than the last delete.
    fn value(&self, id: u32, value: &Value) {
        let mut seen = self.0.borrow_mut();
        let least = seen.entry(id).or_default();
        assert_eq!(value.id, id, "the value of another key");
        assert!(
            value.stamp >= *least,
            "value {} of key {id} is older than {least}",
            value.stamp
        );
        *least = value.stamp;
    }

    fn stored(&self, id: u32, stamp: u64) {
        self.0.borrow_mut().insert(id, stamp);
    }

    /// The entry is gone: only values created from now on may be seen.
    fn gone(&self, id: u32, fuse: &Fuse) {
        self.stored(id, fuse.next_stamp());
    }
}

/// Runs one step, which may panic.
fn step(name: &str, run: impl FnOnce()) {
    // For the report of a failure in it.
    let shows = Shows(name);
    caught(run);
    std::mem::forget(shows);
}

struct Shows<'n>(&'n str);

impl Drop for Shows<'_> {
    fn drop(&mut self) {
        eprintln!("in the step: {}", self.0);
    }
}
