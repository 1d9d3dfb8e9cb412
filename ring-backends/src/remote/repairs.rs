//! The list of repairs: entries that may be out of date since a write to them failed.
//!
//! A write that failed may have been done, may be done later, or not at all. What lies there is not trusted any more: it
//! counts as absent, and is removed before the server is asked for anything else.

use std::collections::VecDeque;
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
    list: Mutex<List<P>>,
    /// Told when a batch was removed, or was not.
    mended: Event,
}

#[derive(Debug)]
struct List<P> {
    /// The number of the failure that put each here.
    numbers: HashMap<P, u64>,
    /// In the order of the failures. May name places that are not in the list any more.
    order: VecDeque<(u64, P)>,
    next: u64,
    mending: bool,
    /// When the server last refused to remove entries.
    refused: Option<Instant>,
}

/// What is to be done before the server is asked.
pub(super) enum Mending<'r, P: Clone + Eq + Hash> {
    /// Nothing.
    Nothing,
    /// These entries are to be removed.
    Remove(Batch<'r, P>),
    /// Another operation removes some.
    Wait(EventListener),
}

/// Entries that one operation removes. They stay in the list if it does not say that it did.
pub(super) struct Batch<'r, P: Clone + Eq + Hash> {
    repairs: &'r Repairs<P>,
    numbers: Vec<u64>,
    pub(super) places: Vec<P>,
}

impl<P: Clone + Eq + Hash> Repairs<P> {
    pub(super) fn new() -> Self {
        Repairs {
            pending: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            list: Mutex::new(List {
                numbers: HashMap::new(),
                order: VecDeque::new(),
                next: 0,
                mending: false,
                refused: None,
            }),
            mended: Event::new(),
        }
    }

    /// Remembers entries that are to be removed.
    pub(super) fn add<'p>(&self, places: impl IntoIterator<Item = &'p P>)
    where
        P: 'p,
    {
        let mut list = self.list.lock();
        for place in places {
            let number = list.next;
            list.next += 1;
            list.numbers.insert(place.clone(), number);
            list.order.push_back((number, place.clone()));
        }
        while list.order.len() > REMEMBERED {
            if list.drop_oldest() {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.pending.store(list.numbers.len(), Ordering::SeqCst);
    }

    /// How many entries are to be removed.
    pub(super) fn pending(&self) -> usize {
        self.pending.load(Ordering::SeqCst)
    }

    /// How many were forgotten, since there were too many.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Whether the entry at `place` is to be removed.
    pub(super) fn names(&self, place: &P) -> bool {
        self.pending() > 0 && self.list.lock().numbers.contains_key(place)
    }

    /// Forgets entries that were replaced or removed.
    pub(super) fn settle(&self, places: &[P]) {
        if self.pending() == 0 {
            return;
        }
        let mut list = self.list.lock();
        for place in places {
            list.numbers.remove(place);
        }
        self.settled(&mut list);
    }

    /// Brings what is derived from the list up to date, after places were removed from it.
    fn settled(&self, list: &mut List<P>) {
        let List { numbers, order, .. } = list;
        while order
            .front()
            .is_some_and(|(number, place)| numbers.get(place) != Some(number))
        {
            order.pop_front();
        }
        self.pending.store(numbers.len(), Ordering::SeqCst);
    }

    /// What is to be done before the server is asked.
    pub(super) fn begin(&self) -> Mending<'_, P> {
        if self.pending() == 0 {
            return Mending::Nothing;
        }
        let mut list = self.list.lock();
        if list.mending {
            // Listening begins under the lock, so that the end of the other cannot be missed.
            return Mending::Wait(self.mended.listen());
        }
        if list.refused.is_some_and(|refused| refused.elapsed() < RESPITE) {
            return Mending::Nothing;
        }
        let current = list.order.iter();
        let current = current.filter(|(number, place)| list.numbers.get(place) == Some(number));
        let (numbers, places): (Vec<_>, Vec<_>) = current.take(BATCH).cloned().unzip();
        if places.is_empty() {
            return Mending::Nothing;
        }
        list.mending = true;
        Mending::Remove(Batch {
            repairs: self,
            numbers,
            places,
        })
    }
}

impl<P: Clone + Eq + Hash> List<P> {
    /// Returns whether the oldest was still to be removed.
    fn drop_oldest(&mut self) -> bool {
        let Some((number, place)) = self.order.pop_front() else {
            return false;
        };
        let current = self.numbers.get(&place) == Some(&number);
        if current {
            self.numbers.remove(&place);
        }
        current
    }
}

impl<P: Clone + Eq + Hash> Batch<'_, P> {
    /// The entries are gone from the server.
    pub(super) fn removed(self) {
        let mut list = self.repairs.list.lock();
        for (number, place) in self.numbers.iter().zip(&self.places) {
            // One that failed again meanwhile stays.
            if list.numbers.get(place) == Some(number) {
                list.numbers.remove(place);
            }
        }
        list.refused = None;
        self.repairs.settled(&mut list);
    }

    /// The server will not remove them: they count as absent, and it is asked again later.
    pub(super) fn refused(self) {
        self.repairs.list.lock().refused = Some(Instant::now());
    }
}

impl<P: Clone + Eq + Hash> Drop for Batch<'_, P> {
    fn drop(&mut self) {
        self.repairs.list.lock().mending = false;
        self.repairs.mended.notify(usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(repairs: &Repairs<u32>) -> Batch<'_, u32> {
        match repairs.begin() {
            Mending::Remove(batch) => batch,
            _ => panic!("nothing to remove"),
        }
    }

    #[test]
    fn what_was_not_removed_stays() {
        let repairs = Repairs::new();
        repairs.add(&[1, 2]);
        drop(batch(&repairs));
        assert_eq!(batch(&repairs).places, [1, 2]);
        batch(&repairs).removed();
        assert!(matches!(repairs.begin(), Mending::Nothing));
    }

    #[test]
    fn what_fails_again_meanwhile_stays() {
        let repairs = Repairs::new();
        repairs.add(&[1, 2]);
        let removing = batch(&repairs);
        repairs.add(&[2]);
        assert!(matches!(repairs.begin(), Mending::Wait(_)));
        removing.removed();
        assert_eq!(batch(&repairs).places, [2]);
    }

    #[test]
    fn what_the_server_will_not_remove_stays_and_holds_nobody_up() {
        let repairs = Repairs::new();
        repairs.add(&[1, 2]);
        batch(&repairs).refused();
        assert!(matches!(repairs.begin(), Mending::Nothing));
        assert!(repairs.names(&1) && repairs.names(&2));
        repairs.settle(&[1]);
        assert!(!repairs.names(&1) && repairs.names(&2));
    }

    #[test]
    fn the_list_is_bounded_whatever_fails() {
        let repairs = Repairs::new();
        let many = u32::try_from(REMEMBERED).unwrap() + 10;
        repairs.add(&(0..many).collect::<Vec<_>>());
        assert_eq!((repairs.pending(), repairs.lost()), (REMEMBERED, 10));
        for _ in 0..many {
            repairs.add(&[7]);
        }
        assert_eq!(repairs.list.lock().order.len(), REMEMBERED);
        assert_eq!(repairs.pending(), 1);
        assert_eq!(batch(&repairs).places, [7]);
    }
}
