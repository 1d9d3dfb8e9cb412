//! Pending deletes: keys whose entries may be out of date after a failed write.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Far longer than any thread holds the lock.
#[cfg(feature = "remote")]
const LOCKED_FOR: std::time::Duration = std::time::Duration::from_millis(20);

/// Keys in the order of their last failures. Beyond `limit` keys, the oldest are forgotten.
#[derive(Debug)]
pub(crate) struct PendingDeletes<K> {
    limit: usize,
    /// Read without the lock: the only cost of a hit.
    len: AtomicUsize,
    forgotten: AtomicU64,
    /// The number of the next failure. Raised with the table locked.
    next: AtomicU64,
    table: Mutex<Table<K>>,
}

#[derive(Debug)]
struct Table<K> {
    /// The number of the last failure of each key.
    numbers: HashMap<K, u64>,
    keys: BTreeMap<u64, K>,
}

impl<K: Clone + Eq + Hash> PendingDeletes<K> {
    pub(crate) fn new(limit: usize) -> Self {
        PendingDeletes {
            limit,
            len: AtomicUsize::new(0),
            forgotten: AtomicU64::new(0),
            next: AtomicU64::new(0),
            table: Mutex::new(Table {
                numbers: HashMap::new(),
                keys: BTreeMap::new(),
            }),
        }
    }

    /// The same keys in a forked child. Does not wait for a lock that a thread of the parent held: that thread does not
    /// exist here.
    #[cfg(feature = "remote")]
    pub(crate) fn inherited(&self) -> Self {
        let inherited = PendingDeletes::new(self.limit);
        if let Some(table) = self.table.try_lock_for(LOCKED_FOR) {
            inherited.add(table.keys.values().cloned());
        }
        inherited
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::SeqCst)
    }

    /// How many keys were forgotten.
    #[cfg(feature = "remote")]
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Relaxed)
    }

    /// The number that the next failure will have.
    #[cfg(feature = "remote")]
    pub(crate) fn next_failure(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }

    pub(crate) fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.len() > 0 && self.table.lock().numbers.contains_key(key)
    }

    /// Adds keys, each with a new failure number.
    pub(crate) fn add(&self, keys: impl IntoIterator<Item = K>) {
        let mut table = self.table.lock();
        for key in keys {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            if let Some(before) = table.numbers.insert(key.clone(), number) {
                table.keys.remove(&before);
            }
            table.keys.insert(number, key);
        }
        while table.numbers.len() > self.limit {
            table.forget_oldest();
            self.forgotten.fetch_add(1, Ordering::Relaxed);
        }
        self.count(&table);
    }

    /// At most `count` keys, the oldest first, from failure number `from` on; and the number after their last failure, for
    /// [settle](Self::settle).
    pub(crate) fn oldest(&self, from: u64, count: usize) -> (Vec<K>, u64) {
        if self.len() == 0 {
            return (Vec::new(), from);
        }
        let table = self.table.lock();
        let oldest = || table.keys.range(from..).take(count);
        let next = oldest().last().map_or(from, |(number, _)| number + 1);
        (oldest().map(|(_, key)| key.clone()).collect(), next)
    }

    /// Removes the `keys` whose last failure number is less than `before`. Keys that failed again stay.
    pub(crate) fn settle(&self, keys: &[K], before: u64) {
        if self.len() == 0 {
            return;
        }
        let mut table = self.table.lock();
        for key in keys {
            let number = table.numbers.get(key).copied();
            if let Some(number) = number.filter(|number| *number < before) {
                table.numbers.remove(key);
                table.keys.remove(&number);
            }
        }
        self.count(&table);
    }

    fn count(&self, table: &Table<K>) {
        self.len.store(table.numbers.len(), Ordering::SeqCst);
    }
}

impl<K: Eq + Hash> Table<K> {
    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.keys.pop_first() {
            self.numbers.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let pending = PendingDeletes::new(100);
        pending.add(0..110);
        assert_eq!(
            (pending.len(), pending.forgotten.load(Ordering::Relaxed)),
            (100, 10)
        );
        assert!(pending.contains(&10) && !pending.contains(&9));
    }

    #[test]
    fn a_key_that_fails_again_is_one_key_and_the_newest() {
        let pending = PendingDeletes::new(2);
        pending.add([1]);
        (0..10).for_each(|_| pending.add([7]));
        pending.add([1]);
        assert_eq!((pending.len(), pending.forgotten.load(Ordering::Relaxed)), (2, 0));
        assert_eq!(pending.oldest(0, 10), (vec![7, 1], 12));
    }

    #[test]
    fn a_key_is_settled_by_the_number_of_its_last_failure() {
        let pending = PendingDeletes::new(10);
        pending.add([1, 2]);
        pending.settle(&[1, 2, 3], 1);
        assert!(!pending.contains(&1) && pending.contains(&2));
    }
}
