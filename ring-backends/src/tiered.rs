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
/// A look-up asks near, then far. A value that is found far is put near, for its remaining life. `set`, `update` and
/// `delete` change both, far first. The ring's coder is needed for the far tier only: a hit in the near one is a memory hit.
///
/// # Changes by other processes
///
/// If the far storage reports changes, as [`Redis`](crate::Redis) does, values that another process changed or removed are
/// dropped from the near tier at once. Before reports begin, and when they end, because the connection is lost or hangs or
/// the process was stopped, the near tier is not used: calls ask the far one. A process gets reports of its own changes as
/// well, so the first look-up after a `set` goes far. All tiers on one server share a connection and a thread for this.
///
/// Other storages report nothing: near values then stay until they expire, so give the near tier
/// [a shorter expiry](Self::near_expiry). Do the same if the far storage cannot tell the remaining life of an entry, as a
/// storage of your own with the default [`read_expiring`](ring_cache_core::storage::Storage::read_expiring).
///
/// # When the far tier fails
///
/// With a [`near_expiry`](Self::near_expiry), which bounds the age of values, the near tier serves and stores values while
/// the far one is down. Without it, each call is computed.
///
/// Clones are handles to the same tiers. Direct operations on [`near`](Self::near) or [`far`](Self::far) do not change the
/// other tier.
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
    /// Whether near may have values whose age is bounded by reports of changes only.
    has_unbounded: AtomicBool,
    /// Whether the far storage reports changes; asked at the first use.
    reports_changes: OnceLock<bool>,
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
                reports_changes: OnceLock::new(),
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

    /// Whether the far tier reports changes at present.
    pub fn is_watching(&self) -> bool {
        self.tiers.trust.is_complete()
    }

    /// Why the far tier refuses to report changes, as a server does if its user may not use `CLIENT TRACKING`. The near tier
    /// is then used only if [`near_expiry`](Self::near_expiry) bounds the age of its values.
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
