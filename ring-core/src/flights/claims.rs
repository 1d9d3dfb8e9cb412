//! Which rings keep entries in a storage: two that could come to one key are refused.

use crate::name::Name;
use crate::sync::{AtomicU64, Ordering, RwLock};

/// The rings of one storage.
#[derive(Default)]
pub(super) struct Claims {
    rings: RwLock<Vec<(u32, usize)>>,
    /// The one that was admitted last, for a storage that has but one.
    latest: AtomicU64,
}

impl Claims {
    pub(super) fn admit(&self, name: &Name, segments: usize) {
        let packed = u64::from(name.id()) << 32 | (segments as u64 + 1);
        if self.latest.load(Ordering::Relaxed) != packed {
            if !self.rings.read().contains(&(name.id(), segments)) {
                self.claim(name, segments);
            }
            self.latest.store(packed, Ordering::Relaxed);
        }
    }

    #[cold]
    fn claim(&self, name: &Name, segments: usize) {
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
                "the rings `{other}` and `{name}` share a storage and could come to one key: choose prefixes of \
                 which none goes on with `:` where the other ends"
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
    fn each_ring_is_noted_once_the_first_of_the_process_as_well() {
        let claims = Claims::default();
        let [_, another] = ["one", "another"].map(Name::chosen);
        let first = Name::of_id(0);
        for name in [first, another, first, another] {
            claims.admit(name, 0);
        }
        assert_eq!(*claims.rings.read(), [(0, 0), (another.id(), 0)]);
    }
}
