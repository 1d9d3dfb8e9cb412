//! A plain model of an `Lru`.
//!
//! With an exact order the model knows the evicted entry. Otherwise it may be any: the model knows the number of evicted
//! entries, and learns which ones when they are looked up.

/// The observable state of the `Lru` after an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) len: usize,
    pub(crate) evictions: u64,
    pub(crate) expirations: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    value: u32,
    /// In nanoseconds; `None` without expiry.
    deadline: Option<u64>,
    used: u64,
}

#[derive(Debug)]
pub(crate) struct Model {
    /// By the numbers of keys.
    entries: Vec<Option<Entry>>,
    count: usize,
    /// The number of evicted entries.
    lost: usize,
    /// The order of use is exact, so the model knows each eviction.
    exact: bool,
    capacity: usize,
    /// Entries are evicted only from this number on.
    full_from: usize,
    now: u64,
    uses: u64,
    seen: Seen,
}

enum State {
    Absent,
    Live(Entry),
    Expired,
}

impl Model {
    pub(crate) fn new(keys: usize, capacity: usize, shards: usize, exact: bool) -> Self {
        Model {
            entries: vec![None; keys],
            count: 0,
            lost: 0,
            exact,
            capacity,
            full_from: capacity / shards,
            now: 0,
            uses: 0,
            seen: Seen::default(),
        }
    }

    pub(crate) fn advance(&mut self, nanos: u64) {
        self.now = self.now.saturating_add(nanos);
    }

    /// A look-up.
    pub(crate) fn got_value(&mut self, key: usize, answer: Option<u32>, after: Seen) {
        let left = match self.state(key) {
            State::Live(entry) => self.left(entry),
            _ => None,
        };
        self.got(key, answer.map(|value| (value, left)), after);
    }

    /// A look-up with the remaining life of the entry.
    pub(crate) fn got(&mut self, key: usize, answer: Option<(u32, Option<u64>)>, after: Seen) {
        match (self.state(key), answer) {
            (State::Absent, None) => {}
            (State::Live(entry), Some((value, left))) => {
                assert_eq!(value, entry.value, "a wrong value");
                assert_eq!(left, self.left(entry));
                self.put(key, value, entry.deadline);
            }
            (State::Live(_), None) => self.miss(key),
            (State::Expired, None) => self.find_expired(key, after),
            (State::Absent | State::Expired, Some(found)) => panic!("{found:?} is not there"),
        }
        self.settle(after);
    }

    pub(crate) fn has(&mut self, key: usize, answer: bool, after: Seen) {
        match (self.state(key), answer) {
            (State::Live(_), false) => self.miss(key),
            (State::Live(_), true) | (_, false) => {}
            (_, true) => panic!("nothing is there"),
        }
        self.settle(after);
    }

    pub(crate) fn deleted(&mut self, key: usize, answer: bool, after: Seen) {
        match (self.state(key), answer) {
            (State::Absent, false) => {}
            (State::Live(_), true) => {
                self.forget(key);
                self.seen.len -= 1;
            }
            (State::Live(_), false) => self.miss(key),
            (State::Expired, false) => self.find_expired(key, after),
            (State::Absent | State::Expired, true) => panic!("nothing was there"),
        }
        self.settle(after);
    }

    pub(crate) fn renewed(&mut self, key: usize, expiry: u64, answer: bool, after: Seen) {
        match (self.state(key), answer) {
            (State::Live(entry), true) => {
                let deadline = self.deadline(expiry);
                self.entries[key] = Some(Entry { deadline, ..entry });
            }
            (State::Live(_), false) => self.miss(key),
            (_, false) => {}
            (_, true) => panic!("nothing was there"),
        }
        self.settle(after);
    }

    /// A value was set. `there` is the earlier result of [`has`](Self::has).
    pub(crate) fn set(&mut self, key: usize, value: u32, expiry: Option<u64>, there: bool, after: Seen) {
        if expiry == Some(0) {
            // A zero expiry removes the entry.
            self.deleted(key, there, after);
            return;
        }
        let deadline = expiry.and_then(|expiry| self.deadline(expiry));
        match self.state(key) {
            State::Live(_) => assert!(there, "what is lost was told apart before"),
            State::Expired if after.len > self.seen.len || after.evictions > self.seen.evictions => {
                self.miss(key);
                self.make_room(after);
            }
            // If it was evicted and another, expired one instead, the sums are the same.
            State::Expired => self.seen.expirations += 1,
            State::Absent => self.make_room(after),
        }
        if self.capacity > 0 {
            self.put(key, value, deadline);
        }
        self.settle(after);
    }

    /// All entries for which `concerned` is true were dropped.
    pub(crate) fn cleared(&mut self, concerned: impl Fn(usize) -> bool, after: Seen) {
        let mut known = 0;
        for key in 0..self.entries.len() {
            if self.entries[key].is_some() && concerned(key) {
                self.forget(key);
                known += 1;
            }
        }
        let dropped = self.seen.len.checked_sub(after.len);
        let lost = dropped.and_then(|dropped| usize::checked_sub(known, dropped));
        let left = lost.and_then(|lost| self.lost.checked_sub(lost));
        self.lost = left.expect("it drops what it is asked to, and nothing else");
        self.seen.len = after.len;
        self.settle(after);
    }

    /// Whether the model knows an entry, which may have been evicted.
    pub(crate) fn knows(&self, key: usize) -> bool {
        self.entries[key].is_some()
    }

    fn state(&self, key: usize) -> State {
        match self.entries[key] {
            None => State::Absent,
            Some(entry) if entry.deadline.is_some_and(|deadline| deadline <= self.now) => State::Expired,
            Some(entry) => State::Live(entry),
        }
    }

    fn left(&self, entry: Entry) -> Option<u64> {
        entry.deadline.map(|deadline| deadline - self.now)
    }

    /// An entry whose deadline overflows never expires.
    fn deadline(&self, expiry: u64) -> Option<u64> {
        Some(self.now.saturating_add(expiry)).filter(|&deadline| deadline != u64::MAX)
    }

    fn put(&mut self, key: usize, value: u32, deadline: Option<u64>) {
        self.uses += 1;
        let entry = Entry {
            value,
            deadline,
            used: self.uses,
        };
        self.count += usize::from(self.entries[key].replace(entry).is_none());
    }

    fn forget(&mut self, key: usize) {
        self.entries[key] = None;
        self.count -= 1;
    }

    /// An entry is absent: it is one of the evicted ones.
    fn miss(&mut self, key: usize) {
        assert!(self.lost > 0, "an entry is gone that did not give way");
        self.lost -= 1;
        self.forget(key);
    }

    /// An expired entry was looked up: it is gone now, or was before.
    fn find_expired(&mut self, key: usize, after: Seen) {
        if after.len == self.seen.len {
            self.miss(key);
            return;
        }
        self.forget(key);
        self.seen.len -= 1;
        self.seen.expirations += 1;
    }

    /// A new entry is added.
    fn make_room(&mut self, after: Seen) {
        if self.capacity == 0 {
            self.seen.evictions += 1;
            return;
        }
        if after.len > self.seen.len {
            assert!(self.seen.len < self.capacity);
            self.seen.len += 1;
            return;
        }
        assert!(self.seen.len >= self.full_from, "an entry gave way too early");
        if self.exact {
            let oldest = self.oldest();
            match self.state(oldest) {
                State::Expired => self.seen.expirations += 1,
                _ => self.seen.evictions += 1,
            }
            self.forget(oldest);
        } else {
            self.lost += 1;
            match after.expirations > self.seen.expirations {
                true => self.seen.expirations += 1,
                false => self.seen.evictions += 1,
            }
        }
    }

    fn oldest(&self) -> usize {
        let entries = self.entries.iter().enumerate();
        let used = entries.filter_map(|(key, entry)| entry.map(|entry| (entry.used, key)));
        used.min().expect("a full cache has entries").1
    }

    /// Checks the invariants.
    fn settle(&mut self, after: Seen) {
        assert_eq!(after, self.seen, "{} known, {} lost", self.count, self.lost);
        assert_eq!(self.count - self.lost, after.len);
        assert!(after.len <= self.capacity);
    }
}
