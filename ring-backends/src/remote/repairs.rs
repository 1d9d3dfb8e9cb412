//! The list of repairs: entries that may be out of date since a write to them failed.
//!
//! A write that failed may have been done, may be done later, or not at all. What lies there is not trusted any more: it
//! counts as absent, and is removed before the server is asked for anything else.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use event_listener::{Event, EventListener};
use hashbrown::HashMap;
use parking_lot::Mutex;

/// How many entries are remembered. The oldest give way.
pub(super) const REMEMBERED: usize = 65_536;
/// How many entries are removed at once.
const BATCH: usize = 1_000;
/// How long a server is not asked again that refused to remove entries.
const RESPITE: Duration = Duration::from_secs(1);

/// Places of entries to be removed.
#[derive(Debug)]
pub(super) struct Repairs<P> {
    /// How many there are, so that operations find out without a lock that there are none.
    pending: AtomicUsize,
    /// How many gave way to newer ones.
    lost: AtomicU64,
    /// The number of the next failure. Raised with the list locked.
    next: AtomicU64,
    list: Mutex<List<P>>,
    /// Told when a batch was removed, or was not.
    mended: Event,
}

#[derive(Debug)]
struct List<P> {
    /// The number of the last failure at each place.
    numbers: HashMap<P, u64>,
    /// The places in the order of these failures.
    places: BTreeMap<u64, P>,
    /// Where in this order the next batch begins.
    from: u64,
    /// How many are removed at once. Fewer after a failure, so that a slow server gets on, and one entry that it
    /// will not remove is found.
    batch: usize,
    /// How many batches there were.
    batches: u64,
    /// The number of the batch that is being removed, and when others wait for it no longer.
    mending: Option<(u64, Instant)>,
    /// When the server last refused to remove entries.
    refused: Option<Instant>,
}

/// What is to be done before the server is asked.
pub(super) enum Mending<'r, P: Clone + Eq + Hash> {
    /// Nothing.
    Nothing,
    /// These entries are to be removed.
    Remove(Batch<'r, P>),
    /// Another operation removes some. It may be a task that nobody polls, and is not waited for any longer than this.
    Wait(EventListener, Instant),
}

/// Entries that one operation removes. They stay in the list if it does not say that it did.
pub(super) struct Batch<'r, P: Clone + Eq + Hash> {
    repairs: &'r Repairs<P>,
    number: u64,
    numbers: Vec<u64>,
    pub(super) places: Vec<P>,
    answered: bool,
}

/// A change of entries that is under way. If it does not say that it was made, they are to be removed: also when it is
/// dropped, since what was asked for may still be done.
pub(super) struct Change<'r, P: Clone + Eq + Hash> {
    repairs: &'r Repairs<P>,
    places: &'r [P],
    /// The number of the next failure when it began.
    began: u64,
    made: bool,
}

impl<P: Clone + Eq + Hash> Repairs<P> {
    pub(super) fn new() -> Self {
        Repairs {
            pending: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            next: AtomicU64::new(0),
            list: Mutex::new(List {
                numbers: HashMap::new(),
                places: BTreeMap::new(),
                from: 0,
                batch: BATCH,
                batches: 0,
                mending: None,
                refused: None,
            }),
            mended: Event::new(),
        }
    }

    /// Remembers entries that are to be removed.
    pub(super) fn add(&self, places: &[P]) {
        let mut list = self.list.lock();
        for place in places {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            if let Some(before) = list.numbers.insert(place.clone(), number) {
                list.places.remove(&before);
            }
            list.places.insert(number, place.clone());
        }
        while list.numbers.len() > REMEMBERED {
            list.drop_oldest();
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.count(&list);
    }

    /// How many entries are to be removed.
    pub(super) fn pending(&self) -> usize {
        self.pending.load(Ordering::SeqCst)
    }

    fn count(&self, list: &List<P>) {
        self.pending.store(list.numbers.len(), Ordering::SeqCst);
    }

    /// How many were forgotten, since there were too many.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Whether the entry at `place` is to be removed.
    pub(super) fn names(&self, place: &P) -> bool {
        self.pending() > 0 && self.list.lock().numbers.contains_key(place)
    }

    /// To be called before entries are changed.
    pub(super) fn begin_change<'r>(&'r self, places: &'r [P]) -> Change<'r, P> {
        Change {
            repairs: self,
            places,
            began: self.next.load(Ordering::SeqCst),
            made: false,
        }
    }

    /// Forgets entries that were replaced or removed by a change. Failures since it began may be those of writes that
    /// come after it.
    fn settle(&self, places: &[P], began: u64) {
        if self.pending() == 0 {
            return;
        }
        let mut list = self.list.lock();
        for place in places {
            if list.numbers.get(place).is_some_and(|number| *number < began) {
                list.forget(place);
            }
        }
        self.count(&list);
    }

    /// What is to be done before the server is asked, by an operation that ends at `until`.
    pub(super) fn begin(&self, until: Instant) -> Mending<'_, P> {
        if self.pending() == 0 {
            return Mending::Nothing;
        }
        let mut list = self.list.lock();
        if let Some((_, over)) = list.mending.filter(|(_, over)| Instant::now() < *over) {
            // Listening begins under the lock, so that the end of the other cannot be missed.
            return Mending::Wait(self.mended.listen(), over);
        }
        if list.refused.is_some_and(|refused| refused.elapsed() < RESPITE) {
            return Mending::Nothing;
        }
        let (numbers, places): (Vec<_>, Vec<_>) = list.next_batch().unzip();
        if places.is_empty() {
            return Mending::Nothing;
        }
        list.batches += 1;
        list.mending = Some((list.batches, until));
        Mending::Remove(Batch {
            repairs: self,
            number: list.batches,
            numbers,
            places,
            answered: false,
        })
    }
}

impl<P: Clone + Eq + Hash> List<P> {
    fn forget(&mut self, place: &P) {
        if let Some(number) = self.numbers.remove(place) {
            self.places.remove(&number);
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, place)) = self.places.pop_first() {
            self.numbers.remove(&place);
        }
    }

    fn next_batch(&mut self) -> impl Iterator<Item = (u64, P)> {
        if self.places.range(self.from..).next().is_none() {
            self.from = 0;
        }
        let places = self.places.range(self.from..).take(self.batch);
        places.map(|(number, place)| (*number, place.clone()))
    }
}

impl<P: Clone + Eq + Hash> Batch<'_, P> {
    /// The entries are gone from the server.
    pub(super) fn removed(mut self) {
        self.answered = true;
        let mut list = self.repairs.list.lock();
        for (number, place) in self.numbers.iter().zip(&self.places) {
            // One that failed again meanwhile stays.
            if list.numbers.get(place) == Some(number) {
                list.forget(place);
            }
        }
        list.batch = (list.batch * 2).min(BATCH);
        list.refused = None;
        self.repairs.count(&list);
    }

    /// The server will not remove them: they count as absent, and it is asked again later.
    pub(super) fn refused(self) {
        let mut list = self.repairs.list.lock();
        list.refused = Some(Instant::now());
        if let [number] = self.numbers[..] {
            list.from = number + 1;
        }
    }
}

impl<P: Clone + Eq + Hash> Drop for Batch<'_, P> {
    fn drop(&mut self) {
        let mut list = self.repairs.list.lock();
        if !self.answered {
            list.batch = (self.places.len() / 2).max(1);
        }
        if list.mending.is_some_and(|(number, _)| number == self.number) {
            list.mending = None;
        }
        drop(list);
        self.repairs.mended.notify(usize::MAX);
    }
}

impl<P: Clone + Eq + Hash> Change<'_, P> {
    /// The entries are as they were to be.
    pub(super) fn made(mut self) {
        self.made = true;
        self.repairs.settle(self.places, self.began);
    }
}

impl<P: Clone + Eq + Hash> Drop for Change<'_, P> {
    fn drop(&mut self) {
        if !self.made {
            self.repairs.add(self.places);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(repairs: &Repairs<u32>) -> Mending<'_, u32> {
        repairs.begin(Instant::now() + Duration::from_secs(60))
    }

    fn batch(repairs: &Repairs<u32>) -> Batch<'_, u32> {
        match begin(repairs) {
            Mending::Remove(batch) => batch,
            _ => panic!("nothing to remove"),
        }
    }

    /// Lets the time pass after which a server is asked again that refused.
    fn wait_for_respite(repairs: &Repairs<u32>) {
        repairs.list.lock().refused = None;
    }

    #[test]
    fn what_was_not_removed_stays() {
        let repairs = Repairs::new();
        repairs.add(&[1, 2]);
        drop(batch(&repairs));
        batch(&repairs).removed();
        batch(&repairs).removed();
        assert!(matches!(begin(&repairs), Mending::Nothing));
    }

    #[test]
    fn what_fails_again_meanwhile_stays() {
        let repairs = Repairs::new();
        repairs.add(&[1, 2]);
        let removing = batch(&repairs);
        repairs.add(&[2]);
        assert!(matches!(begin(&repairs), Mending::Wait(..)));
        removing.removed();
        assert_eq!(batch(&repairs).places, [2]);
    }

    #[test]
    fn one_that_takes_too_long_is_not_waited_for() {
        let repairs = Repairs::new();
        repairs.add(&[1]);
        let Mending::Remove(held) = repairs.begin(Instant::now()) else {
            panic!("nothing to remove")
        };
        let other = batch(&repairs);
        drop(held);
        assert!(matches!(begin(&repairs), Mending::Wait(..)), "the other goes on");
        other.removed();
        assert_eq!(repairs.pending(), 0);
    }

    #[test]
    fn what_the_server_will_not_remove_stays_and_holds_nobody_up() {
        let repairs = Repairs::new();
        repairs.add(&[1, 2]);
        batch(&repairs).refused();
        assert!(matches!(begin(&repairs), Mending::Nothing));
        assert!(repairs.names(&1) && repairs.names(&2));
        repairs.begin_change(&[1]).made();
        assert!(!repairs.names(&1) && repairs.names(&2));
    }

    #[test]
    fn one_that_the_server_will_not_remove_does_not_keep_the_others_here() {
        let repairs = Repairs::new();
        repairs.add(&Vec::from_iter(0..100));
        for _ in 0..40 {
            wait_for_respite(&repairs);
            while let Mending::Remove(batch) = begin(&repairs) {
                match batch.places.contains(&7) {
                    true => batch.refused(),
                    false => batch.removed(),
                }
            }
        }
        assert_eq!((repairs.pending(), repairs.names(&7)), (1, true));
    }

    #[test]
    fn a_server_too_slow_for_many_gets_on_with_few() {
        let repairs = Repairs::new();
        repairs.add(&Vec::from_iter(0..2_000));
        for _ in 0..2_000 {
            match begin(&repairs) {
                Mending::Remove(batch) if batch.places.len() > 100 => drop(batch),
                Mending::Remove(batch) => batch.removed(),
                _ => return,
            }
        }
        panic!("{} are left", repairs.pending());
    }

    #[test]
    fn a_change_that_fails_or_is_dropped_is_repaired() {
        let repairs = Repairs::new();
        drop(repairs.begin_change(&[1]));
        assert!(repairs.names(&1));
    }

    #[test]
    fn a_change_does_not_settle_what_failed_after_it_began() {
        let repairs = Repairs::new();
        let change = repairs.begin_change(&[1]);
        repairs.add(&[1]);
        change.made();
        assert!(repairs.names(&1), "the other write may come later");
        repairs.begin_change(&[1]).made();
        assert!(!repairs.names(&1));
    }

    #[test]
    fn the_list_is_bounded_whatever_fails() {
        let repairs = Repairs::new();
        let many = u32::try_from(REMEMBERED).unwrap() + 10;
        repairs.add(&(0..many).collect::<Vec<_>>());
        assert_eq!((repairs.pending(), repairs.lost()), (REMEMBERED, 10));
        assert!(repairs.names(&10) && !repairs.names(&9), "the oldest gave way");
    }

    #[test]
    fn one_that_fails_again_and_again_takes_one_place() {
        let repairs = Repairs::new();
        repairs.add(&[1]);
        for _ in 0..REMEMBERED + 10 {
            repairs.add(&[7]);
        }
        assert_eq!((repairs.pending(), repairs.lost()), (2, 0));
        assert_eq!(repairs.list.lock().places.len(), 2);
        assert_eq!(batch(&repairs).places, [1, 7]);
    }
}
