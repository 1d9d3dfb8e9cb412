//! The rings that keep entries in one storage: two whose keys could be equal are refused.

use crate::key::Name;
use crate::sync::{AtomicU64, Ordering, RwLock};

/// The rings of one storage.
#[derive(Default)]
pub(super) struct RingRegistry {
    rings: RwLock<Vec<(u32, usize)>>,
    /// The ring that was admitted last: the only one of most storages.
    latest: AtomicU64,
}

impl RingRegistry {
    pub(super) fn admit(&self, name: &Name, segments: usize) {
        let packed = u64::from(name.id()) << 32 | (segments as u64 + 1);
        if self.latest.load(Ordering::Relaxed) != packed {
            if !self.rings.read().contains(&(name.id(), segments)) {
                self.register(name, segments);
            }
            self.latest.store(packed, Ordering::Relaxed);
        }
    }

    #[cold]
    fn register(&self, name: &Name, segments: usize) {
        let mut rings = self.rings.write();
        for &(other, other_segments) in rings.iter() {
            let other = Name::of_id(other);
            assert!(
                name != other || segments == other_segments,
                "two rings with `key_prefix = \"{name}\"` share a storage, but their keys have {other_segments} and \
                 {segments} segments: give one of them another prefix"
            );
            assert!(
                !extends(name, other) && !extends(other, name),
                "the rings `{other}` and `{name}` share a storage and their keys could be equal: choose prefixes of \
                 which none is the other followed by `:`"
            );
        }
        let ring = (name.id(), segments);
        if !rings.contains(&ring) {
            rings.push(ring);
        }
    }
}

/// Whether the name `longer` is `shorter`, `:`, and more.
fn extends(longer: &Name, shorter: &Name) -> bool {
    longer
        .as_str()
        .strip_prefix(shorter.as_str())
        .is_some_and(|rest| rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ring_is_registered_once_also_the_first_of_the_process() {
        let registry = RingRegistry::default();
        let [_, another] = ["one", "another"].map(Name::chosen);
        let first = Name::of_id(0);
        for name in [first, another, first, another] {
            registry.admit(name, 0);
        }
        assert_eq!(*registry.rings.read(), [(0, 0), (another.id(), 0)]);
    }
}
