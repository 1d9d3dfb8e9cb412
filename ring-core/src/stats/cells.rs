//! Cells count what calls do: exactly, without waiting, and in no cache line shared between threads.
//!
//! Each thread has a table that only it writes, so no atomic addition is needed, and threads
//! do not contend for counters. A ring has a cell for each storage, at the same index in all tables. The index is a
//! number of the storage plus a number of the ring: a hit finds its cell by one addition. The number of a storage is
//! chosen so that no two sums are equal.
//!
//! A table that is too small is exchanged for a larger one when its thread first counts a cell that it lacks. New threads
//! reuse the tables of ended threads, with their counts. Threads that are ending count in a common table.

pub(crate) use super::counts::{Counter, Counts, Totals};
use crate::sync::lasting::Mutex;
use crate::sync::thread_slot;

/// The base of a storage without cells: no table is that large.
pub(crate) const NO_BASE: usize = usize::MAX / 2;

/// The smallest table.
const SMALLEST: usize = 32;

type Table = &'static [Counts];

fn combined(mut totals: Totals, others: Totals, combine: fn(u64, u64) -> u64) -> Totals {
    for (total, other) in totals.iter_mut().zip(others) {
        *total = combine(*total, other);
    }
    totals
}

/// The sum of the counts of several cells.
pub(crate) fn sum(totals: impl Iterator<Item = Totals>) -> Totals {
    totals.fold(Totals::default(), |sum, totals| {
        combined(sum, totals, u64::wrapping_add)
    })
}

std::thread_local! {
    static OWNED: Owned = const { Owned };
}

/// A thread's right to its table.
struct Owned;

impl Drop for Owned {
    fn drop(&mut self) {
        let table = thread_slot::replace_counts(&[]);
        TABLES.lock().free.push(table);
    }
}

static TABLES: Mutex<Tables> = Mutex::new(Tables {
    all: Vec::new(),
    free: Vec::new(),
    of_ending_threads: Vec::new(),
    taken: Vec::new(),
    first_free: 0,
});

struct Tables {
    all: Vec<Table>,
    /// Tables without a thread.
    free: Vec<Table>,
    of_ending_threads: Vec<Totals>,
    /// Whether a ring on a storage has the cell.
    taken: Vec<bool>,
    /// All cells before it are taken.
    first_free: usize,
}

/// This thread's counts in a cell, if it has them.
#[inline(always)]
pub(crate) fn own(cell: usize) -> Option<&'static Counts> {
    thread_slot::counts().get(cell)
}

/// Gives this thread the cell, unless the thread is ending.
#[inline]
pub(crate) fn prepare(cell: usize) {
    if own(cell).is_none() {
        exchange(cell);
    }
}

#[cold]
fn exchange(cell: usize) {
    if cell < NO_BASE && OWNED.try_with(|_| ()).is_ok() {
        let mut tables = TABLES.lock();
        thread_slot::replace_counts(tables.exchange(thread_slot::counts(), cell + 1));
    }
}

/// Counts in a cell that this thread may lack.
#[inline]
pub(crate) fn count(cell: usize, counter: Counter) {
    match own(cell) {
        Some(counts) => counts.add(counter),
        None => count_first(cell, counter),
    }
}

#[cold]
fn count_first(cell: usize, counter: Counter) {
    prepare(cell);
    match own(cell) {
        Some(counts) => counts.add(counter),
        None if cell < NO_BASE => TABLES.lock().count_at_the_end(cell, counter),
        None => {}
    }
}

impl Tables {
    /// A table of at least this size for a table that is too small.
    fn exchange(&mut self, small: Table, size: usize) -> Table {
        let size = size.next_power_of_two().max(SMALLEST);
        let free = self.free.iter().position(|table| table.len() >= size);
        let table = free.map(|place| self.free.swap_remove(place)).unwrap_or_else(|| {
            let table: Table = Box::leak((0..size).map(|_| Counts::default()).collect());
            self.all.push(table);
            table
        });
        if !small.is_empty() {
            self.free.push(small);
        }
        table
    }

    fn count_at_the_end(&mut self, cell: usize, counter: Counter) {
        let size = self.of_ending_threads.len().max(cell + 1);
        self.of_ending_threads.resize(size, Totals::default());
        self.of_ending_threads[cell][counter as usize] += 1;
    }

    fn totals(&self, cell: usize) -> Totals {
        let of_threads = self.all.iter().filter_map(|table| table.get(cell));
        sum(of_threads
            .map(Counts::read)
            .chain(self.of_ending_threads.get(cell).copied()))
    }

    fn is_free(&self, cell: usize) -> bool {
        cell < NO_BASE && !self.taken.get(cell).copied().unwrap_or(false)
    }

    fn take(&mut self, cell: usize) -> Cell {
        let size = self.taken.len().max(cell + 1);
        self.taken.resize(size, false);
        self.taken[cell] = true;
        while !self.is_free(self.first_free) {
            self.first_free += 1;
        }
        Cell {
            place: cell,
            before: self.totals(cell),
        }
    }
}

/// A cell of one ring on one storage, or of a storage. Dropping it after the last count frees it.
#[derive(Debug)]
pub(crate) struct Cell {
    place: usize,
    /// The counts of earlier owners when it was taken.
    before: Totals,
}

impl Cell {
    /// Its index in all tables.
    pub(crate) fn place(&self) -> usize {
        self.place
    }

    /// The counts of all threads.
    pub(crate) fn totals(&self) -> Totals {
        let totals = TABLES.lock().totals(self.place);
        combined(totals, self.before, u64::wrapping_sub)
    }

    /// Counts in it.
    #[inline]
    pub(crate) fn count(&self, counter: Counter) {
        count(self.place, counter);
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        let mut tables = TABLES.lock();
        tables.taken[self.place] = false;
        tables.first_free = tables.first_free.min(self.place);
    }
}

/// Takes a cell that belongs to no ring.
pub(crate) fn take_alone() -> Option<Cell> {
    take(NO_BASE, &[0]).1.pop()
}

/// Takes a cell for the last of these rings on the storage with this base, if it is free. Else takes new cells for all of
/// them. Returns the base, and the taken cells.
pub(crate) fn take(base: usize, rings: &[usize]) -> (usize, Vec<Cell>) {
    let mut tables = TABLES.lock();
    let Some(&last) = rings.last() else {
        return (base, Vec::new());
    };
    if base != NO_BASE && tables.is_free(base.wrapping_add(last)) {
        return (base, vec![tables.take(base.wrapping_add(last))]);
    }
    let bases = (tables.first_free..).map(|cell| cell.wrapping_sub(last));
    let is_free = |base: &usize| rings.iter().all(|ring| tables.is_free(base.wrapping_add(*ring)));
    let base = bases.into_iter().find(is_free).unwrap_or(NO_BASE);
    let cells = rings.iter().map(|ring| tables.take(base.wrapping_add(*ring)));
    (base, cells.collect())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell as ThreadCell;

    use super::*;

    fn only(cells: Vec<Cell>) -> Cell {
        cells.into_iter().next().expect("one cell was taken")
    }

    #[test]
    fn every_count_arrives_once_however_many_threads_count() {
        let (base, cells) = take(NO_BASE, &[7]);
        let cell = only(cells);
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| (0..10_000).for_each(|_| count(base.wrapping_add(7), Counter::Hit)));
            }
        });
        assert_eq!(cell.totals(), [400_000, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn counts_arrive_while_a_thread_ends() {
        struct AtTheEnd(usize);
        impl Drop for AtTheEnd {
            fn drop(&mut self) {
                count(self.0, Counter::Miss);
            }
        }
        std::thread_local!(static LAST: ThreadCell<Option<AtTheEnd>> = const { ThreadCell::new(None) });

        let (base, cells) = take(NO_BASE, &[3]);
        let (cell, place) = (only(cells), base.wrapping_add(3));
        for _ in 0..100 {
            let thread = std::thread::spawn(move || {
                LAST.set(Some(AtTheEnd(place)));
                count(place, Counter::Expiration);
            });
            thread.join().expect("it does not panic");
        }
        assert_eq!(cell.totals(), [0, 0, 100, 0, 0, 0, 0, 100]);
    }

    #[test]
    fn no_two_rings_on_storages_meet_and_none_inherits_counts() {
        let (mut bases, mut cells) = (Vec::new(), Vec::new());
        for storage in 0..40_usize {
            let rings = [5 + storage % 3, 90, 41 + storage % 7];
            let mut base = NO_BASE;
            for known in 1..=rings.len() {
                let (next, taken) = take(base, &rings[..known]);
                base = next;
                cells.extend(taken);
            }
            bases.push((base, rings));
        }
        let mut places: Vec<_> = bases
            .iter()
            .flat_map(|(base, rings)| rings.map(|ring| base.wrapping_add(ring)))
            .collect();
        places.iter().for_each(|place| count(*place, Counter::Hit));
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 120, "each has a cell of its own");
        assert_eq!(sum(cells.iter().map(Cell::totals))[0], 120);
        drop(cells);
        let (_, again) = take(NO_BASE, &[5]);
        assert_eq!(only(again).totals(), Totals::default());
    }
}
