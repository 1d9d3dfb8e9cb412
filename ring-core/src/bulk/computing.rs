//! Computing for many calls at once: one look-up and one store for all that share a storage.
//!
//! A call computes for its own tickets before it waits for others', so that two bulk calls with the same keys in
//! another order cannot wait for each other.

use std::pin::pin;
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use super::{Bulk, Group, by_storage};
use crate::concurrently::concurrently;
use crate::filling::{Begun, Computed, Filled};
use crate::flights::{Joined, Ticket, Waiter, leading, turns_at_once};
use crate::keeping::{Keeping, Seen, is_kept};
use crate::key::EncodedKey;
use crate::returned::Returned;
use crate::storage::{AnyView, AsyncStorage, AsyncView};
use crate::writing::Writing;

/// [`Calls::get_or_update_many`](crate::Calls::get_or_update_many), computing at most `limit` values at a time.
pub(crate) async fn get_or_update<R, S, B>(calls: Bulk<R, S, B>, limit: usize) -> Vec<R::Out>
where
    R: Returned,
    S: AsyncView<R::Value>,
    B: Future<Output = R::Out> + Unpin,
{
    let (keyed, bodies): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
    let mut bodies: Vec<_> = bodies.into_iter().map(Some).collect();
    let (mut outs, mut absent) = (Vec::with_capacity(bodies.len()), Vec::new());
    for group in by_storage(keyed) {
        let found = look_up(&group).await;
        for (call, found) in group.into_absent().zip(found) {
            match found {
                Ok(value) => outs.push((call.place, R::found(value))),
                Err(seen) => absent.extend(
                    bodies[call.place]
                        .take()
                        .map(|body| (Absent { seen, ..call }, body)),
                ),
            }
        }
    }
    outs.extend(compute(absent, limit).await);
    in_order(outs)
}

/// [`Calls::update_many`](crate::Calls::update_many), computing at most `limit` values at a time.
pub(crate) async fn update<R, S, B>(calls: Bulk<R, S, B>, limit: usize) -> Vec<R::Out>
where
    R: Returned,
    S: AsyncView<R::Value>,
    B: Future<Output = R::Out> + Unpin,
{
    let replacing = calls.into_iter().enumerate().map(|(place, (keyed, body))| {
        (
            Absent::<R, S>::new(place, keyed.keeping.replacing(), keyed.key),
            body,
        )
    });
    in_order(compute(replacing.collect(), limit).await)
}

fn in_order<O>(mut outs: Vec<(usize, O)>) -> Vec<O> {
    outs.sort_unstable_by_key(|(place, _)| *place);
    outs.into_iter().map(|(_, out)| out).collect()
}

/// The values of calls that share a storage, as far as they are there.
async fn look_up<R, S>(group: &Group<R, S>) -> Vec<Result<R::Value, Seen>>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let calls = group.keepings.iter().zip(&group.keys);
    let look_ups: Vec<_> = calls.map(|(keeping, key)| keeping.begin_look_up(key)).collect();
    let start = group.first().start();
    let read = group.first().storage().read_many(&group.keys).await;
    // To decode what was found is no work of the storage.
    let spent = start.elapsed();
    let Some(held) = group.first().ring.count_errors(read) else {
        let calls = group.keepings.iter().zip(look_ups);
        return calls
            .map(|(keeping, look_up)| Err(keeping.missed(look_up.unanswered())))
            .collect();
    };
    // A storage that answers too little is not to lose calls.
    let held = held.into_iter().chain(std::iter::repeat_with(|| None));
    let calls = group.keepings.iter().zip(held).zip(look_ups);
    calls
        .map(|((keeping, held), look_up)| {
            let found = keeping.found(Ok(held), look_up);
            found.map_err(|seen| keeping.missed(Seen { spent, ..seen }))
        })
        .collect()
}

/// A call whose value is to be computed.
pub(super) struct Absent<R: Returned, S> {
    /// Its place among all calls.
    place: usize,
    keeping: Keeping<R::Value, S>,
    key: EncodedKey,
    seen: Seen,
}

impl<R: Returned, S> Absent<R, S> {
    pub(super) fn new(place: usize, keeping: Keeping<R::Value, S>, key: EncodedKey) -> Self {
        Absent {
            place,
            keeping,
            key,
            seen: Seen::default(),
        }
    }
}

/// What became of a call at its turn.
enum Step<'f, R: Returned, T, B> {
    /// There is nothing to store.
    Done(Computed<R>),
    /// The value is to be stored.
    Store(Computed<R>, Filled<'f, T>),
    /// Another call outside computes.
    Wait(Waiter<'f, T>, B),
}

impl<R, S> Absent<R, S>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    /// Computes, unless another does.
    async fn step<B>(&self, body: B) -> Step<'_, R, S::Held, B>
    where
        B: Future<Output = R::Out> + Unpin,
    {
        let begun = match self.join() {
            Joined::Recursive => Begun::Aside,
            Joined::Wait(waiter) => return Step::Wait(waiter, body),
            Joined::Lead(ticket) => self.keeping.look_again_if_need_be(ticket, self.seen).await,
        };
        match begun {
            Begun::Found(value) => Step::Done(Ok(value)),
            Begun::Aside => Step::Done(R::value(body.await)),
            Begun::Lead(ticket) => match self.keeping.compute_ahead::<R, _>(ticket, body).await {
                (computed, Some(filled)) => Step::Store(computed, filled),
                (computed, None) => Step::Done(computed),
            },
        }
    }

    fn join(&self) -> Joined<'_, S::Held> {
        if self.keeping.replaces {
            Joined::Lead(self.keeping.begin_update(self.key.clone()))
        } else {
            self.keeping.admit_writing();
            self.keeping.join(self.key.clone())
        }
    }

    /// Waits for the outcome of another call, as long as one may that waits since `start`.
    async fn wait<B>(&self, waiter: Waiter<'_, S::Held>, start: Instant, body: B) -> R::Out
    where
        B: Future<Output = R::Out> + Unpin,
    {
        let timeout = self.keeping.ring.flight_timeout.saturating_sub(start.elapsed());
        let landed = waiter.wait(Keeping::<R::Value, S>::WAIT, timeout).await;
        match self.keeping.go_on(landed, self.seen).await {
            Begun::Found(value) => R::found(value),
            Begun::Aside => body.await,
            Begun::Lead(ticket) => self.keeping.compute::<R, _>(ticket, body).await,
        }
    }

    /// What others are given of a computation, if it came to a value.
    fn share(&self, computed: Option<&Computed<R>>) -> Option<S::Held> {
        self.keeping.hold(computed?.as_ref().ok()?)
    }

    async fn compute_alone<B>(&self, body: B) -> R::Out
    where
        B: Future<Output = R::Out> + Unpin,
    {
        let mut ticket = self.keeping.flights().alone(self.key.clone());
        ticket.spend(self.seen.spent);
        self.keeping.compute::<R, _>(ticket, body).await
    }
}

/// Computes the values of calls, of equal ones that of the first, and stores them together.
async fn compute<R, S, B>(calls: Vec<(Absent<R, S>, B)>, limit: usize) -> Vec<(usize, R::Out)>
where
    R: Returned,
    S: AsyncView<R::Value>,
    B: Future<Output = R::Out> + Unpin,
{
    let (absent, bodies): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
    let first = first_of_equals(&absent);
    let bodies = bodies.into_iter().enumerate();
    let (leaders, equals): (Vec<_>, Vec<_>) = bodies.partition(|(nth, _)| first[*nth] == *nth);
    let mut computing = Computing {
        absent: &absent,
        ended: absent.iter().map(|_| None).collect(),
        limit,
    };
    let waiting = computing.lead(leaders).await;
    computing.wait(waiting).await;
    computing.take_equals(equals, &first).await;
    let ended = absent.iter().zip(computing.ended);
    ended
        .filter_map(|(one, computed)| Some((one.place, computed?.map_or_else(|out| out, R::found))))
        .collect()
}

/// Calls, and what they came to so far.
struct Computing<'c, R: Returned, S> {
    absent: &'c [Absent<R, S>],
    ended: Vec<Option<Computed<R>>>,
    limit: usize,
}

impl<'c, R, S> Computing<'c, R, S>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    /// Computes what nobody else computes, and stores it. Returns the calls for which others compute.
    ///
    /// Each takes its ticket when its turn comes: a body may call other keys of this bulk, whose values are then
    /// computed there, and kept, or have been computed, and are taken.
    async fn lead<B>(&mut self, calls: Vec<(usize, B)>) -> Vec<(usize, Waiter<'c, S::Held>, B)>
    where
        B: Future<Output = R::Out> + Unpin,
    {
        let absent = self.absent;
        let steps = calls
            .into_iter()
            .map(|(nth, body)| async move { (nth, absent[nth].step(body).await) });
        let (mut filled, mut waiting) = (Vec::new(), Vec::new());
        for (nth, step) in concurrently(self.limit, steps.collect()).await {
            match step {
                Step::Done(computed) => self.ended[nth] = Some(computed),
                Step::Store(computed, (ticket, held)) => {
                    self.ended[nth] = Some(computed);
                    filled.push((nth, ticket, held));
                }
                Step::Wait(waiter, body) => waiting.push((nth, waiter, body)),
            }
        }
        for (nth, ticket) in store(absent, filled).await {
            ticket.pass_on(|| absent[nth].share(self.ended[nth].as_ref()));
        }
        waiting
    }

    /// Takes what others compute. All waiting lasts no longer than that of one call.
    async fn wait<B>(&mut self, calls: Vec<(usize, Waiter<'c, S::Held>, B)>)
    where
        B: Future<Output = R::Out> + Unpin,
    {
        let (absent, start) = (self.absent, Instant::now());
        let waits = calls
            .into_iter()
            .map(|(nth, waiter, body)| async move { (nth, absent[nth].wait(waiter, start, body).await) });
        for (nth, out) in concurrently(self.limit, waits.collect()).await {
            self.ended[nth] = Some(R::value(out));
        }
    }

    /// Takes what equal calls of this bulk came to, each from its first; an error stands for its own call only.
    async fn take_equals<B>(&mut self, calls: Vec<(usize, B)>, first: &[usize])
    where
        B: Future<Output = R::Out> + Unpin,
    {
        let (absent, mut without) = (self.absent, Vec::new());
        for (nth, body) in calls {
            let shared = absent[nth].share(self.ended[first[nth]].as_ref());
            match shared.and_then(|held| absent[nth].keeping.take(held)) {
                Some(value) => self.ended[nth] = Some(Ok(value)),
                None => without.push((nth, body)),
            }
        }
        let alone = without
            .into_iter()
            .map(|(nth, body)| async move { (nth, absent[nth].compute_alone(body).await) });
        for (nth, out) in concurrently(self.limit, alone.collect()).await {
            self.ended[nth] = Some(R::value(out));
        }
    }
}

/// For each call the first that equals it.
fn first_of_equals<R, S>(absent: &[Absent<R, S>]) -> Vec<usize>
where
    R: Returned,
    S: AnyView<R::Value>,
{
    let mut known = HashMap::with_capacity(absent.len());
    let identities = absent
        .iter()
        .map(|one| (one.keeping.flights().address(), &one.key));
    let numbered = identities.enumerate();
    numbered
        .map(|(nth, identity)| *known.entry(identity).or_insert(nth))
        .collect()
}

/// Stores values, those of one storage at once. Returns the tickets, which still have to pass the values on.
async fn store<'f, R, S>(
    absent: &'f [Absent<R, S>],
    filled: Vec<(usize, Ticket<'f, S::Held>, S::Held)>,
) -> Vec<(usize, Ticket<'f, S::Held>)>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let mut groups: Vec<(usize, Vec<_>)> = Vec::new();
    for (nth, ticket, held) in filled {
        let storage = absent[nth].keeping.flights().address();
        match groups.iter_mut().find(|(known, _)| *known == storage) {
            Some((_, group)) => group.push((nth, ticket, held)),
            None => groups.push((storage, vec![(nth, ticket, held)])),
        }
    }
    let mut stored = Vec::new();
    for (_, group) in groups {
        stored.extend(store_group(absent, group).await);
    }
    stored
}

async fn store_group<'f, R, S>(
    absent: &'f [Absent<R, S>],
    group: Vec<(usize, Ticket<'f, S::Held>, S::Held)>,
) -> Vec<(usize, Ticket<'f, S::Held>)>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let start = Instant::now();
    let group = group
        .into_iter()
        .map(|(nth, ticket, held)| ((nth, ticket), Some(held)));
    let (mut tickets, mut held): (Vec<_>, Vec<_>) = group.unzip();
    let (later, mut spent) = store_at_once(absent, &tickets, &mut held).await;
    // Last and one by one, so that no two such calls wait for each other.
    for at in later {
        let (nth, ticket) = &mut tickets[at];
        if let Some(held) = held[at].take() {
            let keeping = &absent[*nth].keeping;
            let patience = keeping.write_patience_since(start);
            ticket.spend(spent);
            spent += keeping.store(ticket, Some(held), patience).await;
        }
    }
    // What was not to be stored. Tickets that are on their way out would be lost if it panicked.
    drop(held);
    tickets
}

/// Stores what can be stored without waiting for others that write. Returns the places of the rest, and how long that
/// kept the storage busy, if it has a deadline.
async fn store_at_once<R, S>(
    absent: &[Absent<R, S>],
    tickets: &[(usize, Ticket<'_, S::Held>)],
    held: &mut [Option<S::Held>],
) -> (Vec<usize>, Duration)
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let (turns, later) = turns_at_once(tickets.iter().map(|(_, ticket)| ticket));
    let Some((first, _)) = turns.first() else {
        return (later, Duration::ZERO);
    };
    let keeping = &absent[tickets[*first].0].keeping;
    let spent = tickets.iter().map(|(_, ticket)| ticket.spent()).max();
    let spent = spent.unwrap_or_default();
    let (limited, start) = (keeping.limited(spent), keeping.start());
    let storage = limited.as_ref().unwrap_or_else(|| keeping.storage());
    let turns = turns
        .into_iter()
        .map(|(at, turn)| (at, Writing::new(storage, turn)));
    let turns: Vec<_> = turns.collect();
    let entries = turns.iter().filter_map(|(at, _)| {
        let (nth, ticket) = &tickets[*at];
        Some((ticket.key(), held[*at].take()?, absent[*nth].keeping.expiry))
    });
    let entries: Vec<_> = entries.collect();
    let stores = entries.iter().filter(|(.., expiry)| is_kept(*expiry)).count();
    let writing = async { storage.write_many(entries).await };
    let stored = leading(keeping.flights().writing(), pin!(writing)).await;
    match stored {
        Ok(()) => keeping.count_stores(stores, true),
        Err(_) => keeping.count_stores(turns.len(), false),
    }
    let done = stored.is_ok();
    let left = turns.into_iter().filter_map(|(_, turn)| turn.end(done));
    let left = left.collect();
    keeping.clear_all_away(left, spent + start.elapsed()).await;
    (later, start.elapsed())
}
