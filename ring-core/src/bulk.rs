//! Computing for many calls at once: one look-up and one store for all that share a storage.
//!
//! A call computes for its own tickets before it waits for others', so that two bulk calls with the same keys in
//! another order cannot wait for each other.

use std::time::Instant;

use hashbrown::HashMap;

use crate::body::Body;
use crate::call::Call;
use crate::calls::{group_by_storage, look_up};
use crate::filling::{Filling, Seen};
use crate::flights::{Joined, Ticket, Waiter, fill_many};
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
            .map(|(index, call)| Absent::replacing(index, call))
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

/// What is left for the end, when all values that this bulk computes itself are stored.
enum Later<'f, T> {
    /// To wait for a call outside.
    Wait(Waiter<'f, T>),
    /// To take the value of an equal call of this bulk, at this place.
    Again(usize),
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

    /// One whose value replaces the one that is there.
    fn replacing(index: usize, call: Call<R, S, B>) -> Self {
        let mut absent = Self::new(index, call);
        absent.filling.replaces = true;
        absent
    }

    fn join(&self) -> Joined<'_, S::Held> {
        self.filling.admit::<B>();
        self.filling.join(self.key.clone())
    }

    fn start(&self) -> Joined<'_, S::Held> {
        self.filling.admit::<B>();
        Joined::Lead(self.filling.flights().alone(self.key.clone()))
    }

    /// What was stored since the look-up, or the ticket to compute.
    fn look_again<'f>(
        &self,
        ticket: Ticket<'f, S::Held>,
        seen: &mut Seen,
    ) -> Result<R::Out, Ticket<'f, S::Held>> {
        if !self.filling.must_look_again(*seen) {
            return Err(ticket);
        }
        *seen = Some(self.filling.flights().writes());
        let read = self.filling.view.storage().read(ticket.key());
        self.filling.yield_to(ticket, read.ok().flatten())
    }
}

/// Computes the values of calls that share a storage; of equal ones the first. `part` says what each does.
///
/// Each takes its ticket when its turn comes: a body may call other keys of this bulk, whose values are then computed
/// there, and kept, or have been computed, and are taken.
fn compute<R, S, B>(
    mut absent: Vec<Absent<R, S, B>>,
    part: impl Fn(&Absent<R, S, B>) -> Joined<'_, S::Held>,
    mut seen: Seen,
) -> Vec<(usize, R::Out)>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    let mut bodies: Vec<_> = absent.iter_mut().map(|one| one.body.take()).collect();
    let mut body = |place: usize| {
        bodies[place]
            .take()
            .unwrap_or_else(|| unreachable!("every call takes its body once"))
    };
    let mut outs: Vec<Option<R::Out>> = absent.iter().map(|_| None).collect();
    let mut first = HashMap::with_capacity(absent.len());
    let (mut filled, mut later) = (Vec::new(), Vec::new());
    for (place, one) in absent.iter().enumerate() {
        if let Some(first) = first.insert(&one.key, place) {
            later.push((place, Later::Again(first)));
            continue;
        }
        outs[place] = match part(one) {
            Joined::Wait(waiter) => {
                later.push((place, Later::Wait(waiter)));
                None
            }
            Joined::Recursive => Some(body(place).run()),
            Joined::Lead(ticket) => Some(one.look_again(ticket, &mut seen).unwrap_or_else(|ticket| {
                let (out, prepared) = one.filling.compute_ahead(ticket, body(place));
                filled.extend(prepared.map(|(ticket, held)| (place, ticket, held)));
                out
            })),
        };
    }
    store_all(&absent, &outs, filled);
    finish(&absent, &mut outs, later, &mut body);
    let outs = absent.iter().map(|one| one.index).zip(outs);
    outs.filter_map(|(index, out)| Some((index, out?))).collect()
}

/// Takes what other calls computed. All waiting together lasts no longer than that of one call.
fn finish<'f, R, S, B>(
    absent: &'f [Absent<R, S, B>],
    outs: &mut [Option<R::Out>],
    later: Vec<(usize, Later<'f, S::Held>)>,
    body: &mut impl FnMut(usize) -> B,
) where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    let start = Instant::now();
    for (place, later) in later {
        let one = &absent[place];
        outs[place] = Some(match later {
            Later::Wait(waiter) => {
                let timeout = one.filling.ring.flight_timeout.saturating_sub(start.elapsed());
                one.filling.wait(waiter, timeout, body(place))
            }
            Later::Again(first) => one.take_equal(outs[first].as_ref(), body(place)),
        });
    }
}

/// Stores the values of these places, at once.
fn store_all<R, S, B>(
    absent: &[Absent<R, S, B>],
    outs: &[Option<R::Out>],
    filled: Vec<(usize, Ticket<'_, S::Held>, S::Held)>,
) where
    R: Returned,
    S: View<R::Value>,
{
    let (mut tickets, mut places, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for (place, ticket, value) in filled {
        tickets.push(ticket);
        places.push(place);
        held.push(Some(value));
    }
    let share = |nth: usize| {
        let place: usize = places[nth];
        let value = outs[place].as_ref().and_then(R::value);
        value.and_then(|value| absent[place].filling.hold(value))
    };
    fill_many(tickets, share, |entries| {
        let entries: Vec<_> = entries
            .iter()
            .filter_map(|(nth, key)| Some((*key, held[*nth].take()?, absent[places[*nth]].filling.expiry)))
            .collect();
        let (filling, count) = (&absent[places[0]].filling, entries.len());
        let stored = filling.view.storage().write_many(entries).is_ok();
        (0..count).for_each(|_| filling.count_store(stored));
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
