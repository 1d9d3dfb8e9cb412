//! The queue of operations on one key.

use std::collections::VecDeque;

/// How an operation shares its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Shared with others: it changes nothing.
    Shared,
    /// Exclusive.
    Exclusive,
}

/// The operations on one key that run or wait, by their numbers.
///
/// First in, first out: a shared operation waits behind an exclusive one that waits.
#[derive(Default)]
pub(super) struct KeyQueue {
    /// The number of running shared operations.
    shared: usize,
    /// Whether an exclusive operation runs.
    is_exclusive: bool,
    /// Numbers rise from front to back.
    waiting: VecDeque<(u64, Access)>,
}

impl KeyQueue {
    /// Joins the queue. Returns whether the operation may start now.
    pub(super) fn enter(&mut self, number: u64, access: Access) -> bool {
        let admitted = self.waiting.is_empty() && self.has_room(access);
        if admitted {
            self.admit(access);
        } else {
            self.waiting.push_back((number, access));
        }
        admitted
    }

    /// Leaves the queue, from running or from waiting. Returns the operations that this admits.
    pub(super) fn leave(&mut self, number: u64, access: Access) -> Vec<u64> {
        match self
            .waiting
            .binary_search_by_key(&number, |(waiting, _)| *waiting)
        {
            Ok(index) => _ = self.waiting.remove(index),
            Err(_) if access == Access::Exclusive => self.is_exclusive = false,
            Err(_) => self.shared -= 1,
        }
        let mut admitted = Vec::new();
        while let Some((number, access)) = self.waiting.front().copied()
            && self.has_room(access)
        {
            self.waiting.pop_front();
            self.admit(access);
            admitted.push(number);
        }
        admitted
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shared == 0 && !self.is_exclusive && self.waiting.is_empty()
    }

    fn has_room(&self, access: Access) -> bool {
        !self.is_exclusive && (self.shared == 0 || access == Access::Shared)
    }

    fn admit(&mut self, access: Access) {
        match access {
            Access::Shared => self.shared += 1,
            Access::Exclusive => self.is_exclusive = true,
        }
    }
}
