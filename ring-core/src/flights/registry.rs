//! The rings that keep entries in one storage. Rings whose keys could be equal keep away from it.

use crate::key::{KeyShape, Name, Reading};
use crate::ring::Ring;
use crate::sync::{AtomicUsize, Ordering, RwLock};

/// The rings of one storage.
#[derive(Default)]
pub(super) struct RingRegistry {
    rings: RwLock<Vec<Registered>>,
    /// The ring that was admitted last: in most storages the only one.
    latest: AtomicUsize,
}

#[derive(Clone, Copy)]
struct Registered {
    ring: &'static Ring,
    shape: &'static KeyShape,
    /// A ring that it conflicts with; itself, if another function has its name.
    rival: Option<&'static Ring>,
}

impl RingRegistry {
    /// Whether no other ring of the storage could have a key of this one.
    pub(super) fn admit(&self, ring: &'static Ring, shape: &'static KeyShape) -> bool {
        let identity = identity(ring, shape);
        if self.latest.load(Ordering::Relaxed) == identity {
            return true;
        }
        let known = self.find(identity);
        let known = known.unwrap_or_else(|| {
            self.register(Registered {
                ring,
                shape,
                rival: None,
            })
        });
        if known.rival.is_none() {
            self.latest.store(identity, Ordering::Relaxed);
        }
        known.rival.is_none()
    }

    /// The conflict that keeps a ring away from the storage, if there is one.
    pub(super) fn conflict(&self, ring: &'static Ring) -> Option<String> {
        let rings = self.rings.read();
        let mut rivals = rings.iter().filter(|known| std::ptr::eq(known.ring, ring));
        rivals
            .find_map(|known| known.rival)
            .map(|rival| message(ring, rival))
    }

    fn find(&self, wanted: usize) -> Option<Registered> {
        let rings = self.rings.read();
        rings
            .iter()
            .find(|known| identity(known.ring, known.shape) == wanted)
            .copied()
    }

    /// If the keys of two rings could be equal, both keep away: an entry of one could be read by the other.
    #[cold]
    fn register(&self, mut new: Registered) -> Registered {
        let mut rings = self.rings.write();
        for known in rings.iter_mut() {
            let meet = may_meet((known.ring.name(), known.shape), (new.ring.name(), new.shape));
            if meet || disagree(known.ring, new.ring) {
                known.rival.get_or_insert(new.ring);
                new.rival.get_or_insert(known.ring);
            }
        }
        if new.ring.name().is_taken() {
            new.rival.get_or_insert(new.ring);
        }
        if new.rival.is_some() {
            self.latest.store(0, Ordering::Relaxed);
        }
        rings.push(new);
        new
    }
}

/// Identifies a ring and its number of segments. A ring is larger than that many bytes, so the sums differ.
fn identity(ring: &'static Ring, shape: &'static KeyShape) -> usize {
    std::ptr::from_ref(ring).addr() + shape.segments + 1
}

fn message(ring: &Ring, rival: &Ring) -> String {
    let name = ring.name();
    if std::ptr::eq(ring, rival) {
        return format!(
            "another function has the name `{}` too: give one of them a `key_prefix`",
            ring.function()
        );
    }
    if disagree(ring, rival) {
        return format!(
            "`{}` and `{}` share the keys of `{name}`, and keep stale entries for {:?} and for {:?}: give both the same \
             `stale`, or one of them another `key_prefix`",
            ring.function(),
            rival.function(),
            ring.stale,
            rival.stale
        );
    }
    format!(
        "`{}` (`{name}`) and `{}` (`{}`) share a storage, and a key of one could be a key of the other: give one of them \
         another `key_prefix`",
        ring.function(),
        rival.function(),
        rival.name()
    )
}

/// Whether rings with the same keys keep stale entries for different times. One would take a stale entry of the other for
/// a fresh one.
fn disagree(one: &Ring, other: &Ring) -> bool {
    one.name() == other.name() && one.stale != other.stale
}

/// The name of a ring, and the segments of its keys.
type Shaped = (&'static Name, &'static KeyShape);

/// Whether a key of one could be a key of the other. Rings of one name and as many segments are one ring.
pub(crate) fn may_meet((one_name, one_shape): Shaped, (other_name, other_shape): Shaped) -> bool {
    if one_name == other_name {
        let same = one_shape.segments == other_shape.segments;
        return !same && (goes_on(one_shape, &[], other_shape) || goes_on(other_shape, &[], one_shape));
    }
    let rest = |long: &'static str, short: &str| long.strip_prefix(short)?.strip_prefix(':');
    let split = |rest: &'static str| rest.split(':').collect::<Vec<_>>();
    match (
        rest(other_name.as_str(), one_name.as_str()),
        rest(one_name.as_str(), other_name.as_str()),
    ) {
        (Some(rest), _) => goes_on(one_shape, &split(rest), other_shape),
        (_, Some(rest)) => goes_on(other_shape, &split(rest), one_shape),
        (None, None) => false,
    }
}

/// Whether a key of the ring `short` could be a key of `long`, whose name is the name of `short` and these texts.
fn goes_on(short: &KeyShape, rest: &[&str], long: &KeyShape) -> bool {
    let last = short.segments.checked_sub(1);
    for (place, text) in rest.iter().enumerate() {
        match last {
            Some(last) if place < last => {
                if !(short.may_read)(place, Reading::Whole(text)) {
                    return false;
                }
            }
            // The last segment may contain colons, so it may match the whole rest.
            Some(last) if place == last => {
                let all = rest[place..].join(":");
                return if long.segments == 0 {
                    (short.may_read)(last, Reading::Whole(&all))
                } else {
                    (short.may_read)(last, Reading::Start(&(all + ":")))
                };
            }
            _ => return false,
        }
    }
    let (left, others) = (short.segments - rest.len().min(short.segments), long.segments);
    let has_colon =
        |shape: &KeyShape| shape.segments > 0 && (shape.may_read)(shape.segments - 1, Reading::Colon);
    match left.cmp(&others) {
        std::cmp::Ordering::Equal => left > 0,
        std::cmp::Ordering::Less => left > 0 && has_colon(short),
        std::cmp::Ordering::Greater => others > 0 && has_colon(long),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyParts;

    fn ring(prefix: &str) -> &'static Ring {
        Box::leak(Box::new(Ring::with_prefix(prefix)))
    }

    fn meet<A: KeyParts, B: KeyParts>(one: &str, other: &str) -> bool {
        let pair = (
            (ring(one).name(), KeyShape::of::<A>()),
            (ring(other).name(), KeyShape::of::<B>()),
        );
        let there = may_meet(pair.0, pair.1);
        assert_eq!(there, may_meet(pair.1, pair.0), "{one} {other}");
        there
    }

    #[test]
    fn each_ring_is_registered_once() {
        let registry = RingRegistry::default();
        let (one, other) = (ring("one"), ring("another"));
        for ring in [one, other, one, other] {
            assert!(registry.admit(ring, KeyShape::of::<()>()));
        }
        assert_eq!(registry.rings.read().len(), 2);
    }

    #[test]
    fn prefixes_of_which_one_goes_on_are_told_by_the_types_of_segments() {
        assert!(meet::<(String,), (u32,)>("user", "user:posts"));
        assert!(!meet::<(u32,), (u32,)>("user", "user:posts"));
        assert!(!meet::<(bool,), (String,)>("user", "user:posts"));
        assert!(!meet::<(Option<u32>,), (String,)>("user", "user:posts"));
        assert!(!meet::<(u32, String), (u32,)>("user", "user:posts"));
        assert!(meet::<(String, u32), (u32,)>("user", "user:posts"));
        assert!(meet::<(String,), ()>("user", "user:posts"));
        assert!(!meet::<(u32,), ()>("user", "user:posts"));
        assert!(meet::<(u32,), ()>("user", "user:7"));
        assert!(!meet::<(), (u32,)>("user", "user:posts"));
        assert!(!meet::<(String, u32, u32), (u32,)>("user", "user:posts"));
        assert!(meet::<(String, u32, u32), (String,)>("user", "user:posts"));
        assert!(!meet::<(String,), (u32,)>("user", "users"));
        assert!(!meet::<(String,), (u32,)>("user", "user.posts"));
    }

    #[test]
    fn one_prefix_with_other_numbers_of_segments() {
        assert!(!meet::<(String,), (String,)>("user", "user"), "they are one ring");
        assert!(meet::<(String,), (String, u32)>("user", "user"));
        assert!(!meet::<(u32,), (u32, u32)>("user", "user"));
        assert!(!meet::<(), (u32,)>("user", "user"));
    }

    #[test]
    fn two_that_could_meet_keep_away_and_name_each_other() {
        let registry = RingRegistry::default();
        let (text, number) = (KeyShape::of::<(String,)>(), KeyShape::of::<(u32,)>());
        let (users, posts, others) = (ring("user"), ring("user:posts"), ring("others"));
        assert!(registry.admit(users, text));
        assert!(registry.conflict(users).is_none());
        assert!(!registry.admit(posts, number));
        assert!(
            !registry.admit(users, text),
            "an entry of the other ring could be found"
        );
        assert!(registry.admit(others, text));
        for ring in [users, posts] {
            let message = registry.conflict(ring).unwrap();
            assert!(
                message.contains("`user`") && message.contains("`user:posts`"),
                "{message}"
            );
        }
    }
}
