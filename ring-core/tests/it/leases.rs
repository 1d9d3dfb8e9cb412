//! Leases on a simulated server that several processes share: a process is a storage with its own flights.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use ring_cache_core::flights::Flights;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{
    Acquired, AfterWrite, Expiring, InMemory, LeaseRequest, LeaseToken, Leases, Storage, StorageBase,
    YieldsTo, is_leased,
};
use ring_cache_core::{Error, Ring, RingKey};

use crate::support::{
    Cache, Gate, Held, Random, assert_quiet, async_call, async_fallible, call, drive, hold, keep, never,
    simple_base, text,
};

/// The outcome of a request.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Line {
    #[default]
    Works,
    /// The request is executed, and the answer is lost.
    LosesAnswers,
    LosesRequests,
}

#[derive(Default)]
struct Server {
    entries: HashMap<String, u32>,
    leases: HashMap<String, LeaseToken>,
    /// The requests for leases.
    asked: usize,
}

/// One process.
#[derive(Default)]
struct Process {
    server: Arc<Mutex<Server>>,
    line: Mutex<Line>,
    flights: Flights<u32>,
}

impl Process {
    /// Another process on the same server.
    fn beside(&self) -> Self {
        Process {
            server: Arc::clone(&self.server),
            ..Process::default()
        }
    }

    fn set(&self, line: Line) {
        *self.line.lock().unwrap() = line;
    }

    fn ask<T>(&self, operation: &'static str, request: impl FnOnce(&mut Server) -> T) -> Result<T, Error> {
        let line = *self.line.lock().unwrap();
        let lost = || Error::storage("simulated", operation, "the line is down");
        if line == Line::LosesRequests {
            return Err(lost());
        }
        let answer = request(&mut self.server.lock().unwrap());
        if line == Line::LosesAnswers {
            return Err(lost());
        }
        Ok(answer)
    }

    fn change<K: RingKey + ?Sized, T>(
        &self,
        operation: &'static str,
        key: &K,
        request: impl FnOnce(&mut HashMap<String, u32>, String) -> T,
    ) -> Result<T, Error> {
        let (is_leased, key) = (is_leased(key), text(key));
        self.ask(operation, |server| {
            if is_leased {
                server.leases.remove(&key);
            }
            request(&mut server.entries, key)
        })
    }

    fn entry(&self) -> Option<u32> {
        let server = self.server.lock().unwrap();
        assert!(server.entries.len() < 2, "there is one key");
        server.entries.values().next().copied()
    }

    fn leases(&self) -> usize {
        self.server.lock().unwrap().leases.len()
    }
}

impl Leases for Process {
    fn release(&self, key: &EncodedKey, token: LeaseToken) {
        let key = text(key);
        let released = self.ask("release", |server| {
            if server.leases.get(&key) == Some(&token) {
                server.leases.remove(&key);
            }
        });
        // Without an answer the lease ends by itself.
        drop(released);
    }
}

impl StorageBase<u32> for Process {
    type Error = Error;

    simple_base!(namespace stored_key deadline eviction_counts watch mark_suspect);

    fn flights(&self) -> &Flights<u32> {
        &self.flights
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }
}

impl InMemory for Process {}

impl Storage<u32> for Process {
    fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<u32>, Error> {
        self.ask("get", |server| server.entries.get(&text(key)).copied())
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: u32,
        _: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        self.change("set", key, |entries, key| _ = entries.insert(key, value))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        self.change("delete", key, |entries, key| entries.remove(&key).is_some())
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        self.read(key, until).map(|found| found.is_some())
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        self.contains(key, until)
    }

    fn acquire<K: RingKey + ?Sized>(
        &self,
        key: &K,
        request: LeaseRequest,
        _: Option<Instant>,
    ) -> Result<Acquired<u32>, Error> {
        let key = text(key);
        self.ask("lease", |server| {
            server.asked += 1;
            let found = server.entries.get(&key);
            if let (YieldsTo::Entry(_), Some(value)) = (request.yields_to, found) {
                return Acquired::Found(Expiring {
                    value: *value,
                    remaining: None,
                });
            }
            let held = server.leases.get(&key);
            let is_free = held.is_none_or(|held| *held == request.token);
            if !is_free && request.yields_to != YieldsTo::Nothing {
                return Acquired::Busy;
            }
            server.leases.insert(key, request.token);
            Acquired::Won(request.token)
        })
    }

    fn write_leased<K: RingKey>(
        &self,
        entries: Vec<(K, u32, Option<Duration>, LeaseToken)>,
        after: AfterWrite,
        _: Option<Instant>,
    ) -> Result<Vec<bool>, Error> {
        self.ask("set", |server| {
            let entries = entries.into_iter();
            entries
                .map(|(key, value, _, token)| {
                    let key = text(&key);
                    let is_leased = server.leases.get(&key) == Some(&token);
                    if is_leased {
                        if after == AfterWrite::EndLease {
                            server.leases.remove(&key);
                        }
                        server.entries.insert(key, value);
                    }
                    is_leased
                })
                .collect()
        })
    }
}

/// A ring whose leases a test ends.
fn leased() -> &'static Ring {
    let ring = Ring::with_prefix("leased").lease(Duration::from_secs(3600));
    keep(ring.flight_timeout(Duration::from_secs(3600)))
}

#[test]
fn a_value_is_stored_under_a_lease_that_ends_with_it() {
    let (ring, process) = (leased(), Process::default());
    let body = || {
        assert_eq!(process.leases(), 1);
        7
    };
    assert_eq!(call(ring, &process, 1, body).get_or_update(), 7);
    assert_eq!((process.entry(), process.leases()), (Some(7), 0));
    assert_eq!(call(ring, &process, 1, never).get_or_update(), 7);
    assert_eq!(process.server.lock().unwrap().asked, 1, "a hit asks for nothing");
    assert_quiet(&process);
}

#[test]
fn a_lease_whose_answer_was_lost_is_a_lease() {
    let (ring, process) = (leased(), Process::default());
    process.set(Line::LosesAnswers);
    let body = || {
        process.set(Line::Works);
        7
    };
    assert_eq!(call(ring, &process, 1, body).get_or_update(), 7);
    assert_eq!((process.entry(), process.leases()), (Some(7), 0));
}

#[test]
fn what_was_computed_without_a_lease_is_not_stored() {
    let (ring, process) = (leased(), Process::default());
    process.set(Line::LosesRequests);
    let body = || {
        process.set(Line::Works);
        7
    };
    assert_eq!(call(ring, &process, 1, body).get_or_update(), 7);
    assert_eq!(process.entry(), None);
    assert_eq!(call(ring, &process, 1, || 8).update(), 8);
    assert_eq!(process.entry(), Some(8));
}

#[test]
fn an_update_without_a_lease_leaves_no_older_value() {
    let (ring, process) = (leased(), Process::default());
    call(ring, &process, 1, never).set(1).unwrap();
    process.set(Line::LosesRequests);
    let body = || {
        process.set(Line::Works);
        7
    };
    assert_eq!(call(ring, &process, 1, body).update(), 7);
    assert_eq!(process.entry(), None);
}

/// Calls that waited for a failed call compute for themselves: they wait neither for each other nor for another process.
#[test]
fn after_an_error_no_call_waits_for_a_lease() {
    let (ring, process) = (leased(), Process::default());
    let (other, gate) = (process.beside(), Gate::default());
    let failing = |process| {
        hold(
            async_fallible(ring, process, 1, || async {
                gate.pass().await;
                Err::<u32, _>("down")
            })
            .get_or_update(),
        )
    };
    let mut calls = [(); 3].map(|()| failing(&process));
    for call in &mut calls {
        assert!(drive(call).is_pending(), "one computes, two wait");
    }
    process.server.lock().unwrap().leases.clear();
    let mut elsewhere = failing(&other);
    assert!(drive(&mut elsewhere).is_pending() && process.leases() == 1);
    gate.open(4);
    for call in &mut calls {
        assert!(matches!(drive(call), Poll::Ready(Err("down"))));
    }
    drop(elsewhere);
    assert_eq!(process.leases(), 0, "released by the call that was cancelled");
}

#[test]
fn a_storage_that_does_not_forward_its_leases_is_noticed() {
    /// A wrapper of a storage that does not forward the operations of leases.
    #[derive(Default)]
    struct Forgetful(Process);

    impl StorageBase<u32> for Forgetful {
        type Error = Error;

        simple_base!(namespace stored_key deadline eviction_counts watch mark_suspect);

        fn flights(&self) -> &Flights<u32> {
            &self.0.flights
        }
    }

    impl Storage<u32> for Forgetful {
        fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<u32>, Error> {
            Storage::read(&self.0, key, until)
        }

        fn write<K: RingKey + ?Sized>(
            &self,
            key: &K,
            value: u32,
            expiry: Option<Duration>,
            until: Option<Instant>,
        ) -> Result<(), Error> {
            Storage::write(&self.0, key, value, expiry, until)
        }

        fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
            Storage::remove(&self.0, key, until)
        }

        fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
            Storage::contains(&self.0, key, until)
        }

        fn renew<K: RingKey + ?Sized>(
            &self,
            key: &K,
            expiry: Duration,
            until: Option<Instant>,
        ) -> Result<bool, Error> {
            Storage::renew(&self.0, key, expiry, until)
        }
    }

    let (ring, storage) = (leased(), Forgetful::default());
    assert_eq!(call(ring, &storage, 1, || 7).get_or_update(), 7);
    assert_eq!(
        call(ring, &storage, 1, never).get_or_update(),
        7,
        "stored as without a lease"
    );
    assert!(Cache::new(ring, &storage).stats::<u32>().errors > 0);
}

/// For any operations of three processes and any lost answers: a stored value is at least as new as the last acknowledged
/// delete.
#[test]
fn no_interleaving_stores_what_a_delete_made_out_of_date() {
    for seed in 0..3_000 {
        interleave(&mut Random::seeded(seed));
    }
}

fn interleave(random: &mut Random) {
    let (ring, truth) = (leased(), Mutex::new(0));
    let first = Process::default();
    let processes = [first.beside(), first.beside(), first];
    let gate = Gate::default();
    let mut acknowledged = 0;
    {
        let mut computing: Vec<Held<'_, u32>> = Vec::new();
        for _ in 0..40 {
            let process = &processes[usize::try_from(random.below(3)).unwrap()];
            let body = || async {
                let value = *truth.lock().unwrap();
                gate.pass().await;
                value
            };
            match random.below(8) {
                0 | 1 => computing.push(hold(async_call(ring, process, 1, body).get_or_update())),
                2 => computing.push(hold(async_call(ring, process, 1, body).update())),
                3 => gate.open(1),
                4 => {
                    let value = {
                        let mut truth = truth.lock().unwrap();
                        *truth += 1;
                        *truth
                    };
                    if call(ring, process, 1, never).delete().is_ok() {
                        acknowledged = value;
                    }
                }
                // A lease ends by itself.
                5 => process.server.lock().unwrap().leases.clear(),
                // A call is cancelled.
                6 if !computing.is_empty() => {
                    let place = usize::try_from(random.below(computing.len() as u64)).unwrap();
                    drop(computing.swap_remove(place));
                }
                _ => {
                    let lines = [Line::Works, Line::Works, Line::LosesAnswers, Line::LosesRequests];
                    process.set(lines[usize::try_from(random.below(4)).unwrap()]);
                }
            }
            computing.retain_mut(|call| drive(call).is_pending());
            let stored = processes[0].entry();
            assert!(
                stored.is_none_or(|stored| stored >= acknowledged),
                "{stored:?} after {acknowledged}"
            );
        }
        processes.iter().for_each(|process| process.set(Line::Works));
    }
    processes.iter().for_each(assert_quiet);
}
