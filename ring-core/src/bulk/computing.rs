//! Computing for many calls at once: one look-up and one store for all that share a storage.
//!
//! A call computes for its own tickets before it waits for others', so that two bulk calls with the same keys in
//! another order cannot wait for each other.

use std::time::Instant;

use hashbrown::HashMap;

use super::{Bulk, Group, by_storage};
use crate::body::AsyncBody;
use crate::concurrently::concurrently;
use crate::filling::Filled;
use crate::flights::{Joined, Ticket, Waiter, leading, turns_at_once, writing_many};
use crate::keeping::{Keeping, Seen};
use crate::key::EncodedKey;
use crate::returned::Returned;
use crate::storage::{AnyView, AsyncStorage, AsyncView};

/// [`Calls::get_or_update_many`](crate::Calls::get_or_update_many), computing at most `limit` values at a time.
pub(crate) async fn get_or_update<R, S, B>(calls: Bulk<R, S, B>, limit: usize) -> Vec<R::Out>
where
    R: Returned,
    S: AsyncView<R::Value>,
    B: AsyncBody<Out = R::Out>,
{
    let (keyed, bodies): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
    let mut bodies: Vec<_> = bodies.into_iter().map(Some).collect();
    let (mut outs, mut absent) = (Vec::with_capacity(bodies.len()), Vec::new());
    for group in by_storage(keyed) {
        let found = look_up(&group).await;
        for (call, found) in group.into_absent().zip(found) {
            match found {
                Ok(out) => outs.push((call.place, out)),
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
    B: AsyncBody<Out = R::Out>,
{
    let replacing = calls.into_iter().enumerate().map(|(place, (keyed, body))| {
        let mut absent = Absent::new(place, keyed.keeping, keyed.key);
        absent.keeping.replaces = true;
        (absent, body)
    });
    in_order(compute(replacing.collect(), limit).await)
}

fn in_order<O>(mut outs: Vec<(usize, O)>) -> Vec<O> {
    outs.sort_unstable_by_key(|(place, _)| *place);
    outs.into_iter().map(|(_, out)| out).collect()
}

/// What calls return that share a storage, as far as it is there.
async fn look_up<R, S>(group: &Group<R, S>) -> Vec<Result<R::Out, Seen>>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let calls = group.keepings.iter().zip(&group.keys);
    let writes: Vec<_> = calls.map(|(keeping, key)| keeping.begin_look_up(key)).collect();
    let read = group.first().storage().read_many(&group.keys).await;
    let Some(held) = group.first().ring.count_errors(read) else {
        return group
            .keepings
            .iter()
            .map(|keeping| Err(keeping.missed(None)))
            .collect();
    };
    let calls = group.keepings.iter().zip(held).zip(writes);
    calls
        .map(|((keeping, held), writes)| {
            let found = keeping.found(Ok(held), writes);
            found.map_err(|seen| keeping.missed(seen))
        })
        .collect()
}

/// A call whose value is to be computed.
pub(super) struct Absent<R: Returned, S> {
    /// Its place among all calls.
    place: usize,
    keeping: Keeping<R, S>,
    key: EncodedKey,
    seen: Seen,
}

impl<R: Returned, S> Absent<R, S> {
    pub(super) fn new(place: usize, keeping: Keeping<R, S>, key: EncodedKey) -> Self {
        Absent {
            place,
            keeping,
            key,
            seen: None,
        }
    }
}

/// What became of a call at its turn.
enum Step<'f, T, O, B> {
    /// It has what it returns, and there is nothing to store.
    Done(O),
    /// It computed, and its value is to be stored.
    Computed(O, Filled<'f, T>),
    /// Another call outside computes.
    Wait(Waiter<'f, T>, B),
}

impl<R, S> Absent<R, S>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    /// Computes, unless another does.
    async fn step<B>(&self, body: B) -> Step<'_, S::Held, R::Out, B>
    where
        B: AsyncBody<Out = R::Out>,
    {
        let keeping = &self.keeping;
        keeping.admit_writing();
        let mut ticket = match self.join() {
            Joined::Recursive => return Step::Done(body.run().await),
            Joined::Wait(waiter) => return Step::Wait(waiter, body),
            Joined::Lead(ticket) => ticket,
        };
        if keeping.must_look_again(&self.key, self.seen) {
            ticket = match keeping.look_again(ticket).await {
                Ok(out) => return Step::Done(out),
                Err(ticket) => ticket,
            };
        }
        match keeping.compute_ahead(ticket, body).await {
            (out, Some(filled)) => Step::Computed(out, filled),
            (out, None) => Step::Done(out),
        }
    }

    fn join(&self) -> Joined<'_, S::Held> {
        if self.keeping.replaces {
            Joined::Lead(self.keeping.flights().alone(self.key.clone()))
        } else {
            self.keeping.join(self.key.clone())
        }
    }

    /// Waits for the outcome of another call. All waiting since `start` lasts no longer than that of one call.
    async fn wait<B>(&self, waiter: Waiter<'_, S::Held>, start: Instant, body: B) -> R::Out
    where
        B: AsyncBody<Out = R::Out>,
    {
        let timeout = self.keeping.ring.flight_timeout;
        let timeout = timeout.saturating_sub(start.elapsed());
        self.keeping.wait(waiter, timeout, body).await
    }

    /// Takes what an equal call of this bulk returned; an error stands for its own call only.
    fn take_equal(&self, equal: Option<&R::Out>) -> Option<R::Out> {
        self.keeping.take(self.keeping.share(equal?)?)
    }

    async fn compute_alone<B>(&self, body: B) -> R::Out
    where
        B: AsyncBody<Out = R::Out>,
    {
        let ticket = self.keeping.flights().alone(self.key.clone());
        self.keeping.compute(ticket, body).await
    }
}

/// Computes the values of calls, of equal ones that of the first, and stores them together.
///
/// Each takes its ticket when its turn comes: a body may call other keys of this bulk, whose values are then computed
/// there, and kept, or have been computed, and are taken.
async fn compute<R, S, B>(calls: Vec<(Absent<R, S>, B)>, limit: usize) -> Vec<(usize, R::Out)>
where
    R: Returned,
    S: AsyncView<R::Value>,
    B: AsyncBody<Out = R::Out>,
{
    let (absent, bodies): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
    let absent = &absent[..];
    let first = first_of_equals(absent);
    let (leaders, equals): (Vec<_>, Vec<_>) = bodies
        .into_iter()
        .enumerate()
        .partition(|(nth, _)| first[*nth] == *nth);
    let mut outs: Vec<Option<R::Out>> = absent.iter().map(|_| None).collect();

    let steps = leaders
        .into_iter()
        .map(|(nth, body)| async move { (nth, absent[nth].step(body).await) });
    let (mut filled, mut waiting) = (Vec::new(), Vec::new());
    for (nth, step) in concurrently(limit, steps.collect()).await {
        outs[nth] = match step {
            Step::Done(out) => Some(out),
            Step::Computed(out, (ticket, held)) => {
                filled.push((nth, ticket, held));
                Some(out)
            }
            Step::Wait(waiter, body) => {
                waiting.push((nth, waiter, body));
                None
            }
        };
    }
    for (nth, ticket) in store(absent, filled).await {
        ticket.pass_on(|| absent[nth].keeping.share(outs[nth].as_ref()?));
    }

    let start = Instant::now();
    let waits = waiting
        .into_iter()
        .map(|(nth, waiter, body)| async move { (nth, absent[nth].wait(waiter, start, body).await) });
    for (nth, out) in concurrently(limit, waits.collect()).await {
        outs[nth] = Some(out);
    }

    let mut without = Vec::new();
    for (nth, body) in equals {
        outs[nth] = absent[nth].take_equal(outs[first[nth]].as_ref());
        if outs[nth].is_none() {
            without.push((nth, body));
        }
    }
    let alone = without
        .into_iter()
        .map(|(nth, body)| async move { (nth, absent[nth].compute_alone(body).await) });
    for (nth, out) in concurrently(limit, alone.collect()).await {
        outs[nth] = Some(out);
    }

    let outs = absent.iter().map(|one| one.place).zip(outs);
    outs.filter_map(|(place, out)| Some((place, out?))).collect()
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
    let group = group
        .into_iter()
        .map(|(nth, ticket, held)| ((nth, ticket), Some(held)));
    let (tickets, mut held): (Vec<_>, Vec<_>) = group.unzip();
    // Last and one by one, so that no two such calls wait for each other.
    for at in store_at_once(absent, &tickets, &mut held).await {
        let (nth, ticket) = &tickets[at];
        if let Some(held) = held[at].take() {
            absent[*nth].keeping.store(ticket, held).await;
        }
    }
    tickets
}

/// Stores what can be stored without waiting for others that write. Returns the places of the rest.
async fn store_at_once<R, S>(
    absent: &[Absent<R, S>],
    tickets: &[(usize, Ticket<'_, S::Held>)],
    held: &mut [Option<S::Held>],
) -> Vec<usize>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let (turns, later) = turns_at_once(tickets.iter().map(|(_, ticket)| ticket));
    let Some(writing) = writing_many(&turns) else {
        return later;
    };
    let entries = turns.iter().filter_map(|(at, _)| {
        let (nth, ticket) = &tickets[*at];
        Some((ticket.key(), held[*at].take()?, absent[*nth].keeping.expiry))
    });
    let (entries, keeping) = (entries.collect(), &absent[tickets[turns[0].0].0].keeping);
    let stored = leading(writing, keeping.storage().write_many(entries)).await;
    keeping.count_stores(turns.len(), stored.is_ok());
    let passed_over = turns
        .into_iter()
        .filter_map(|(at, turn)| turn.end().then_some(at));
    let passed_over: Vec<_> = passed_over.map(|at| tickets[at].1.key()).collect();
    if !passed_over.is_empty() {
        let removed = keeping.storage().remove_many(&passed_over).await;
        keeping.ring.count_errors(removed);
    }
    later
}
