//! In which functions two tiers may be named: what the macros check of a storage's type, where the user wrote it.
//!
//! They look for a storage of bytes there, which two tiers are only through a ring's coder.

use ring_cache_core::generated::{Awaited, Blocking};
use ring_cache_core::storage::{AsyncStorage, Storage};

use super::Tiered;

/// Tiers are what their far tier is.
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
