//! Memory in front of a storage that is farther away.

mod colours;
mod fills;
mod trust;
mod view;
mod watched;

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ring_cache_core::storage::CodedStorage;

use fills::Fills;
use trust::Trust;
pub use view::{Near, TieredView};
use watched::Watched;

use crate::process::PerProcess;

/// Two tiers: `near` is a memory storage of values, `far` a storage of bytes.
///
/// ```no_run
/// # #[cfg(feature = "redis")]
/// # fn main() -> Result<(), ring_cache::Error> {
/// use ring_cache::{Lru, RingKey, ring_impl};
/// use ring_cache::{Redis, Tiered};
///
/// #[derive(RingKey)]
/// struct Page {
///     url: String,
///     #[ring_key(skip)]
///     tier: Tiered<Lru<String>, Redis>,
/// }
///
/// #[ring_impl(storage = self.tier as Tiered<Lru<String>, Redis>, expire = "5m")]
/// impl Page {
///     #[ring]
///     fn content(&self) -> String {
///         format!("<h1>{}</h1>", self.url)
///     }
/// }
///
/// let redis = Redis::open("redis://127.0.0.1")?.namespace("shop");
/// let page = Page { url: "http://example.com".into(), tier: Tiered::new(Lru::new(1_000), redis) };
/// page.content();
/// assert!(page.content_ring().has()?);
/// # Ok(()) }
/// # #[cfg(not(feature = "redis"))]
/// # fn main() {}
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
/// lost or hangs, or the process was stopped, the near tier is left out: calls ask the far one. Who changes something hears
/// of it as well, so the first look-up after a `set` goes far. All tiers on one server share a connection for this, and a
/// thread.
///
/// If it does not, as all others, what lies near is as old as its expiry lets it become: give the near tier
/// [a shorter one](Self::near_expiry). So do if it cannot say how long an entry will still be there, as a storage of your
/// own that leaves [`read_expiring`](ring_cache_core::storage::Storage::read_expiring) as it is.
///
/// # When the far tier fails
///
/// With a [`near_expiry`](Self::near_expiry), which bounds how old a value may be, the near tier serves what the far one
/// does not while that is down, and takes what is computed meanwhile. Without it, each call is computed.
///
/// Clones are handles to the same tiers. What is asked of [`near`](Self::near) or [`far`](Self::far) directly is not kept
/// in step.
pub struct Tiered<N, F> {
    tiers: Arc<Tiers<N, F>>,
    near_expiry: Option<Duration>,
}

struct Tiers<N, F> {
    near: N,
    far: F,
    /// Those of this process: a child does not have the threads that fill, or note keys.
    fills: PerProcess<Fills>,
    watched: PerProcess<Watched>,
    trust: Trust,
    /// Whether values may lie near whose age nothing bounds but the telling of changes.
    has_unbounded: AtomicBool,
    /// Whether the far storage tells of changes, asked when it is first used.
    tells: OnceLock<bool>,
}

impl<N, F> Tiers<N, F> {
    fn fills(&self) -> &Fills {
        self.fills.get(|_| Fills::new())
    }

    fn watched(&self) -> &Watched {
        self.watched.get(Watched::inherited)
    }
}

impl<N, F> Tiered<N, F> {
    /// Puts `near` in front of `far`.
    pub fn new(near: N, far: F) -> Self {
        Tiered {
            tiers: Arc::new(Tiers {
                near,
                far,
                fills: PerProcess::new(Fills::new()),
                watched: PerProcess::new(Watched::new()),
                trust: Trust::new(),
                has_unbounded: AtomicBool::new(false),
                tells: OnceLock::new(),
            }),
            near_expiry: None,
        }
    }

    /// Limits the life of near entries. Within this limit near serves values without reports of changes: while the far tier
    /// is down, or if it refuses to report. The limit applies to entries that this handle and its clones store.
    #[must_use]
    pub fn near_expiry(self, expiry: Duration) -> Self {
        Tiered {
            near_expiry: Some(expiry),
            ..self
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
        self.tiers.trust.is_complete()
    }

    /// Why the far tier does not tell of changes, if it refuses to, as a server does whose user may not `CLIENT TRACKING`. The
    /// near tier is used nonetheless if [`near_expiry`](Self::near_expiry) bounds the age of what lies there.
    pub fn watch_error(&self) -> Option<String> {
        self.tiers.trust.refusal()
    }
}

impl<N, F> Clone for Tiered<N, F> {
    fn clone(&self) -> Self {
        Tiered {
            tiers: Arc::clone(&self.tiers),
            near_expiry: self.near_expiry,
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
        = TieredView<&'s Self, N, F, C>
    where
        Self: 's;

    type Whole<'s>
        = TieredView<&'s Self, N, F, C>
    where
        Self: 's;

    fn whole(&self) -> TieredView<&Self, N, F, C> {
        TieredView::new(self)
    }
}

impl<N, F> ring_cache_core::storage::HoldsBytes for Tiered<N, F> {}
