//! The line before one key.

use std::collections::VecDeque;

/// What an operation allows beside itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Others that share: it changes nothing.
    Shared,
    /// Nothing.
    Alone,
}

/// Who is at work on one key, and who waits for it, by their numbers.
///
/// Nobody overtakes: one that shares waits behind one that waits to be alone.
#[derive(Default)]
pub(super) struct Line {
    sharing: usize,
    alone: bool,
    /// Numbers rise from front to back.
    waiting: VecDeque<(u64, Access)>,
}

impl Line {
    /// Joins the line. Returns whether there is nobody to wait for.
    pub(super) fn enter(&mut self, number: u64, access: Access) -> bool {
        let admitted = self.waiting.is_empty() && self.has_room(access);
        if admitted {
            self.admit(access);
        } else {
            self.waiting.push_back((number, access));
        }
        admitted
    }

    /// Leaves the line, from work or from waiting. Returns those who are admitted for it.
    pub(super) fn leave(&mut self, number: u64, access: Access) -> Vec<u64> {
        match self
            .waiting
            .binary_search_by_key(&number, |(waiting, _)| *waiting)
        {
            Ok(place) => _ = self.waiting.remove(place),
            Err(_) if access == Access::Alone => self.alone = false,
            Err(_) => self.sharing -= 1,
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
        self.sharing == 0 && !self.alone && self.waiting.is_empty()
    }

    fn has_room(&self, access: Access) -> bool {
        !self.alone && (self.sharing == 0 || access == Access::Shared)
    }

    fn admit(&mut self, access: Access) {
        match access {
            Access::Shared => self.sharing += 1,
            Access::Alone => self.alone = true,
        }
    }
}
