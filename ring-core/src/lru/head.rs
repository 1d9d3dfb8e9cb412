//! An entry without its value.

use crate::key::KeyBytes;
use crate::sync::AtomicU32;

/// The key of an entry, and the numbers by which it is found and evicted.
pub(super) struct Head {
    pub(super) key: KeyBytes,
    /// The half of the key's hash by which the table finds it. The other half chooses the shard.
    pub(super) hash: u32,
    /// The policy's mark, which hits update.
    pub(super) mark: AtomicU32,
}

impl Head {
    pub(super) fn new(key: KeyBytes, hash: u32) -> Self {
        Head {
            key,
            hash,
            mark: AtomicU32::new(0),
        }
    }

    /// The policy's mark, under the exclusive lock.
    #[inline]
    pub(super) fn mark(&mut self) -> &mut u32 {
        self.mark.get_mut()
    }
}
