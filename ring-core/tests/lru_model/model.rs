//! A plain cache: the value of each key, and a list in the order of use.

use crate::step::Expiry;

/// The entry of a key.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    deadline: u64,
}

/// The deadline of an entry without expiry.
const NEVER: u64 = u64::MAX;

pub(crate) struct Model {
    pub(crate) capacity: usize,
    /// Whether the evicted entry is known.
    pub(crate) exact: bool,
    pub(crate) now: u64,
    pub(crate) length: usize,
    entries: Vec<Option<Entry>>,
    order: Order,
    pub(crate) evictions: u64,
    pub(crate) expirations: u64,
    /// The values that the step drops, as far as they are known.
    pub(crate) gone: Vec<u64>,
    /// The number of absent keys that the step added.
    pub(crate) added: usize,
    /// The number of entries that the step replaced before they expired.
    pub(crate) replaced: u64,
    /// Whether the step wrote several entries, one of which may be evicted for another.
    bulk: bool,
}

impl Model {
    pub(crate) fn new(capacity: usize, exact: bool, start: u64, keys: u32) -> Self {
        Model {
            capacity,
            exact,
            now: start,
            length: 0,
            entries: vec![None; keys as usize],
            order: Order::new(keys as usize),
            evictions: 0,
            expirations: 0,
            gone: Vec::new(),
            added: 0,
            replaced: 0,
            bulk: false,
        }
    }

    pub(crate) fn begin_step(&mut self) {
        (self.added, self.replaced, self.bulk) = (0, 0, false);
        self.gone.clear();
    }

    pub(crate) fn keys(&self) -> u32 {
        self.entries.len() as u32
    }

    pub(crate) fn was_bulk(&mut self) {
        self.bulk = true;
    }

    /// The number of replaced entries that may have been evicted earlier in the same step.
    pub(crate) fn replaced_in_bulk(&self) -> u64 {
        if self.bulk { self.replaced } else { 0 }
    }

    fn is_past(&self, deadline: u64) -> bool {
        deadline != NEVER && self.now >= deadline
    }

    fn deadline(&self, expiry: Expiry) -> u64 {
        match expiry {
            Expiry::Nanos(nanos) => self.now.saturating_add(nanos),
            Expiry::Never | Expiry::Longest => NEVER,
        }
    }

    pub(crate) fn advance(&mut self, by: u64) {
        self.now = self.now.saturating_add(by);
    }

    /// A look-up that counts as a use: the number of the value, and its remaining life.
    pub(crate) fn get(&mut self, key: u32) -> Option<(u64, Option<u64>)> {
        let Entry { number, deadline } = self.entries[key as usize]?;
        if self.is_past(deadline) {
            self.remove(key);
            return None;
        }
        self.order.use_last(key);
        Some((number, (deadline != NEVER).then(|| deadline - self.now)))
    }

    /// The remaining life of an entry, if there is one and it ends. No use.
    pub(crate) fn left(&self, key: u32) -> Option<Option<u64>> {
        let Entry { deadline, .. } = self.entries[key as usize]?;
        let ends = deadline != NEVER;
        (!self.is_past(deadline)).then(|| ends.then(|| deadline - self.now))
    }

    pub(crate) fn has(&self, key: u32) -> bool {
        self.entries[key as usize].is_some_and(|entry| !self.is_past(entry.deadline))
    }

    pub(crate) fn renew(&mut self, key: u32, expiry: Expiry) -> bool {
        let (live, deadline) = (self.has(key), self.deadline(expiry));
        if let Some(entry) = self.entries[key as usize].as_mut().filter(|_| live) {
            entry.deadline = deadline;
        }
        live
    }

    pub(crate) fn touch(&mut self, key: u32, expiry: Expiry) -> bool {
        match expiry {
            Expiry::Never => self.has(key),
            expiry => self.renew(key, expiry),
        }
    }

    pub(crate) fn remove(&mut self, key: u32) -> bool {
        let Some(entry) = self.take(key) else { return false };
        let past = self.is_past(entry.deadline);
        self.expirations += u64::from(past);
        !past
    }

    fn take(&mut self, key: u32) -> Option<Entry> {
        let entry = self.entries[key as usize].take()?;
        self.order.unlink(key);
        self.length -= 1;
        self.gone.push(entry.number);
        Some(entry)
    }

    pub(crate) fn write(&mut self, key: u32, number: u64, expiry: Expiry) {
        let entry = Entry {
            number,
            deadline: self.deadline(expiry),
        };
        if expiry == Expiry::Nanos(0) {
            self.remove(key);
            self.gone.push(number);
        } else if let Some(old) = self.entries[key as usize].replace(entry) {
            self.gone.push(old.number);
            let past = self.is_past(old.deadline);
            self.expirations += u64::from(past);
            self.replaced += u64::from(!past);
            self.order.use_last(key);
        } else {
            self.added += 1;
            self.length += 1;
            self.order.push(key);
            if self.exact && self.length > self.capacity {
                self.evict(self.order.first());
            }
        }
    }

    /// Evicts an entry.
    fn evict(&mut self, key: u32) {
        if let Some(entry) = self.take(key) {
            let past = self.is_past(entry.deadline);
            *(if past {
                &mut self.expirations
            } else {
                &mut self.evictions
            }) += 1;
        }
    }

    /// Notes that this value was evicted. Fails if it was absent.
    pub(crate) fn gave_way(&mut self, key: u32, number: u64) -> Result<(), String> {
        match self.entries[key as usize] {
            Some(entry) if entry.number == number => self.evict(key),
            _ => {
                return Err(format!(
                    "value {number} of key {key} was dropped, although it was absent"
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn clear(&mut self, concerns: impl Fn(u32) -> bool) {
        for key in 0..self.entries.len() as u32 {
            if concerns(key) {
                self.take(key);
            }
        }
    }
}

/// All keys in a ring of neighbours, from the least recently used; the last index stands for both ends.
struct Order {
    next: Vec<u32>,
    previous: Vec<u32>,
    end: u32,
}

impl Order {
    fn new(keys: usize) -> Self {
        let alone: Vec<_> = (0..=keys as u32).collect();
        Order {
            next: alone.clone(),
            previous: alone,
            end: keys as u32,
        }
    }

    fn first(&self) -> u32 {
        self.next[self.end as usize]
    }

    fn join(&mut self, one: u32, other: u32) {
        self.next[one as usize] = other;
        self.previous[other as usize] = one;
    }

    fn unlink(&mut self, key: u32) {
        self.join(self.previous[key as usize], self.next[key as usize]);
    }

    fn push(&mut self, key: u32) {
        self.join(self.previous[self.end as usize], key);
        self.join(key, self.end);
    }

    fn use_last(&mut self, key: u32) {
        self.unlink(key);
        self.push(key);
    }
}
