//! Computing for many calls at once: one look-up and one store for all that share a storage.
//!
//! A call computes for its own tickets before it waits for others', so that two bulk calls with the same keys in
//! another order cannot wait for each other.

use std::time::Instant;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::body::Body;
use crate::call::Call;
use crate::calls::{group_by_storage, look_up};
use crate::filling::{Filling, Seen};
use crate::flights::{Joined, Ticket, Waiter, fill_many, leading};
use crate::key::EncodedKey;
use crate::returned::Returned;
use crate::storage::{Storage, View};

/// [`Calls::get_or_update_many`](crate::Calls::get_or_update_many)
pub(crate) fn get_or_update<R, S, B>(calls: Vec<Call<R, S, B>>) -> Vec<R::Out>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    in_order(calls, |group| {
        let calls: Vec<_> = group.iter().map(|(_, call)| call).collect();
        let writes = calls[0].writes();
        let found = calls[0].count_errors(look_up(calls[0].storage(), &calls));
        let seen = found.is_some().then_some(writes);
        let found = found.unwrap_or_else(|| calls.iter().map(|call| call.decode_found(None)).collect());
        let (mut outs, mut absent) = (Vec::new(), Vec::new());
        for ((index, call), value) in group.into_iter().zip(found) {
            match value {
                Some(value) => outs.push((index, R::found(value))),
                None => absent.push(Absent::new(index, call)),
            }
        }
        outs.extend(compute(absent, Absent::join, seen));
        outs
    })
}

/// [`Calls::update_many`](crate::Calls::update_many)
pub(crate) fn update<R, S, B>(calls: Vec<Call<R, S, B>>) -> Vec<R::Out>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    in_order(calls, |group| {
        let absent = group
            .into_iter()
            .map(|(index, call)| Absent::new(index, call))
            .collect();
        compute(absent, Absent::start, None)
    })
}

/// Runs `compute` for the calls of each storage, and puts what it returns into the order of the calls.
fn in_order<R, S, B>(
    calls: Vec<Call<R, S, B>>,
    mut compute: impl FnMut(Vec<(usize, Call<R, S, B>)>) -> Vec<(usize, R::Out)>,
) -> Vec<R::Out>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    let groups = group_by_storage(calls.into_iter().enumerate());
    let mut outs: Vec<_> = groups.into_iter().flat_map(&mut compute).collect();
    outs.sort_unstable_by_key(|(index, _)| *index);
    outs.into_iter().map(|(_, out)| out).collect()
}

/// A call whose value is to be computed.
struct Absent<R: Returned, S, B> {
    index: usize,
    key: EncodedKey,
    filling: Filling<R, S>,
    body: Option<B>,
}

/// What a call does for its value.
enum Part<'f, T> {
    /// It computes.
    Compute(Ticket<'f, T>),
    /// It waits for another call, of this bulk or outside.
    Wait(Waiter<'f, T>),
    /// It comes after an equal call of this bulk, at this place.
    Again(usize),
    /// It computes without the cache.
    Alone,
}

impl<R, S, B> Absent<R, S, B>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    fn new(index: usize, call: Call<R, S, B>) -> Self {
        let key = EncodedKey::of(&call.call_key());
        let (filling, body) = call.into_parts();
        Absent {
            index,
            key,
            filling,
            body: Some(body),
        }
    }

    fn join(&self) -> Part<'_, S::Held> {
        self.filling.admit::<B>();
        match self.filling.join(self.key.clone()) {
            Joined::Lead(ticket) => Part::Compute(ticket),
            Joined::Wait(waiter) => Part::Wait(waiter),
            Joined::Recursive => Part::Alone,
        }
    }

    fn start(&self) -> Part<'_, S::Held> {
        self.filling.admit::<B>();
        Part::Compute(self.filling.flights().alone(self.key.clone()))
    }
}

/// Computes the values of calls that share a storage; of equal ones the first. `part` says what each does.
fn compute<R, S, B>(
    mut absent: Vec<Absent<R, S, B>>,
    part: impl Fn(&Absent<R, S, B>) -> Part<'_, S::Held>,
    seen: Seen,
) -> Vec<(usize, R::Out)>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    let mut bodies: Vec<_> = absent.iter_mut().map(|one| one.body.take()).collect();
    let mut first = HashMap::with_capacity(absent.len());
    let mut tickets = Vec::new();
    let mut others = Vec::new();
    for (place, one) in absent.iter().enumerate() {
        let part = match first.entry(&one.key) {
            Entry::Occupied(first) => Part::Again(*first.get()),
            Entry::Vacant(vacant) => {
                vacant.insert(place);
                part(one)
            }
        };
        match part {
            Part::Compute(ticket) => tickets.push((place, ticket)),
            other => others.push((place, other)),
        }
    }
    let mut body = |place: usize| {
        bodies[place]
            .take()
            .unwrap_or_else(|| unreachable!("every call takes its body once"))
    };
    let mut outs: Vec<Option<R::Out>> = absent.iter().map(|_| None).collect();
    let (there, tickets) = look_again(&absent, tickets, seen);
    for (place, out) in there {
        outs[place] = Some(out);
    }
    for (place, out) in run_all(&absent, tickets, &mut body) {
        outs[place] = Some(out);
    }
    // All waiting together lasts no longer than that of one call.
    let start = Instant::now();
    for (place, other) in others {
        let one = &absent[place];
        let out = match other {
            Part::Wait(waiter) => {
                let timeout = one.filling.ring.flight_timeout.saturating_sub(start.elapsed());
                one.filling.wait(waiter, timeout, body(place))
            }
            Part::Again(first) => one.take_equal(outs[first].as_ref(), body(place)),
            Part::Alone | Part::Compute(_) => body(place).run(),
        };
        outs[place] = Some(out);
    }
    let outs = absent.iter().map(|one| one.index).zip(outs);
    outs.filter_map(|(index, out)| Some((index, out?))).collect()
}

/// What calls return, with their places.
type Outs<O> = Vec<(usize, O)>;

/// Tickets with the places of their calls.
type Tickets<'f, T> = Vec<(usize, Ticket<'f, T>)>;

/// Takes the values that were stored between the look-up and the tickets, and leaves the tickets of the others.
fn look_again<'f, R, S, B>(
    absent: &'f [Absent<R, S, B>],
    tickets: Tickets<'f, S::Held>,
    seen: Seen,
) -> (Outs<R::Out>, Tickets<'f, S::Held>)
where
    R: Returned,
    S: View<R::Value>,
{
    let Some((first, _)) = tickets.first() else {
        return (Vec::new(), tickets);
    };
    let filling = &absent[*first].filling;
    if !filling.is_outdated(seen) {
        return (Vec::new(), tickets);
    }
    let keys: Vec<_> = tickets.iter().map(|(_, ticket)| ticket.key()).collect();
    let Ok(found) = filling.view.storage().read_many(&keys) else {
        return (Vec::new(), tickets);
    };
    let (mut there, mut left) = (Vec::new(), Vec::new());
    for ((place, ticket), held) in tickets.into_iter().zip(found) {
        match absent[place].filling.yield_to(ticket, held) {
            Ok(out) => there.push((place, out)),
            Err(ticket) => left.push((place, ticket)),
        }
    }
    (there, left)
}

/// Runs the bodies of those who compute, and stores what they return.
fn run_all<'f, R, S, B>(
    absent: &'f [Absent<R, S, B>],
    tickets: Tickets<'f, S::Held>,
    body: &mut impl FnMut(usize) -> B,
) -> Vec<(usize, R::Out)>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    let computing: Vec<_> = tickets.iter().map(|(_, ticket)| ticket.computing()).collect();
    let (mut outs, mut filled) = (Vec::with_capacity(tickets.len()), Vec::new());
    leading(computing, || {
        for (place, ticket) in tickets {
            let out = body(place).run();
            if let Some((ticket, held)) = absent[place].filling.prepare(ticket, &out) {
                filled.push((outs.len(), ticket, held));
            }
            outs.push((place, out));
        }
    });
    store_all(absent, &outs, filled);
    outs
}

/// Stores the values at these positions of `outs`, at once.
fn store_all<R, S, B>(
    absent: &[Absent<R, S, B>],
    outs: &[(usize, R::Out)],
    filled: Vec<(usize, Ticket<'_, S::Held>, S::Held)>,
) where
    R: Returned,
    S: View<R::Value>,
{
    let (mut tickets, mut held) = (Vec::with_capacity(filled.len()), Vec::with_capacity(filled.len()));
    for (position, ticket, value) in filled {
        tickets.push(ticket);
        held.push((position, Some(value)));
    }
    let filling = |position: usize| &absent[outs[position].0].filling;
    let positions: Vec<usize> = held.iter().map(|(position, _)| *position).collect();
    let share = |nth: usize| {
        let position = positions[nth];
        R::value(&outs[position].1).and_then(|value| filling(position).hold(value))
    };
    fill_many(tickets, share, |entries| {
        let Some(first) = entries.first().map(|(nth, _)| filling(positions[*nth])) else {
            return;
        };
        let entries: Vec<_> = entries
            .iter()
            .filter_map(|(nth, key)| {
                let (position, value) = &mut held[*nth];
                value.take().map(|value| (*key, value, filling(*position).expiry))
            })
            .collect();
        let count = entries.len();
        let stored = first.view.storage().write_many(entries).is_ok();
        (0..count).for_each(|_| first.count_store(stored));
    });
}

impl<R, S, B> Absent<R, S, B>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    /// What an equal call of this bulk returned; an error stands for its own call only.
    fn take_equal(&self, equal: Option<&R::Out>, body: B) -> R::Out {
        let taken = equal
            .and_then(R::value)
            .and_then(|value| self.filling.hold(value))
            .and_then(|held| self.filling.take(held));
        taken.unwrap_or_else(|| {
            self.filling
                .compute(self.filling.flights().alone(self.key.clone()), body)
        })
    }
}
