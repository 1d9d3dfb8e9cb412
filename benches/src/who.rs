//! The names of the contenders.

use std::fmt;

/// The contenders, in the order in which tables show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Ours: `#[ring]` and `#[ring_impl]`.
    Ring,
    /// The storage of ours, looked up with the key of the call.
    RingStorage,
    /// `#[cached(max_size)]`.
    Cached,
    /// `#[concurrent_cached(max_size)]`.
    ConcurrentCached,
    /// `quick_cache`, looked up with a key that is written by hand and borrows.
    QuickBorrowed,
    /// `quick_cache`, looked up with an owned key.
    QuickOwned,
    /// `moka`, sync.
    Moka,
    /// `foyer-memory`.
    Foyer,
    /// `schnellru` in a mutex.
    Schnellru,
    /// `lru` in a mutex.
    Lru,
    /// `#[memoize(SharedCache, Capacity)]`.
    Memoize,
    /// `papaya`: a concurrent map without a bound.
    Papaya,
    /// A hash table without a lock and without a bound.
    Floor,
}

impl Who {
    /// All of them.
    pub const ALL: [Who; 13] = [
        Who::Ring,
        Who::RingStorage,
        Who::Cached,
        Who::ConcurrentCached,
        Who::QuickBorrowed,
        Who::QuickOwned,
        Who::Moka,
        Who::Foyer,
        Who::Schnellru,
        Who::Lru,
        Who::Memoize,
        Who::Papaya,
        Who::Floor,
    ];

    /// Whether it is a bounded cache that is not ours.
    pub fn is_peer(self) -> bool {
        self.is_bounded() && !matches!(self, Who::Ring | Who::RingStorage)
    }

    /// Whether it evicts entries.
    pub fn is_bounded(self) -> bool {
        !matches!(self, Who::Papaya | Who::Floor)
    }

    /// Whether concurrent calls with one key compute once, in the form that is measured here.
    pub fn has_single_flight(self) -> bool {
        matches!(self, Who::Ring | Who::QuickBorrowed | Who::QuickOwned | Who::Moka)
    }

    /// The contender of a name.
    pub fn named(name: &str) -> Option<Who> {
        Who::ALL.into_iter().find(|who| who.name() == name)
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Who::Ring => "**`#[ring]`**",
            Who::RingStorage => "its `Lru::get`",
            Who::Cached => "`#[cached]`",
            Who::ConcurrentCached => "`#[concurrent_cached]`",
            Who::QuickBorrowed => "quick_cache, borrowed key",
            Who::QuickOwned => "quick_cache, owned key",
            Who::Moka => "moka",
            Who::Foyer => "foyer-memory",
            Who::Schnellru => "schnellru in a mutex",
            Who::Lru => "lru in a mutex",
            Who::Memoize => "`#[memoize]`",
            Who::Papaya => "papaya, no bound",
            Who::Floor => "hashbrown, no lock",
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
