//! The modes of functions that may use tiers: the macros check the type of a storage where the user wrote it.
//!
//! They expect a storage of bytes, and tiers are one only through a ring's coder.

use ring_cache_core::generated::{Awaited, Blocking};
use ring_cache_core::storage::{AsyncStorage, Storage};

use super::Tiered;

/// Tiers have the modes of their far tier.
#[derive(Debug)]
pub struct AsTiers;

#[diagnostic::do_not_recommend]
impl<N, F: AsyncStorage<Vec<u8>>> Awaited<AsTiers, Vec<u8>> for Tiered<N, F> {
    type Call<C> = C;

    #[inline]
    fn call<C>(call: C) -> C {
        call
    }
}

#[diagnostic::do_not_recommend]
impl<N, F: Storage<Vec<u8>>> Blocking<AsTiers, Vec<u8>> for Tiered<N, F> {
    type Call<C> = C;

    #[inline]
    fn call<C>(call: C) -> C {
        call
    }
}
