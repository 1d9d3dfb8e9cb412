//! The contenders: ours and its peers, one file each.

pub(crate) mod cached;
pub(crate) mod concurrent_cached;
pub(crate) mod floor;
pub(crate) mod foyer;
pub(crate) mod memoize;
pub(crate) mod moka;
pub(crate) mod mutexed_lru;
pub(crate) mod papaya;
pub(crate) mod quick;
pub(crate) mod ring;
pub(crate) mod schnellru;

use crate::keys::Borrowed;
use crate::peer::Visit;
use crate::values::Value;
use crate::who::Who;

/// Visits the contenders without a macro: memoized by hand, over any key and value.
pub fn by_hand<K: Borrowed, V: Value>(capacity: usize, visit: &mut impl Visit<K, V>) {
    visit.peer(Who::QuickBorrowed, || quick::Borrowing::new(capacity));
    visit.peer(Who::QuickOwned, || quick::Owning::new(capacity));
    visit.peer(Who::Moka, || moka::Moka::new(capacity));
    visit.peer(Who::Foyer, || foyer::Foyer::new(capacity));
    visit.peer(Who::Schnellru, || schnellru::Schnellru::new(capacity));
    visit.peer(Who::Lru, || mutexed_lru::Lru::new(capacity));
    visit.peer(Who::Papaya, papaya::Papaya::new);
    visit.peer(Who::Floor, floor::Floor::new);
}
