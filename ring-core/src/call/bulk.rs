//! Verbs of many calls at once: one operation for all calls that share a storage.
//!
//! A bulk call computes its own keys before it waits for other calls, so that two bulk calls with the same keys in
//! another order cannot deadlock.

pub(crate) mod awaited;
pub(crate) mod blocking;
pub(crate) mod concurrently;

use std::time::Duration;

use hashbrown::HashMap;

use super::BoundCall;
use super::context::{CallContext, Lookup, StorageError, StorageResult};
use super::fetch::Fetched;
use super::lease::LeasedFetch;
use crate::body::Bind;
use crate::error::{Error, Failure};
use crate::errors::FailureRules;
use crate::flights::{Invalidation, Leader};
use crate::freshness;
use crate::key::EncodedKey;
use crate::output::Output;
use crate::ring::Ring;
use crate::stats::cells::Counter;
use crate::storage::{Expiring, Store, View};
use crate::tag::Tag;
use crate::wait::{after, remaining};

/// A call without its body.
pub(crate) struct Keyed<R: Output, S> {
    /// Its index among all calls.
    pub(crate) place: usize,
    pub(crate) context: CallContext<R::Value, S>,
    pub(crate) key: EncodedKey,
}

/// Calls without their bodies.
type KeyedCalls<R, S> = Vec<Keyed<R, S>>;

/// Calls, and their bodies.
pub(crate) type Bulk<R, S, B> = (Vec<Keyed<R, S>>, Vec<B>);

/// Splits calls into keyed calls and their bodies.
pub(crate) fn take_apart<R, S, B, M>(calls: impl IntoIterator<Item = BoundCall<R, S, B, M>>) -> Bulk<R, S, B>
where
    R: Output,
    B: Bind,
{
    let calls = calls.into_iter().enumerate().map(|(place, call)| {
        let key = call.encoded_key();
        let keyed = Keyed {
            place,
            context: call.context,
            key,
        };
        (keyed, call.body)
    });
    calls.unzip()
}

/// The result of a computation: a value to store, or else the result of its call.
type Computed<R> = Result<<R as Output>::Value, <R as Output>::Out>;

/// Calls that share a storage; there is at least one.
struct Group<R: Output, S>(Vec<Keyed<R, S>>);

impl<R, S> Group<R, S>
where
    R: Output,
    S: View<R::Value>,
{
    fn context(&self) -> &CallContext<R::Value, S> {
        &self.0[0].context
    }

    fn storage(&self) -> &S::Storage {
        self.context().storage()
    }

    fn keys(&self) -> Vec<&EncodedKey> {
        self.0.iter().map(|call| &call.key).collect()
    }

    /// The part of an entry's life in which it is stale. All calls are of one ring.
    fn stale(&self) -> Duration {
        self.context().ring.stale
    }

    /// For each key, whether a found value is treated as absent. Read before the storage is.
    fn doubts(&self) -> Vec<bool> {
        let flights = self.context().flights();
        let calls = self.0.iter();
        calls
            .map(|call| call.context.is_in_doubt_in(flights, &call.key))
            .collect()
    }

    /// Ends the computations of all keys.
    fn invalidate(&self) -> Invalidation<'_> {
        for call in &self.0 {
            call.context.forget_error(call.key.hash_value());
        }
        let mut keys = self.0.iter().map(|call| call.key.clone());
        let context = self.context();
        context
            .flights()
            .invalidate_many(&mut keys, context.ring.write_timeout)
    }

    /// The keys of existing entries that expire.
    fn renewals(&self, there: &[bool]) -> Vec<(&EncodedKey, Duration)> {
        let calls = self.0.iter().zip(there).filter(|(_, there)| **there);
        calls
            .filter_map(|(call, _)| Some((&call.key, call.context.renewed_life()?)))
            .collect()
    }

    /// The tags that a change of these entries forgets.
    fn dependents(&self) -> Vec<Tag> {
        self.context().dependents(self.0.iter().map(|call| &call.key))
    }

    fn begin_lookups(&self) -> Vec<Lookup> {
        let flights = self.context().flights();
        let calls = self.0.iter();
        calls
            .map(|call| call.context.begin_expiring_lookup_in(flights, &call.key))
            .collect()
    }

    /// The results of look-ups, which began and ended together.
    fn finish_lookups(
        self,
        read: StorageResult<R::Value, S, Vec<Option<S::Stored>>>,
        lookups: Vec<Lookup>,
    ) -> Vec<Found<R, S>> {
        let context = self.context().clone();
        let used = context.used();
        // One look-up has many keys: its time is not that of each.
        self.finish(read, lookups, |call, held, lookup| {
            let context = &call.context;
            match context.finish_lookup_in_bulk(used, &call.key, held, lookup) {
                Ok(value) => (freshness::Lookup::Fresh(value), lookup),
                Err(lookup) => (freshness::Lookup::Absent, lookup),
            }
        })
    }

    /// [`finish_lookups`](Self::finish_lookups) of a ring that keeps stale entries.
    fn finish_expiring_lookups(self, read: ReadMany<R, S>, lookups: Vec<Lookup>) -> Vec<Found<R, S>> {
        self.finish(read, lookups, |call, found, lookup| {
            call.context.finish_expiring_lookup(&call.key, Ok(found), lookup)
        })
    }

    fn finish<T>(
        self,
        read: StorageResult<R::Value, S, Vec<Option<T>>>,
        lookups: Vec<Lookup>,
        finish: impl Fn(&Keyed<R, S>, Option<T>, Lookup) -> (freshness::Lookup<R::Value>, Lookup),
    ) -> Vec<Found<R, S>> {
        // Decoding must not use up the storage's deadline.
        let left = remaining(lookups.first().and_then(|lookup| lookup.until));
        let answered = read.is_ok();
        let found = self.context().count_errors(read).unwrap_or_default();
        let calls = self.0.into_iter().zip(lookups).zip(padded(found));
        let seen = calls.map(|((call, lookup), found)| {
            let epoch = if answered { lookup.epoch } else { None };
            match finish(&call, found, Lookup { epoch, ..lookup }) {
                (freshness::Lookup::Fresh(value), _) => Found::Fresh(call.place, value),
                (freshness::Lookup::Stale(value), lookup) => Found::Stale(call, value, lookup),
                (freshness::Lookup::Absent, lookup) => {
                    call.context.count(Counter::Miss);
                    Found::Absent(Pending { call, lookup, left })
                }
            }
        });
        seen.collect()
    }
}

/// The result of a read of many entries and their remaining lives.
type ReadMany<R, S> =
    StorageResult<<R as Output>::Value, S, Vec<Option<Expiring<<S as View<<R as Output>::Value>>::Stored>>>>;

/// The result of one call's look-up, with its index.
enum Found<R: Output, S> {
    Fresh(usize, R::Value),
    Stale(Keyed<R, S>, R::Value, Lookup),
    Absent(Pending<R, S>),
}

/// A storage that returns too few answers must not lose calls.
fn padded<T: Default>(answers: Vec<T>) -> impl Iterator<Item = T> {
    answers.into_iter().chain(std::iter::repeat_with(T::default))
}

/// Lets the views of calls on one storage share state.
fn bring_together<R, S>(calls: &mut [Keyed<R, S>])
where
    R: Output,
    S: View<R::Value>,
{
    let calls_and_views: Vec<_> = calls.iter().map(|call| (&call.key, &call.context.view)).collect();
    if let Some(view) = S::together(&calls_and_views) {
        calls.iter_mut().for_each(|call| call.context.view = view.clone());
    }
}

fn by_storage<R, S>(calls: Vec<Keyed<R, S>>) -> Vec<Group<R, S>>
where
    R: Output,
    S: View<R::Value>,
{
    let groups = grouped(calls);
    for group in &groups {
        let flights = group.context().flights();
        let contexts = group.0.iter().map(|call| &call.context);
        contexts
            .filter(|context| !context.is_admitted_by(flights))
            .for_each(CallContext::count_conflict);
    }
    groups
}

fn grouped<R, S>(calls: Vec<Keyed<R, S>>) -> Vec<Group<R, S>>
where
    R: Output,
    S: View<R::Value>,
{
    let mut groups: Vec<Group<R, S>> = Vec::new();
    let mut known = HashMap::new();
    for call in calls {
        let last = groups.last_mut();
        // Mostly all calls have one storage: asking each for its flights would take as long as to find an entry in memory.
        if let Some(last) = last.filter(|last| std::ptr::eq(last.storage(), call.context.storage())) {
            last.0.push(call);
            continue;
        }
        let group = *known
            .entry(call.context.flights().address())
            .or_insert_with(|| groups.len());
        match groups.get_mut(group) {
            Some(group) => group.0.push(call),
            None => groups.push(Group(vec![call])),
        }
    }
    groups.iter_mut().for_each(|group| bring_together(&mut group.0));
    groups
}

/// The tags that the calls of an update on one storage forget, with the context of one call.
type Ends<R, S> = (CallContext<<R as Output>::Value, S>, Vec<Tag>);

/// The calls of an update.
struct Updates<R: Output, S> {
    pending: Vec<Pending<R, S>>,
    ends: Vec<Ends<R, S>>,
}

impl<R, S> Updates<R, S>
where
    R: Output,
    S: View<R::Value>,
{
    fn new(groups: Vec<Group<R, S>>) -> Self {
        let ends = groups
            .iter()
            .map(|group| (group.context().clone(), group.dependents()));
        let ends = ends.filter(|(_, dependents)| !dependents.is_empty()).collect();
        let calls = groups.into_iter().flat_map(|group| group.0);
        Updates {
            ends,
            pending: calls.map(Pending::update).collect(),
        }
    }
}

/// Calls whose entries expire, and calls whose entries do not.
fn by_expiry<R: Output, S>(calls: KeyedCalls<R, S>) -> (KeyedCalls<R, S>, KeyedCalls<R, S>) {
    calls.into_iter().partition(|call| call.context.expiry.is_some())
}

/// The answers of storages, for sorting into the order of the calls.
struct Gathered<T, E> {
    ring: Option<&'static Ring>,
    answers: Vec<(usize, T)>,
    failure: Option<E>,
}

impl<T: Default, E: Failure> Gathered<T, E> {
    fn of<R: Output, S>(calls: &[Keyed<R, S>]) -> Self {
        Gathered {
            ring: calls.first().map(|call| call.context.ring),
            answers: Vec::with_capacity(calls.len()),
            failure: None,
        }
    }

    /// Adds the answers for a group. If one storage fails, the others are still read.
    fn add<R, S>(&mut self, group: &Group<R, S>, answers: Result<Vec<T>, E>)
    where
        R: Output,
        S: View<R::Value>,
    {
        match group.context().count_failure(answers) {
            Ok(answers) => {
                let places = group.0.iter().map(|call| call.place);
                self.answers.extend(places.zip(padded(answers)));
            }
            Err(error) => self.failure = self.failure.take().or(Some(error)),
        }
    }

    fn finish(mut self) -> E::Outcome<Vec<T>> {
        self.answers.sort_unstable_by_key(|(place, _)| *place);
        let answers = self.answers.into_iter().map(|(_, answer)| answer);
        let result = self.failure.map_or_else(|| Ok(answers.collect()), Err);
        Failure::outcome(result, self.ring.map_or("", |ring| ring.name().as_str()))
    }
}

/// The values found by the look-ups of a group, without those in doubt.
fn decoded<R, S>(group: &Group<R, S>, held: Vec<Option<S::Stored>>, doubts: &[bool]) -> Vec<Option<R::Value>>
where
    R: Output,
    S: View<R::Value>,
{
    let calls = group.0.iter().zip(padded(held)).zip(doubts);
    calls
        .map(|((call, held), in_doubt)| call.context.decode_counted(&call.key, held.filter(|_| !in_doubt)))
        .collect()
}

/// The results of a group's look-ups, fresh or stale, without those in doubt.
fn classified<R, S>(
    group: &Group<R, S>,
    found: Vec<Option<Expiring<S::Stored>>>,
    doubts: &[bool],
) -> Vec<freshness::Lookup<R::Value>>
where
    R: Output,
    S: View<R::Value>,
{
    let calls = group.0.iter().zip(padded(found)).zip(doubts);
    calls
        .map(|((call, found), in_doubt)| {
            call.context
                .classify_counted(&call.key, found.filter(|_| !in_doubt))
        })
        .collect()
}

/// Puts the answers for existing entries at the positions of these entries.
fn in_places(there: &[bool], answers: Vec<bool>) -> Vec<bool> {
    let mut answers = answers.into_iter();
    let there = there.iter();
    there
        .map(|there| *there && answers.next().unwrap_or(false))
        .collect()
}

/// The answers of a group, without those in doubt.
fn trusted(there: Vec<bool>, doubts: &[bool]) -> Vec<bool> {
    let there = padded(there).zip(doubts);
    there.map(|(there, in_doubt)| there && !in_doubt).collect()
}

/// The writes of [`Calls::set_many`](crate::Calls::set_many) on one storage.
struct SetGroup<'c, R: Output, S: View<R::Value>> {
    contexts: Vec<&'c CallContext<R::Value, S>>,
    stores: Vec<Store<'c, S::Storage, S::Stored>>,
    failure: Option<Error>,
}

impl<'c, R, S> SetGroup<'c, R, S>
where
    R: Output,
    S: View<R::Value>,
{
    /// Begins the writes, each with its value from the list for all calls.
    fn begin(group: &'c Group<R, S>, values: &mut [Option<R::Value>]) -> Self {
        let mut writes = SetGroup {
            contexts: Vec::new(),
            stores: Vec::new(),
            failure: None,
        };
        for call in &group.0 {
            let Some(value) = values[call.place].take() else {
                continue;
            };
            let set = call.context.begin_set(call.key.clone(), value);
            if let Some(error) = set.error {
                call.context.failed(&error);
                writes.failure = writes.failure.or(Some(error));
            }
            if let Some(store) = set.store {
                writes.contexts.push(&call.context);
                writes.stores.push(store);
            }
        }
        writes
    }

    fn finish(self, stored: &[bool], failure: Option<StorageError<R::Value, S>>) -> Option<Error> {
        count_stores(&self.contexts, stored, failure.as_ref());
        self.failure.or(failure.map(Into::into))
    }
}

/// Counts the results of writes. After a failure, each write that did not store counts as an error.
fn count_stores<V, S: View<V>>(
    contexts: &[&CallContext<V, S>],
    stored: &[bool],
    failure: Option<&StorageError<V, S>>,
) {
    for (context, stored) in contexts.iter().zip(stored) {
        context.count_store(*stored, failure.filter(|_| !*stored));
    }
}

/// The result of [`Calls::set_many`](crate::Calls::set_many).
fn set_outcome(ring: Option<&Ring>, failure: Option<Error>) -> Result<(), Error> {
    match (failure, ring) {
        (None, _) => Ok(()),
        (Some(error), Some(ring)) => Err(error.of_ring(ring.name().as_str())),
        (Some(error), None) => Err(error),
    }
}

/// A call whose value is to be computed.
pub(crate) struct Pending<R: Output, S> {
    call: Keyed<R, S>,
    lookup: Lookup,
    /// The rest of the storage's deadline. Bodies of other calls do not use it up.
    left: Option<Duration>,
}

impl<R, S> Pending<R, S>
where
    R: Output,
    S: View<R::Value>,
{
    /// An update: a call that replaces any entry.
    fn update(call: Keyed<R, S>) -> Self {
        let context = call.context.update();
        Pending {
            call: Keyed { context, ..call },
            lookup: Lookup::default(),
            left: None,
        }
    }

    fn context(&self) -> &CallContext<R::Value, S> {
        &self.call.context
    }

    fn fetch(&self) -> LeasedFetch<'_, R::Value, S> {
        // With leases each call has its own requests, with their deadlines.
        let has_requests = self.context().has_leases() && self.lookup.epoch.is_some();
        let left = if has_requests {
            self.context().deadline()
        } else {
            self.left
        };
        let lookup = Lookup {
            until: after(left),
            ..self.lookup
        };
        LeasedFetch::new(self.context(), self.call.key.clone(), lookup)
    }

    /// The right to compute without the cache.
    fn lead_alone(&self) -> Fetched<'_, R::Value, S::Stored> {
        let leader = self.context().typed_flights().lead_alone(self.call.key.clone());
        Fetched::Lead(leader, self.left)
    }

    /// Continues with the result of the leader's body.
    fn computed<'c, B, F: FailureRules<R::Out>>(
        &'c self,
        leader: Leader<'c, S::Stored>,
        left: Option<Duration>,
        out: R::Out,
        failures: Option<F>,
    ) -> Progress<'c, R, S, B> {
        match R::value(out) {
            Ok(value) => match self.context().begin_bulk_store(leader, &value, left) {
                Some(store) => Progress::Store(value, store),
                None => Progress::Ended(Ok(value)),
            },
            Err(out) => {
                self.context().count_refused::<R>();
                self.context().remember(failures, leader.key(), &out);
                leader.fail();
                Progress::Ended(Err(out))
            }
        }
    }

    /// The value computed by an equal call, if it can be shared.
    fn share(&self, computed: Option<&Computed<R>>) -> Option<R::Value> {
        let key = &self.call.key;
        let held = self.context().share(key, computed?.as_ref().ok()?)?;
        self.context().take(key, held)
    }
}

/// The progress of a pending call that does not wait for other calls.
enum Progress<'c, R: Output, S: View<R::Value>, B> {
    /// There is nothing to store.
    Ended(Computed<R>),
    /// The value is to be stored.
    Store(R::Value, Store<'c, S::Storage, S::Stored>),
    /// Another call computes.
    Wait(LeasedFetch<'c, R::Value, S>, B),
}

/// Pending calls and their results.
struct Computation<'c, R: Output, S: View<R::Value>, B> {
    pending: &'c [Pending<R, S>],
    /// By the indices of all calls.
    ended: Vec<Option<Computed<R>>>,
    stores: Vec<(usize, StoreOf<'c, R::Value, S>)>,
    waiting: Vec<(usize, LeasedFetch<'c, R::Value, S>, B)>,
}

/// A pending call with its index, and its body.
type Numbered<B> = (usize, B);

/// A pending call that equals an earlier one, and the index of that.
type Equal<B> = (Numbered<B>, usize);

/// The write of a value on the storage of a view.
type StoreOf<'c, V, S> = Store<'c, <S as View<V>>::Storage, <S as View<V>>::Stored>;

impl<'c, R, S, B> Computation<'c, R, S, B>
where
    R: Output,
    S: View<R::Value>,
{
    fn new(pending: &'c [Pending<R, S>], ended: Vec<Option<Computed<R>>>) -> Self {
        Computation {
            pending,
            ended,
            stores: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Splits the calls: those to compute, and those that equal an earlier one, with its index.
    fn split_equals(&self, bodies: &mut [Option<B>]) -> (Vec<Numbered<B>>, Vec<Equal<B>>) {
        let mut known = HashMap::with_capacity(self.pending.len());
        let (mut first, mut equals) = (Vec::new(), Vec::new());
        for (number, pending) in self.pending.iter().enumerate() {
            let place = pending.call.place;
            let Some(body) = bodies[place].take() else {
                continue;
            };
            let identity = (pending.context().flights().address(), &pending.call.key);
            let first_place = *known.entry(identity).or_insert(place);
            if first_place == place {
                first.push((number, body));
            } else {
                equals.push(((number, body), first_place));
            }
        }
        (first, equals)
    }

    fn end(&mut self, number: usize, computed: Computed<R>) {
        self.ended[self.pending[number].call.place] = Some(computed);
    }

    fn add(&mut self, number: usize, progress: Progress<'c, R, S, B>) {
        match progress {
            Progress::Ended(computed) => self.end(number, computed),
            Progress::Store(value, store) => {
                self.end(number, Ok(value));
                self.stores.push((number, store));
            }
            Progress::Wait(fetch, body) => self.waiting.push((number, fetch, body)),
        }
    }

    /// Takes the stores, grouped by storage, with the contexts of their calls.
    fn take_stores(&mut self) -> Vec<StoreGroup<'c, R::Value, S>> {
        let mut groups: Vec<(usize, StoreGroup<'c, R::Value, S>)> = Vec::new();
        for (number, store) in std::mem::take(&mut self.stores) {
            let context = self.pending[number].context();
            let storage = context.flights().address();
            let known = groups.iter().position(|(known, _)| *known == storage);
            let group = known.unwrap_or_else(|| {
                groups.push((storage, (Vec::new(), Vec::new())));
                groups.len() - 1
            });
            let (_, (contexts, stores)) = &mut groups[group];
            contexts.push(context);
            stores.push(store);
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// Takes the calls that wait for other calls. All together wait no longer than one.
    fn take_waiting(&mut self) -> Vec<(usize, LeasedFetch<'c, R::Value, S>, B)> {
        let mut waiting = std::mem::take(&mut self.waiting);
        for (_, fetch, _) in &mut waiting {
            fetch.restart_wait();
        }
        waiting
    }

    /// Gives equal calls of this bulk call the computed value. Returns the calls that still have to compute.
    fn take_equals(&mut self, equals: Vec<Equal<B>>) -> Vec<Numbered<B>> {
        let mut without = Vec::new();
        for ((number, body), first) in equals {
            match self.pending[number].share(self.ended[first].as_ref()) {
                Some(value) => self.end(number, Ok(value)),
                // An error is not shared.
                None => without.push((number, body)),
            }
        }
        without
    }

    fn finish(self) -> Vec<R::Out> {
        let ended = self.ended.into_iter().flatten();
        ended
            .map(|computed| computed.map_or_else(|out| out, R::found))
            .collect()
    }
}

/// Stores of one storage, and the contexts of their calls.
type StoreGroup<'c, V, S> = (Vec<&'c CallContext<V, S>>, Vec<StoreOf<'c, V, S>>);
