//! The policy's data of an entry.

/// The data of an entry: the uses that are still counted until its turn (2 bits), times seen before that (3 bits), queue
/// (1 bit). A hit takes one from the first, unless it is zero: a comparison with zero is the shortest.
#[derive(Clone, Copy)]
pub(super) struct Mark(pub(super) u32);

impl Mark {
    pub(super) const MOST_USES: u8 = 3;
    pub(super) const MOST_SEEN: u8 = 7;

    #[inline]
    pub(super) fn new(queue: usize, seen: u8, uses: u8) -> Self {
        Mark(
            (queue as u32) << 5
                | u32::from(seen.min(Self::MOST_SEEN)) << 2
                | u32::from(Self::MOST_USES - uses),
        )
    }

    /// The uses since its turn, up to [`MOST_USES`](Self::MOST_USES).
    #[inline]
    pub(super) fn uses(self) -> u8 {
        Self::MOST_USES - (self.0 & 3) as u8
    }

    /// The same after one more use; `None` if no more are counted.
    #[inline(always)]
    pub(super) fn used(self) -> Option<Mark> {
        (self.0 & 3 != 0).then(|| Mark(self.0 - 1))
    }

    #[inline]
    pub(super) fn seen(self) -> u8 {
        (self.0 >> 2 & 7) as u8
    }

    #[inline]
    pub(super) fn queue(self) -> usize {
        (self.0 >> 5) as usize
    }
}
