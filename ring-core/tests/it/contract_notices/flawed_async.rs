//! Awaited storages that fail if a future is dropped.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ring_cache_core::flights::Flights;
use ring_cache_core::storage::{AsyncClear, AsyncStorage, StorageBase};
use ring_cache_core::testing::contract;
use ring_cache_core::{Error, Name, RingKey};

use crate::support::{pause, simple_base, text};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// Answers come in the order of the requests. If a request was dropped, its answer goes to the next one.
    AnswersTheNext,
    /// Dropped operations are executed much later.
    WritesLate,
    RemovesLate,
    /// If the future is dropped, only the first of many entries is written, with half a value.
    WritesHalf,
}

/// The operation of a request on the entries.
type Request = Box<dyn FnOnce(&mut HashMap<String, u64>) -> Option<u64> + Send>;

#[derive(Default)]
struct Connection {
    entries: HashMap<String, u64>,
    /// Answers to the requests so far that no future took.
    answers: VecDeque<Option<u64>>,
    /// Operations that are executed after this many more requests.
    late: Vec<(usize, Request)>,
}

impl Connection {
    fn request(&mut self, request: Request) {
        for (left, late) in std::mem::take(&mut self.late) {
            match left {
                0 => _ = late(&mut self.entries),
                _ => self.late.push((left - 1, late)),
            }
        }
        let answer = request(&mut self.entries);
        self.answers.push_back(answer);
    }
}

struct Flawed {
    flaw: Flaw,
    connection: Mutex<Connection>,
    flights: Flights<u64>,
}

impl Flawed {
    fn new(flaw: Flaw) -> Self {
        Flawed {
            flaw,
            connection: Mutex::default(),
            flights: Flights::default(),
        }
    }

    /// Sends a request, and takes its answer when it comes.
    async fn ask(&self, request: Request) -> Result<Option<u64>, Error> {
        pause().await;
        let own = {
            let mut connection = self.connection.lock().unwrap();
            connection.request(request);
            match self.flaw {
                Flaw::AnswersTheNext => None,
                _ => connection.answers.pop_back(),
            }
        };
        pause().await;
        let taken = || self.connection.lock().unwrap().answers.pop_front();
        Ok(own.or_else(taken).flatten())
    }

    /// As [`ask`](Self::ask), but a dropped operation is executed later.
    async fn ask_late(
        &self,
        request: impl Fn(&mut HashMap<String, u64>) -> Option<u64> + Send + Sync + 'static,
    ) -> Result<Option<u64>, Error> {
        struct Later<'c>(&'c Mutex<Connection>, Option<Request>);

        impl Drop for Later<'_> {
            fn drop(&mut self) {
                let mut connection = self.0.lock().unwrap();
                connection.late.extend(self.1.take().map(|request| (1, request)));
            }
        }

        let request = Arc::new(request);
        let again = Arc::clone(&request);
        let mut later = Later(&self.connection, Some(Box::new(move |entries| again(entries))));
        pause().await;
        later.1 = None;
        self.ask(Box::new(move |entries| request(entries))).await
    }
}

impl StorageBase<u64> for Flawed {
    type Error = Error;

    simple_base!(namespace stored_key deadline eviction_counts watch mark_suspect);

    fn flights(&self) -> &Flights<u64> {
        &self.flights
    }
}

impl AsyncStorage<u64> for Flawed {
    async fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<u64>, Error> {
        let key = text(key);
        self.ask(Box::new(move |entries| entries.get(&key).copied()))
            .await
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: u64,
        _: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        let key = text(key);
        let write = move |entries: &mut HashMap<_, _>| entries.insert(key.clone(), value);
        match self.flaw {
            Flaw::WritesLate => self.ask_late(write).await?,
            Flaw::WritesHalf => {
                let half = (text("half"), value / 2);
                let halved = write.clone();
                self.ask(Box::new(move |entries| {
                    halved(entries);
                    entries.values_mut().for_each(|held| *held = half.1);
                    None
                }))
                .await?;
                self.ask(Box::new(write)).await?
            }
            _ => self.ask(Box::new(write)).await?,
        };
        Ok(())
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        let key = text(key);
        let remove = move |entries: &mut HashMap<_, _>| entries.remove(&key);
        let removed = match self.flaw {
            Flaw::RemovesLate => self.ask_late(remove).await?,
            _ => self.ask(Box::new(remove)).await?,
        };
        Ok(removed.is_some())
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        Ok(self.read(key, until).await?.is_some())
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        self.contains(key, until).await
    }
}

impl AsyncClear<u64> for Flawed {
    async fn clear_ring(&self, name: &'static Name) -> Result<(), Error> {
        let request = move |entries: &mut HashMap<String, u64>| {
            let with_colon = format!("{name}:");
            entries.retain(|text, _| text != name.as_str() && !text.starts_with(&with_colon));
            None
        };
        self.ask(Box::new(request)).await.map(drop)
    }
}

fn noticed_by(flaw: Flaw) -> Vec<&'static str> {
    let block_on = |future: Pin<Box<dyn Future<Output = ()> + '_>>| futures_executor::block_on(future);
    // Large enough that half a value is another value.
    let contract =
        contract::awaited(|| Flawed::new(flaw), block_on).values(|number| 1000 + u64::from(number));
    let breaches = contract.clears().breaches();
    breaches.into_iter().map(|breach| breach.case).collect()
}

#[track_caller]
fn assert_noticed(flaw: Flaw, expected: &[&str]) {
    let cases = noticed_by(flaw);
    for case in expected {
        assert!(cases.contains(case), "{case} is not among {cases:?}");
    }
}

#[test]
fn an_async_storage_without_a_flaw_passes() {
    assert_eq!(noticed_by(Flaw::None), [""; 0]);
}

#[test]
fn answers_for_a_future_that_was_dropped_go_to_the_next() {
    assert_noticed(Flaw::AnswersTheNext, &["a_dropped_read_answers_no_other_request"]);
}

#[test]
fn dropped_operations_are_executed_later() {
    assert_noticed(
        Flaw::WritesLate,
        &["a_dropped_write_is_done_or_not", "dropped_bulk_is_done_or_not"],
    );
    assert_noticed(Flaw::RemovesLate, &["a_dropped_remove_is_done_or_not"]);
}

#[test]
fn dropped_operations_are_half_executed() {
    assert_noticed(
        Flaw::WritesHalf,
        &["a_dropped_write_is_done_or_not", "a_dropped_call_leaves_nothing"],
    );
}
