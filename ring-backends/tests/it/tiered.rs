//! `Tiered`: memory in front of another storage.

#[cfg(feature = "redis")]
mod changed_elsewhere;
mod cleanup;
mod dropping;
#[cfg(feature = "redis")]
mod evicted;
mod far;
#[cfg(feature = "redis")]
mod lost;
#[cfg(feature = "redis")]
mod outage;
mod overlapping;
mod stress;
mod verbs;

use ring_cache::coder::Json;
use ring_cache::storage::CodedStorage;
use ring_cache::{Key, Lru, RingKey, ring_impl};
use ring_cache_backends::Tiered;

use far::Far;

type Tier = Tiered<Lru<u32>, Far>;
type View<'t> = <Tier as CodedStorage<Json>>::View<'t>;

fn tier(far: &Far) -> Tier {
    Tiered::new(Lru::new(100), far.clone())
}

/// The tiers as a ring with the coder `Json` sees them.
fn view(tier: &Tier) -> View<'_> {
    CodedStorage::<Json>::coded(tier)
}

#[derive(RingKey)]
struct Numbers {
    #[ring_key(skip)]
    tier: Tier,
}

#[ring_impl(storage = self.tier as Tier, coder = Json)]
impl Numbers {
    #[ring]
    fn number(&self, id: u32) -> u32 {
        id
    }
}

fn key(tier: &Tier) -> Key {
    Numbers { tier: tier.clone() }.number_ring(7).key()
}
