//! Verbs of many calls at once: one operation for all that share a storage.
//!
//! Blocking and async calls share this code: see [`colour`](crate::colour).

mod computing;

use std::pin::pin;
use std::time::Instant;

use hashbrown::HashMap;

use computing::Absent;
pub(crate) use computing::{get_or_update, update};

use crate::error::{Error, Failure};
use crate::flights::{leading, turns_at_once};
use crate::keeping::{Keeping, Outcome, is_kept};
use crate::key::EncodedKey;
use crate::returned::Returned;
use crate::ring::Ring;
use crate::storage::{AnyView, AsyncStorage, AsyncView};
use crate::writing::Writing;

/// A call without its body.
pub(crate) struct Keyed<R: Returned, S> {
    pub(crate) keeping: Keeping<R::Value, S>,
    pub(crate) key: EncodedKey,
}

/// Calls with their bodies.
pub(crate) type Bulk<R, S, B> = Vec<(Keyed<R, S>, B)>;

/// [`Calls::get_many`](crate::Calls::get_many)
pub(crate) async fn get<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<Option<R::Value>>>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let doubts = group.doubts();
        let read = group.first().storage().read_many(&group.keys).await;
        let values = read.map(|held| {
            // A storage that answers too little is not to lose calls.
            let held = held.into_iter().chain(std::iter::repeat_with(|| None));
            let held = held
                .zip(doubts)
                .map(|(held, in_doubt)| held.filter(|_| !in_doubt));
            let held = group.keepings.iter().zip(held);
            held.map(|(keeping, held)| keeping.decode_found(held)).collect()
        });
        gathered.add(&group.places, values);
    }
    gathered.finish()
}

/// [`Calls::delete_many`](crate::Calls::delete_many)
pub(crate) async fn delete<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let (flights, patience) = (group.first().flights(), group.first().ring.write_timeout);
        let wait = Keeping::<R::Value, S>::WAIT;
        let removal = flights.forget_keys(&group.keys, wait, patience).await;
        let removed = removal.by(group.first().storage().remove_many(&group.keys)).await;
        gathered.add(&group.places, removed);
    }
    gathered.finish()
}

/// [`Calls::has_many`](crate::Calls::has_many)
pub(crate) async fn has<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let doubts = group.doubts();
        let there = group.first().storage().contains_many(&group.keys).await;
        gathered.add(&group.places, there.map(|there| trusted(there, doubts)));
    }
    gathered.finish()
}

/// [`Calls::touch_many`](crate::Calls::touch_many)
pub(crate) async fn touch<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let (expiring, lasting): (Vec<_>, Vec<_>) =
            (0..group.keys.len()).partition(|at| group.keepings[*at].expiry.is_some());
        let places = |ats: &[usize]| ats.iter().map(|at| group.places[*at]).collect::<Vec<_>>();
        let doubts = group.doubts();
        let storage = group.first().storage();
        if !expiring.is_empty() {
            let entries = expiring.iter();
            let entries = entries.filter_map(|at| Some((&group.keys[*at], group.keepings[*at].expiry?)));
            let doubts = expiring.iter().map(|at| doubts[*at]).collect();
            let there = storage.renew_many(&entries.collect::<Vec<_>>()).await;
            gathered.add(&places(&expiring), there.map(|there| trusted(there, doubts)));
        }
        // Without an expiry, a touch only looks.
        if !lasting.is_empty() {
            let keys: Vec<_> = lasting.iter().map(|at| &group.keys[*at]).collect();
            let doubts = lasting.iter().map(|at| doubts[*at]).collect();
            let there = storage.contains_many(&keys).await;
            gathered.add(&places(&lasting), there.map(|there| trusted(there, doubts)));
        }
    }
    gathered.finish()
}

/// [`Calls::set_many`](crate::Calls::set_many)
pub(crate) async fn set<R, S>(calls: Vec<Keyed<R, S>>, values: Vec<R::Value>) -> Result<(), Error>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let ring = calls.first().map(|call| call.keeping.ring);
    let set = if calls.len() == values.len() {
        set_all(calls, values).await
    } else {
        Err(Error::lengths(calls.len(), values.len()))
    };
    set.map_err(|error| match ring {
        Some(ring) => error.of_ring(ring.name().as_str()),
        None => error,
    })
}

async fn set_all<R, S>(calls: Vec<Keyed<R, S>>, values: Vec<R::Value>) -> Result<(), Error>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let held = calls.iter().zip(values);
    let held = held.map(|(call, value)| Some(call.keeping.view.keep(value)));
    let mut held: Vec<_> = held.collect();
    let mut failure = None;
    for group in by_storage(calls) {
        let held = group.places.iter().map(|place| held[*place].take()).collect();
        let set = set_group(&group, held).await;
        failure = failure.or(set.err());
    }
    failure.map_or(Ok(()), Err)
}

/// Stores values in the place of all that is there, being computed or being written, at once as far as no others write.
async fn set_group<R, S>(
    group: &Group<R, S>,
    mut held: Vec<Option<Result<S::Held, Error>>>,
) -> Result<(), Error>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let (keeping, start) = (group.first(), Instant::now());
    let tickets = group.keepings.iter().zip(&group.keys).map(|(own, key)| {
        own.admit_writing();
        own.flights().supersede(key.clone())
    });
    let tickets: Vec<_> = tickets.collect();
    let (turns, later) = turns_at_once(tickets.iter());
    let storage = keeping.storage();
    let turns = turns
        .into_iter()
        .map(|(at, turn)| (at, Writing::new(storage, turn)));
    let turns: Vec<_> = turns.collect();
    let entries = turns.iter().filter_map(|(at, _)| Some((*at, held[*at].take()?)));
    let began = keeping.start();
    let mut failure = write_group(group, entries.collect()).await.err();
    let done = failure.is_none();
    let left = turns
        .into_iter()
        .filter_map(|(_, turn)| turn.end_and_forget(done));
    let left = left.collect();
    keeping.clear_all_away(left, began.elapsed()).await;
    for at in later {
        let (own, Some(held)) = (&group.keepings[at], held[at].take()) else {
            continue;
        };
        let patience = keeping.write_patience_since(start);
        let set = own.set_in_turn(&tickets[at], held, patience).await;
        failure = failure.or(own.ring.count_failure(set).err().map(Into::into));
    }
    failure.map_or(Ok(()), Err)
}

/// Writes values by one operation.
async fn write_group<R, S>(
    group: &Group<R, S>,
    values: Vec<(usize, Result<S::Held, Error>)>,
) -> Result<(), Error>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    let (keeping, storage) = (group.first(), group.first().storage());
    let (mut entries, mut refused, mut failure) = (Vec::with_capacity(values.len()), Vec::new(), None);
    for (at, held) in values {
        match keeping.ring.count_failure(held) {
            Ok(held) => entries.push((&group.keys[at], held, group.keepings[at].expiry)),
            Err(error) => {
                failure = failure.or(Some(error));
                refused.push(&group.keys[at]);
            }
        }
    }
    let stores = entries.iter().filter(|(.., expiry)| is_kept(*expiry)).count();
    let start = keeping.start();
    let writing = async {
        if refused.is_empty() {
            return (Ok(Vec::new()), storage.write_many(entries).await);
        }
        // What cannot be stored must not leave the old value in its place.
        let removed = storage.remove_many(&refused).await;
        let limited = keeping.limited(start.elapsed());
        let storage = limited.as_ref().unwrap_or(storage);
        (removed, storage.write_many(entries).await)
    };
    let (removed, written) = leading(keeping.flights().writing(), pin!(writing)).await;
    if let Err(error) = keeping.ring.count_failure(removed) {
        failure = failure.or(Some(error.into()));
    }
    match keeping.ring.count_failure(written) {
        Ok(()) => keeping.count_stores(stores, true),
        Err(error) => failure = failure.or(Some(error.into())),
    }
    failure.map_or(Ok(()), Err)
}

/// What is there, as far as it is trusted.
fn trusted(there: Vec<bool>, doubts: Vec<bool>) -> Vec<bool> {
    let there = there.into_iter().zip(doubts);
    there.map(|(there, in_doubt)| there && !in_doubt).collect()
}

/// Calls that share a storage.
struct Group<R: Returned, S> {
    /// Their places among all calls.
    places: Vec<usize>,
    keepings: Vec<Keeping<R::Value, S>>,
    keys: Vec<EncodedKey>,
}

impl<R: Returned, S> Group<R, S> {
    fn first(&self) -> &Keeping<R::Value, S> {
        &self.keepings[0]
    }

    /// For each key whether what is found there is not to be trusted: to be asked before it is looked for.
    fn doubts(&self) -> Vec<bool>
    where
        S: AnyView<R::Value>,
    {
        let keys = self.keepings.iter().zip(&self.keys);
        keys.map(|(keeping, key)| keeping.is_in_doubt(key)).collect()
    }

    fn into_absent(self) -> impl Iterator<Item = Absent<R, S>> {
        let calls = self.places.into_iter().zip(self.keepings).zip(self.keys);
        calls.map(|((place, keeping), key)| Absent::new(place, keeping, key))
    }
}

fn by_storage<R, S>(calls: Vec<Keyed<R, S>>) -> Vec<Group<R, S>>
where
    R: Returned,
    S: AnyView<R::Value>,
{
    let mut groups: Vec<Group<R, S>> = Vec::new();
    let mut known = HashMap::new();
    for (place, Keyed { keeping, key }) in calls.into_iter().enumerate() {
        keeping.admit();
        let number = *known.entry(keeping.flights().address()).or_insert_with(|| {
            groups.push(Group {
                places: Vec::new(),
                keepings: Vec::new(),
                keys: Vec::new(),
            });
            groups.len() - 1
        });
        let group = &mut groups[number];
        group.places.push(place);
        group.keepings.push(keeping);
        group.keys.push(key);
    }
    groups
}

/// What the storages returned, to be put into the order of the calls.
struct Gathered<T, E> {
    ring: Option<&'static Ring>,
    results: Vec<(usize, T)>,
    failure: Option<E>,
}

impl<T: Default, E: Failure> Gathered<T, E> {
    fn of<R: Returned, S>(calls: &[Keyed<R, S>]) -> Self {
        Gathered {
            ring: calls.first().map(|call| call.keeping.ring),
            results: Vec::with_capacity(calls.len()),
            failure: None,
        }
    }

    /// A failure of one storage is no reason to spare the others.
    fn add(&mut self, places: &[usize], results: Result<Vec<T>, E>) {
        match results {
            Ok(mut results) => {
                // A storage that answers too little is not to lose calls.
                results.resize_with(places.len(), T::default);
                self.results.extend(places.iter().copied().zip(results));
            }
            Err(error) => self.failure = self.failure.take().or(Some(error)),
        }
    }

    fn finish(mut self) -> E::Outcome<Vec<T>> {
        self.results.sort_unstable_by_key(|(place, _)| *place);
        let results = self.results.into_iter().map(|(_, result)| result);
        let result = self.failure.map_or_else(|| Ok(results.collect()), Err);
        if let (Some(ring), Err(_)) = (self.ring, &result) {
            ring.counters.error();
        }
        Failure::outcome(result, self.ring.map_or("", |ring| ring.name().as_str()))
    }
}
