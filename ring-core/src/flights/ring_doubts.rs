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
    /// Begins a doubt. Returns whether it is a new one.
    pub(super) fn begin(&self, name: &'static Name, epoch: u64) -> bool {
        let mut rings = self.rings.lock();
        if let Some((_, since)) = rings.iter_mut().find(|(ring, _)| ring.id() == name.id()) {
            *since = epoch;
            return false;
        }
        rings.push((name, epoch));
        self.count.store(rings.len(), Ordering::SeqCst);
        true
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
