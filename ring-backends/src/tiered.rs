//! Memory in front of a storage that is farther away.

mod fills;
mod view;
mod watched;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ring_cache_core::storage::CodedStorage;

use fills::Fills;
pub use view::{Near, TieredView};
use watched::Watched;

/// Two tiers: `near` is a memory storage of values, `far` a storage of bytes.
///
/// ```
/// use ring_cache::{Lru, Map, RingKey, ring_impl};
/// use ring_cache_backends::Tiered; // also `ring_cache::Tiered`, with the feature `tiered`
/// # use ring_cache::Map as Redis; // This is about the tiers: any storage of bytes will do.
///
/// #[derive(RingKey)]
/// struct Page {
///     url: String,
///     #[ring_key(skip)]
///     tier: Tiered<Lru<String>, Redis<Vec<u8>>>,
/// }
///
/// #[ring_impl(storage = self.tier as Tiered<Lru<String>, Redis<Vec<u8>>>, expire = "5m")]
/// impl Page {
///     #[ring]
///     fn content(&self) -> String {
///         format!("<h1>{}</h1>", self.url)
///     }
/// }
///
/// let page = Page { url: "http://example.com".into(), tier: Tiered::new(Lru::new(1_000), Redis::new()) };
/// page.content();
/// assert!(page.tier.far().peek(page.content_ring().key().as_str()).is_some());
/// ```
///
/// A value is looked for near, then far. One that is found far is put near, for as long as it will be there. `set`,
/// `update` and `delete` reach both, the far one first. The coder is the ring's, as for any storage of bytes, and only
/// the far tier needs it: a hit in the near one is a memory hit.
///
/// # What others change
///
/// If the far storage tells of changes, as [`Redis`](crate::Redis) does, values that another process changed or removed
/// are dropped from the near tier at once. Before it begins to tell, and when it ceases to, as when the connection is
/// lost or hangs, the near tier is emptied and left out: calls ask the far one. Who changes something hears of it as
/// well, so the first look-up after a `set` goes far.
///
/// If it does not, as Memcached, what lies near is as old as its expiry lets it become: give the near tier
/// [a shorter one](Self::near_expiry).
///
/// Clones are handles to the same tiers. What is asked of [`near`](Self::near) or [`far`](Self::far) directly is not kept
/// in step.
pub struct Tiered<N, F> {
    tiers: Arc<Tiers<N, F>>,
}

struct Tiers<N, F> {
    near: N,
    far: F,
    near_expiry: Option<Duration>,
    fills: Fills,
    watched: Watched,
    /// Whether the far storage tells of changes, asked when it is first used.
    tells: OnceLock<bool>,
}

impl<N, F> Tiered<N, F> {
    /// Puts `near` in front of `far`.
    pub fn new(near: N, far: F) -> Self {
        Self::with(near, far, None)
    }

    /// Keeps values near no longer than this, however long they live far away.
    #[must_use]
    pub fn near_expiry(self, expiry: Duration) -> Self
    where
        N: Clone,
        F: Clone,
    {
        Self::with(self.near().clone(), self.far().clone(), Some(expiry))
    }

    fn with(near: N, far: F, near_expiry: Option<Duration>) -> Self {
        Tiered {
            tiers: Arc::new(Tiers {
                near,
                far,
                near_expiry,
                fills: Fills::new(),
                watched: Watched::new(),
                tells: OnceLock::new(),
            }),
        }
    }

    /// The near tier.
    pub fn near(&self) -> &N {
        &self.tiers.near
    }

    /// The far tier.
    pub fn far(&self) -> &F {
        &self.tiers.far
    }

    /// Whether the far tier tells of changes just now.
    pub fn is_watching(&self) -> bool {
        self.tiers.watched.is_watching()
    }
}

impl<N, F> Tiers<N, F> {
    /// The shorter of an expiry and the near tier's own.
    fn near_expiry(&self, expiry: Option<Duration>) -> Option<Duration> {
        match (expiry, self.near_expiry) {
            (Some(expiry), Some(near)) => Some(expiry.min(near)),
            (expiry, near) => expiry.or(near),
        }
    }
}

impl<N, F> Clone for Tiered<N, F> {
    fn clone(&self) -> Self {
        Tiered {
            tiers: Arc::clone(&self.tiers),
        }
    }
}

impl<N: fmt::Debug, F: fmt::Debug> fmt::Debug for Tiered<N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tiered")
            .field("near", self.near())
            .field("far", self.far())
            .field("is_watching", &self.is_watching())
            .finish_non_exhaustive()
    }
}

impl<C, N, F> CodedStorage<C> for Tiered<N, F> {
    type View<'s>
        = TieredView<'s, N, F, C>
    where
        Self: 's;

    fn coded(&self) -> TieredView<'_, N, F, C> {
        TieredView::new(self)
    }
}
