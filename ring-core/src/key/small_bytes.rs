//! The bytes of a key; short ones are stored inline.

use std::ops::Deref;
use std::sync::Arc;

/// The most bytes without allocation: the ring's identity, one number and a short string.
pub(super) const INLINE: usize = 22;

/// Immutable bytes; short ones are inline, padded with zeros. Clones share long ones.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum SmallBytes {
    Inline(InlineBytes),
    Heap(Arc<[u8]>),
}

/// Short bytes: copied and compared as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct InlineBytes {
    pub(super) length: u8,
    pub(super) bytes: [u8; INLINE],
}

impl Deref for SmallBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            SmallBytes::Inline(InlineBytes { length, bytes }) => &bytes[..usize::from(*length)],
            SmallBytes::Heap(bytes) => bytes,
        }
    }
}

/// Bytes being collected.
pub(crate) enum Collector {
    Inline(InlineBytes),
    Heap(Vec<u8>),
}

impl Collector {
    #[inline]
    pub(crate) fn new() -> Self {
        Collector::Inline(InlineBytes {
            length: 0,
            bytes: [0; INLINE],
        })
    }

    #[inline]
    pub(crate) fn finish(self) -> SmallBytes {
        match self {
            Collector::Inline(bytes) => SmallBytes::Inline(bytes),
            Collector::Heap(bytes) => SmallBytes::Heap(bytes.into()),
        }
    }

    #[inline(always)]
    pub(crate) fn append(&mut self, more: &[u8]) {
        if let Collector::Inline(InlineBytes { length, bytes }) = self
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
            Collector::Inline(InlineBytes { length, bytes }) => {
                let start = &bytes[..usize::from(*length)];
                let mut bytes = Vec::with_capacity(2 * (start.len() + more.len()));
                bytes.extend_from_slice(start);
                bytes.extend_from_slice(more);
                *self = Collector::Heap(bytes);
            }
            Collector::Heap(bytes) => bytes.extend_from_slice(more),
        }
    }
}
