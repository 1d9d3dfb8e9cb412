//! The seeds of key hashes.

use std::hash::BuildHasher;
use std::sync::LazyLock;

#[cfg(not(shuttle))]
use hashbrown::DefaultHashBuilder;

/// Without a seed, so that a schedule that failed fails again in another process.
#[cfg(shuttle)]
type DefaultHashBuilder = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

/// A hash that begins with a seed.
pub(super) type SeededHasher = <DefaultHashBuilder as BuildHasher>::Hasher;

/// The seed of the hashes of keys. It differs between processes.
#[derive(Clone, Debug)]
pub(crate) struct HashSeed(DefaultHashBuilder);

impl HashSeed {
    /// The seed of keys outside of rings. All storages share it, so that a kept hash is valid for each.
    pub(crate) fn shared() -> Self {
        static SHARED: LazyLock<HashSeed> = LazyLock::new(HashSeed::of_ring);
        SHARED.clone()
    }

    /// A seed for the keys of one ring.
    pub(crate) fn of_ring() -> Self {
        HashSeed(DefaultHashBuilder::default())
    }

    /// A hasher without input.
    #[inline]
    pub(super) fn hasher(&self) -> SeededHasher {
        self.0.build_hasher()
    }
}
