//! One recorded segment of a key, independent of its value.

use std::fmt;

use super::recorded::KeyBytes;
use super::replay::Replay;
use super::{KeyPart, KeyWriter, RingKey};

/// A recorded segment.
#[derive(Clone)]
pub struct Recorded(KeyBytes);

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorded")
    }
}

impl Recorded {
    /// Records the one segment of `part`.
    pub fn of<P: KeyPart>(part: &P) -> Self {
        struct Segment<'p, P>(&'p P);
        impl<P: KeyPart> RingKey for Segment<'_, P> {
            fn ring_key<W: KeyWriter>(&self, key: &mut W) {
                self.0.segment(key);
            }
        }
        Recorded(KeyBytes::of(&Segment(part)))
    }
}

impl RingKey for Recorded {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        Replay::of_bytes(&self.0.0).ring_key(key);
    }
}
