//! Processes on one server with leases: each has flights of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use ring_cache_core::flights::Flights;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{
    Acquired, AfterWrite, AsyncClear, AsyncStorage, ChangeObserver, Clear, EvictionCounts, Expiring,
    InMemory, LeaseRequest, LeaseToken, Leases, Storage, StorageBase, YieldsTo, is_leased,
};
use ring_cache_core::{Error, Key, Name, RingKey};

use crate::world::{any, others_may_run, pause};

fn text<K: RingKey + ?Sized>(key: &K) -> String {
    Key::of(key).to_string()
}

/// The life of a lease, in requests of others.
const PATIENCE: usize = 20;

/// What lies on the server.
#[derive(Default)]
struct State {
    entries: BTreeMap<String, u32>,
    leases: BTreeMap<String, LeaseToken>,
    /// The requests that found a lease of another since one was given.
    busy: usize,
    /// The tokens of leases under which a value was stored, and which ended with that.
    used: BTreeSet<u64>,
}

/// A server. Its lock is never contended.
#[derive(Default)]
pub(crate) struct Server {
    state: Mutex<State>,
    /// The number of requests that it may still lose, before or after their effect.
    faults: AtomicUsize,
    leases_end: AtomicBool,
}

impl Server {
    /// From now on so many requests may fail, at any moment. A lease that was not given back ends by itself.
    pub(crate) fn may_fail(&self, times: usize) {
        self.faults.store(times, Ordering::SeqCst);
        self.leases_end.store(true, Ordering::SeqCst);
    }

    /// All leases end by themselves.
    pub(crate) fn end_leases(&self) {
        self.state.lock().leases.clear();
    }

    pub(crate) fn leases(&self) -> usize {
        self.state.lock().leases.len()
    }

    /// Whether a lease ends after some requests of others, in place of a clock.
    fn leases_end(&self) -> bool {
        self.leases_end.load(Ordering::SeqCst)
    }

    fn fails(&self) -> bool {
        let faults = self.faults.load(Ordering::SeqCst);
        let fails = faults > 0 && any(4) == 0;
        if fails {
            self.faults.store(faults - 1, Ordering::SeqCst);
        }
        fails
    }

    fn ask<T>(&self, operation: &'static str, effect: impl FnOnce(&mut State) -> T) -> Result<T, Error> {
        let lost = || Error::storage("modelled", operation, "the line is down");
        let (before, after) = (self.fails(), self.fails());
        if before {
            return Err(lost());
        }
        let answer = effect(&mut self.state.lock());
        if after { Err(lost()) } else { Ok(answer) }
    }
}

/// One process.
pub(crate) struct Process {
    server: Arc<Server>,
    flights: Flights<u32>,
}

impl Process {
    fn read(&self, key: &str) -> Result<Option<u32>, Error> {
        self.server.ask("get", |state| state.entries.get(key).copied())
    }

    /// Changes an entry. If its ring has leases, that of the entry ends.
    fn change<K: RingKey + ?Sized, T>(
        &self,
        key: &K,
        effect: impl FnOnce(&mut BTreeMap<String, u32>, String) -> T,
    ) -> Result<T, Error> {
        let key = is_leased(key).then(|| text(key)).expect("the ring has leases");
        self.server.ask("change", |state| {
            state.leases.remove(&key);
            effect(&mut state.entries, key)
        })
    }

    fn clear(&self, name: &Name) -> Result<(), Error> {
        let is_other = |key: &String| !key.starts_with(name.as_str());
        self.server.ask("clear", |state| {
            state.leases.retain(|key, _| is_other(key));
            state.entries.retain(|key, _| is_other(key));
        })
    }

    fn acquire(&self, key: String, request: LeaseRequest) -> Result<Acquired<u32>, Error> {
        self.server.ask("lease", |state| {
            if let Some(value) = state.entries.get(&key).copied()
                && request.yields_to_entry(None)
            {
                let remaining = None;
                return Acquired::Found(Expiring { value, remaining });
            }
            let is_free = state.leases.get(&key).is_none_or(|held| *held == request.token);
            let ends = self.server.leases_end() && state.busy > PATIENCE;
            if !is_free && request.yields_to != YieldsTo::Nothing && !ends {
                state.busy += 1;
                return Acquired::Busy;
            }
            state.busy = 0;
            state.leases.insert(key, request.token);
            Acquired::Won(request.token)
        })
    }

    fn write_leased<K: RingKey>(
        &self,
        entries: Vec<(K, u32, Option<Duration>, LeaseToken)>,
    ) -> Result<Vec<bool>, Error> {
        self.server.ask("set", |state| {
            let entries = entries.into_iter();
            entries
                .map(|(key, value, _, token)| {
                    let key = text(&key);
                    let is_leased = state.leases.get(&key) == Some(&token);
                    if is_leased {
                        state.leases.remove(&key);
                        state.entries.insert(key, value);
                        assert!(state.used.insert(token.number()), "one value under one lease");
                    }
                    is_leased
                })
                .collect()
        })
    }
}

/// The processes of a scenario.
#[derive(Clone)]
pub(crate) struct Processes<P> {
    pub(crate) server: Arc<Server>,
    pub(crate) all: Vec<P>,
}

impl<P: From<Arc<Process>>> Processes<P> {
    pub(crate) fn new(count: usize) -> Self {
        let server = Arc::<Server>::default();
        let process = |_| {
            P::from(Arc::new(Process {
                server: Arc::clone(&server),
                flights: Flights::default(),
            }))
        };
        Processes {
            all: (0..count).map(process).collect(),
            server,
        }
    }
}

macro_rules! a_process {
    ($Process:ident) => {
        impl From<Arc<Process>> for $Process {
            fn from(process: Arc<Process>) -> Self {
                $Process(process)
            }
        }

        impl Leases for $Process {
            fn release(&self, key: &EncodedKey, token: LeaseToken) {
                let key = text(key);
                let released = self.0.server.ask("release", |state| {
                    if state.leases.get(&key) == Some(&token) {
                        state.leases.remove(&key);
                    }
                });
                // Without an answer the lease ends by itself.
                drop(released);
            }
        }

        impl StorageBase<u32> for $Process {
            type Error = Error;

            fn flights(&self) -> &Flights<u32> {
                &self.0.flights
            }

            fn namespace(&self) -> &str {
                ""
            }

            fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
                text(key)
            }

            fn deadline(&self) -> Option<Duration> {
                None
            }

            fn eviction_counts(&self) -> EvictionCounts {
                EvictionCounts::default()
            }

            fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool {
                false
            }

            fn leases(&self) -> Option<&dyn Leases> {
                Some(self)
            }

            fn mark_suspect(&self, _: &EncodedKey) {}
        }
    };
}

/// A process of threads and tasks. Others may run in its operations, before and after the effect.
#[derive(Clone)]
pub(crate) struct OfThreads(Arc<Process>);

/// A process of tasks, whose operations are awaited: there they can be dropped.
#[derive(Clone)]
pub(crate) struct OfTasks(Arc<Process>);

a_process!(OfThreads);
a_process!(OfTasks);

fn slowly<T>(effect: impl FnOnce() -> T) -> T {
    others_may_run();
    let result = effect();
    others_may_run();
    result
}

async fn awaited<T>(effect: impl FnOnce() -> T) -> T {
    pause().await;
    let result = effect();
    pause().await;
    result
}

impl InMemory for OfThreads {}

impl Storage<u32> for OfThreads {
    fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<u32>, Error> {
        slowly(|| self.0.read(&text(key)))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: u32,
        _: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        slowly(|| self.0.change(key, |entries, key| _ = entries.insert(key, value)))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        slowly(|| self.0.change(key, |entries, key| entries.remove(&key).is_some()))
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        slowly(|| self.0.read(&text(key)).map(|found| found.is_some()))
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        Storage::contains(self, key, until)
    }

    fn acquire<K: RingKey + ?Sized>(
        &self,
        key: &K,
        request: LeaseRequest,
        _: Option<Instant>,
    ) -> Result<Acquired<u32>, Error> {
        let answer = slowly(|| self.0.acquire(text(key), request));
        if let Ok(Acquired::Busy) = answer {
            // It asks again and again: a schedule of priorities lets the other process go on.
            shuttle::thread::yield_now();
        }
        answer
    }

    fn write_leased<K: RingKey>(
        &self,
        entries: Vec<(K, u32, Option<Duration>, LeaseToken)>,
        _: AfterWrite,
        _: Option<Instant>,
    ) -> Result<Vec<bool>, Error> {
        slowly(|| self.0.write_leased(entries))
    }
}

impl Clear<u32> for OfThreads {
    fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        slowly(|| self.0.clear(name))
    }
}

impl AsyncStorage<u32> for OfTasks {
    async fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<u32>, Error> {
        awaited(|| self.0.read(&text(key))).await
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: u32,
        _: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        awaited(|| self.0.change(key, |entries, key| _ = entries.insert(key, value))).await
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        awaited(|| self.0.change(key, |entries, key| entries.remove(&key).is_some())).await
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        awaited(|| self.0.read(&text(key)).map(|found| found.is_some())).await
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        self.contains(key, until).await
    }

    async fn acquire<K: RingKey + ?Sized>(
        &self,
        key: &K,
        request: LeaseRequest,
        _: Option<Instant>,
    ) -> Result<Acquired<u32>, Error> {
        let answer = awaited(|| self.0.acquire(text(key), request)).await;
        if let Ok(Acquired::Busy) = answer {
            shuttle::future::yield_now().await;
        }
        answer
    }

    async fn write_leased<K: RingKey>(
        &self,
        entries: Vec<(K, u32, Option<Duration>, LeaseToken)>,
        _: AfterWrite,
        _: Option<Instant>,
    ) -> Result<Vec<bool>, Error> {
        awaited(|| self.0.write_leased(entries)).await
    }
}

impl AsyncClear<u32> for OfTasks {
    async fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        awaited(|| self.0.clear(name)).await
    }
}
