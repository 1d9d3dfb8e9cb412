//! Rings whose entries may be out of date, because a clear failed or was abandoned.

use crate::key::{EncodedKey, Name};
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// The rings in doubt, each with the epoch at which its doubt began: entries that newer operations stored are trusted.
#[derive(Default)]
pub(super) struct RingDoubts {
    rings: Mutex<Vec<(&'static Name, u64)>>,
    /// Their number, so that without doubts nothing is locked.
    count: AtomicUsize,
}

impl RingDoubts {
    /// Begins a doubt, or renews it, and counts a new one in `doubts`: under the lock, since a call that finds the ring in
    /// doubt already relies on the count.
    pub(super) fn begin(&self, name: &'static Name, epoch: u64, doubts: &AtomicUsize) {
        let mut rings = self.rings.lock();
        if let Some((_, since)) = rings.iter_mut().find(|(ring, _)| ring.id() == name.id()) {
            // Epochs may arrive in another order than they were taken.
            *since = (*since).max(epoch);
            return;
        }
        rings.push((name, epoch));
        self.count.store(rings.len(), Ordering::SeqCst);
        doubts.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends a doubt that began before this epoch: all entries of that time are gone. Returns whether there was one.
    pub(super) fn end(&self, name: &Name, epoch: u64) -> bool {
        if self.count.load(Ordering::SeqCst) == 0 {
            return false;
        }
        let mut rings = self.rings.lock();
        let before = rings.len();
        rings.retain(|(ring, since)| ring.id() != name.id() || *since > epoch);
        self.count.store(rings.len(), Ordering::SeqCst);
        rings.len() < before
    }

    /// The epoch at which the doubt about a key's ring began, if there is one.
    pub(super) fn since(&self, key: &EncodedKey) -> Option<u64> {
        if self.count.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let rings = self.rings.lock();
        let ring = rings.iter().find(|(ring, _)| key.belongs_to(ring));
        ring.map(|(_, since)| *since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::CallKey;

    #[test]
    fn a_doubt_that_begins_again_is_one_doubt_and_does_not_become_older() {
        let (all, doubts, name) = (
            RingDoubts::default(),
            AtomicUsize::new(0),
            Name::chosen("doubted"),
        );
        let key = EncodedKey::of(&CallKey::new(name, &(1,)));
        for (epoch, since) in [(20, 20), (10, 20), (30, 30)] {
            all.begin(name, epoch, &doubts);
            assert_eq!((all.since(&key), doubts.load(Ordering::SeqCst)), (Some(since), 1));
        }
        assert!(!all.end(name, 29), "it began again after this removal");
        assert!(all.end(name, 30) && all.since(&key).is_none());
    }
}
