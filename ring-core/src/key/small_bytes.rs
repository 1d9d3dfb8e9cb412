//! The bytes of a key, short ones in place.

use std::ops::Deref;
use std::sync::Arc;

/// Up to this many bytes need no allocation: the ring's identity, one number and a short string.
const INLINE: usize = 22;

/// Bytes that never change, short ones in place, and zeros after them. Clones share long ones.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum SmallBytes {
    Inline { length: u8, bytes: [u8; INLINE] },
    Heap(Arc<[u8]>),
}

impl SmallBytes {
    /// Collects exactly `length` bytes from `fill`, which is given the place to append them to.
    pub(crate) fn collect(length: usize, fill: impl FnOnce(&mut Collector)) -> Self {
        let mut collector = Collector::of(length);
        fill(&mut collector);
        collector.finish()
    }
}

impl Deref for SmallBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            SmallBytes::Inline { length, bytes } => &bytes[..usize::from(*length)],
            SmallBytes::Heap(bytes) => bytes,
        }
    }
}

/// Bytes while they are collected.
pub(crate) enum Collector {
    Inline { length: u8, bytes: [u8; INLINE] },
    Heap(Vec<u8>),
}

impl Collector {
    /// Room for so many bytes.
    fn of(length: usize) -> Self {
        if length <= INLINE {
            Collector::Inline {
                length: 0,
                bytes: [0; INLINE],
            }
        } else {
            Collector::Heap(Vec::with_capacity(length))
        }
    }

    fn finish(self) -> SmallBytes {
        match self {
            Collector::Inline { length, bytes } => SmallBytes::Inline { length, bytes },
            Collector::Heap(bytes) => SmallBytes::Heap(bytes.into()),
        }
    }

    #[inline(always)]
    pub(crate) fn append(&mut self, more: &[u8]) {
        if let Collector::Inline { length, bytes } = self
            && let Some(place) = bytes.get_mut(usize::from(*length)..usize::from(*length) + more.len())
        {
            place.copy_from_slice(more);
            *length += more.len() as u8;
        } else {
            self.append_to_heap(more);
        }
    }

    fn append_to_heap(&mut self, more: &[u8]) {
        match self {
            // A key that changes while it is fed has grown since it was counted.
            Collector::Inline { length, bytes } => {
                *self = Collector::Heap([&bytes[..usize::from(*length)], more].concat());
            }
            Collector::Heap(bytes) => bytes.extend_from_slice(more),
        }
    }
}
