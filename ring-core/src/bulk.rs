//! Verbs of many calls at once: one operation for all that share a storage.
//!
//! Blocking and async calls share this code: see [`colour`](crate::colour).

mod computing;

use hashbrown::HashMap;

use computing::Absent;
pub(crate) use computing::{get_or_update, update};

use crate::error::{Error, Failure};
use crate::keeping::{Keeping, Outcome};
use crate::key::EncodedKey;
use crate::returned::Returned;
use crate::ring::Ring;
use crate::storage::{AnyView, AsyncStorage, AsyncView};

/// A call without its body.
pub(crate) struct Keyed<R: Returned, S> {
    pub(crate) keeping: Keeping<R, S>,
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
        let read = group.first().storage().read_many(&group.keys).await;
        let values = read.map(|held| {
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
        for key in &group.keys {
            group.first().forget(key).await;
        }
        let removed = group.first().storage().remove_many(&group.keys).await;
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
    for (place, call) in calls.iter().enumerate() {
        let there = call.keeping.has(&call.key).await;
        gathered.add(&[place], there.map(|there| vec![there]));
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
    for (place, call) in calls.iter().enumerate() {
        let there = call.keeping.touch(&call.key).await;
        gathered.add(&[place], there.map(|there| vec![there]));
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
    let mut failure = None;
    let held = calls.iter().zip(values);
    let held = held.map(|(call, value)| Some(call.keeping.view.keep(value)));
    let mut held: Vec<_> = held.collect();
    for group in by_storage(calls) {
        let keeping = *group.first();
        let (mut entries, mut refused) = (Vec::with_capacity(group.keys.len()), Vec::new());
        for ((place, own), key) in group.places.into_iter().zip(&group.keepings).zip(group.keys) {
            own.admit_writing();
            own.forget(&key).await;
            match held[place].take() {
                Some(Ok(held)) => entries.push((key, held, own.expiry)),
                Some(Err(error)) => {
                    own.ring.counters.error();
                    failure = failure.or(Some(error));
                    refused.push(key);
                }
                None => unreachable!("every call is in one group"),
            }
        }
        // What cannot be stored must not leave the old value in its place.
        if !refused.is_empty()
            && let Err(error) = keeping.storage().remove_many(&refused).await
        {
            keeping.ring.counters.error();
            failure = failure.or(Some(error.into()));
        }
        let count = entries.len();
        match keeping.storage().write_many(entries).await {
            Ok(()) => keeping.count_stores(count, true),
            Err(error) => {
                keeping.ring.counters.error();
                failure = failure.or(Some(error.into()));
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Calls that share a storage.
struct Group<R: Returned, S> {
    /// Their places among all calls.
    places: Vec<usize>,
    keepings: Vec<Keeping<R, S>>,
    keys: Vec<EncodedKey>,
}

impl<R: Returned, S> Group<R, S> {
    fn first(&self) -> &Keeping<R, S> {
        &self.keepings[0]
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

impl<T, E: Failure> Gathered<T, E> {
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
            Ok(results) => self.results.extend(places.iter().copied().zip(results)),
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
