//! The weights of a shard's entries, if the cache has a weigher.

/// The weights of the entries of one shard, their total, and its limit.
pub(super) struct Weights {
    /// The weight of the entry in each slot.
    of_slots: Vec<u32>,
    total: u64,
    most: u64,
}

impl Weights {
    pub(super) fn new(most: u64) -> Self {
        Weights {
            of_slots: Vec::new(),
            total: 0,
            most,
        }
    }

    /// Whether an entry alone exceeds the limit.
    pub(super) fn is_too_heavy(&self, weight: u32) -> bool {
        u64::from(weight) > self.most
    }

    /// Whether one more entry of this weight has room.
    pub(super) fn have_room(&self, weight: u32) -> bool {
        self.total + u64::from(weight) <= self.most
    }

    /// Whether an entry of this weight has room in the place of another.
    pub(super) fn have_room_in(&self, slot: usize, weight: u32) -> bool {
        self.total - u64::from(self.of_slots[slot]) + u64::from(weight) <= self.most
    }

    pub(super) fn push(&mut self, weight: u32) {
        self.of_slots.push(weight);
        self.total += u64::from(weight);
    }

    pub(super) fn replace(&mut self, slot: usize, weight: u32) {
        let old = std::mem::replace(&mut self.of_slots[slot], weight);
        self.total = self.total - u64::from(old) + u64::from(weight);
    }

    pub(super) fn swap_remove(&mut self, slot: usize) {
        self.total -= u64::from(self.of_slots.swap_remove(slot));
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Checks the invariants.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn validate(&self, slots: usize) {
        assert_eq!(self.of_slots.len(), slots);
        let sum: u64 = self.of_slots.iter().copied().map(u64::from).sum();
        assert_eq!(self.total, sum);
        assert!(self.total <= self.most);
    }
}
