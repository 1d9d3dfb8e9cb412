//! The key of one call: the ring's name and a segment for each bound value.

use super::name::Name;
use super::{KeyWriter, Reading, RingKey};

/// An argument that is not part of the key.
#[derive(Clone, Copy, Debug)]
pub struct Ignored<T>(pub T);

/// One bound value of a call: a segment of its key, or ignored.
pub trait KeyPart {
    /// Feeds the segment, if there is one.
    fn segment<W: KeyWriter>(&self, key: &mut W);
    /// The number of segments: one or none.
    const SEGMENTS: usize;

    /// Whether the text of the segment may match.
    fn may_read(_: Reading<'_>) -> bool {
        true
    }
}

impl<T: RingKey> KeyPart for T {
    #[inline(always)]
    fn segment<W: KeyWriter>(&self, key: &mut W) {
        key.begin_segment();
        self.ring_key(key);
        key.end_segment();
    }

    const SEGMENTS: usize = 1;

    fn may_read(reading: Reading<'_>) -> bool {
        T::may_read(reading)
    }
}

impl<T> KeyPart for Ignored<T> {
    #[inline(always)]
    fn segment<W: KeyWriter>(&self, _: &mut W) {}

    const SEGMENTS: usize = 0;
}

/// The bound values of a call, `self` first: tuples of up to sixteen.
pub trait KeyParts {
    /// Feeds all segments.
    fn segments<W: KeyWriter>(&self, key: &mut W);
    /// The number of segments of the key.
    const SEGMENTS: usize;

    /// Whether the text of a segment may match.
    fn may_read(segment: usize, reading: Reading<'_>) -> bool;
}

macro_rules! parts {
    ($($type:ident $index:tt)*) => {
        impl<$($type: KeyPart),*> KeyParts for ($($type,)*) {
            #[inline(always)]
            #[allow(unused_variables)]
            fn segments<W: KeyWriter>(&self, key: &mut W) {
                $(self.$index.segment(key);)*
            }

            const SEGMENTS: usize = 0 $(+ $type::SEGMENTS)*;

            #[allow(unused_variables, unused_assignments, unused_mut)]
            fn may_read(segment: usize, reading: Reading<'_>) -> bool {
                let mut before = 0;
                $(
                    if $type::SEGMENTS == 1 && segment == before {
                        return $type::may_read(reading);
                    }
                    before += $type::SEGMENTS;
                )*
                true
            }
        }
    };
}

parts!();
parts!(A 0);
parts!(A 0 B 1);
parts!(A 0 B 1 C 2);
parts!(A 0 B 1 C 2 D 3);
parts!(A 0 B 1 C 2 D 3 E 4);
parts!(A 0 B 1 C 2 D 3 E 4 F 5);
parts!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
parts!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
parts!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
parts!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
parts!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
parts!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);
parts!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12);
parts!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13);
parts!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14);
parts!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15);

/// The segments of a ring's keys, by their types.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyShape {
    pub(crate) segments: usize,
    pub(crate) may_read: fn(usize, Reading<'_>) -> bool,
}

impl KeyShape {
    #[inline]
    pub(crate) const fn of<P: KeyParts>() -> &'static Self {
        const {
            &KeyShape {
                segments: P::SEGMENTS,
                may_read: P::may_read,
            }
        }
    }
}

/// The key of one call of a ring, and its hash.
pub struct CallKey<'a, P> {
    name: &'a Name,
    parts: &'a P,
    hash: u64,
    /// Separates the entries of one test from those of others.
    #[cfg(feature = "testing")]
    salt: Option<u64>,
}

impl<'a, P: KeyParts> CallKey<'a, P> {
    /// The key of the ring `name` with these bound values.
    #[inline]
    pub fn new(name: &'a Name, parts: &'a P) -> Self {
        let mut key = CallKey {
            name,
            parts,
            hash: 0,
            #[cfg(feature = "testing")]
            salt: crate::switches::salt(),
        };
        key.hash = name.seed().hash(&key);
        key
    }
}

impl<P: KeyParts> RingKey for CallKey<'_, P> {
    #[inline(always)]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.ring(self.name);
        #[cfg(feature = "testing")]
        if let Some(salt) = self.salt {
            salt.segment(key);
        }
        self.parts.segments(key);
    }

    #[inline]
    fn known_hash(&self) -> Option<u64> {
        Some(self.hash)
    }
}
