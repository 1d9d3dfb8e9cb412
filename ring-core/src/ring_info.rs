//! The rings of this process, and their storages, as data.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::account::Use;
use crate::key::Name;
use crate::ring::Ring;
use crate::stats::Stats;
use crate::storage_facts::{Description, StorageFacts};
use crate::sync::lasting::Ordering;
use crate::{used_rings, watched};

/// A used ring: see [`rings`].
///
/// It displays as one line.
#[derive(Clone, Debug)]
pub struct RingInfo {
    ring: &'static Ring,
    /// The uses of its storages.
    pub(crate) uses: Vec<Arc<Use>>,
    stats: Stats,
    service: Option<&'static str>,
}

/// All used rings of this process, in the order of their first use.
///
/// A ring is listed once for all its storages. A ring of services that are [watched](crate::watch) is listed once for each
/// of them, and once more for all other storages, if it was used on others. So all rows together count each call once.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// # use ring_cache::{Cache, Lru, Plain, Ring};
/// # let (ring, lru): (&'static Ring, _) = (Box::leak(Box::new(Ring::with_prefix("squares"))), Lru::<u32>::new(8));
/// # let square = |n: u32| Cache::new(ring, &lru).bind::<Plain<u32>, _, _>((n,), |(n,)| n * n).get_or_update();
/// square(7);
/// square(7);
/// for ring in ring_cache::rings() {
///     println!("{}: {} hits, {:?}", ring.name(), ring.stats().hits, ring.storage().entries());
/// }
/// ```
pub fn rings() -> Vec<RingInfo> {
    let services = watched::services();
    used_rings::all()
        .into_iter()
        .flat_map(|ring| rows(ring, &services))
        .collect()
}

/// The rows of one ring: one for each watched service, and one for the rest.
fn rows(ring: &'static Ring, services: &[watched::Service]) -> Vec<RingInfo> {
    let (live, past) = ring.account.uses();
    let mut rows: Vec<RingInfo> = Vec::new();
    let mut rest = RingInfo {
        ring,
        uses: Vec::new(),
        stats: past,
        service: None,
    };
    for used in live {
        let address = used.storage.address.load(Ordering::Relaxed);
        let Some(service) = services.iter().find(|service| service.contains(address)) else {
            rest.add(used);
            continue;
        };
        rows.push(RingInfo {
            ring,
            stats: used.stats(),
            uses: vec![used],
            service: Some(service.name),
        });
    }
    if rows.is_empty() || !rest.uses.is_empty() || rest.stats != Stats::default() {
        rows.push(rest);
    }
    rows
}

impl RingInfo {
    #[cfg(feature = "inspect")]
    pub(crate) fn ring(&self) -> &'static Ring {
        self.ring
    }

    fn add(&mut self, used: Arc<Use>) {
        self.stats = self.stats.plus(&used.stats());
        self.uses.push(used);
    }

    /// The name that all keys of the ring begin with.
    pub fn name(&self) -> &'static str {
        self.ring.name().as_str()
    }

    /// The full name of the function: module, type and name. It is the ring's name, unless the ring has a `key_prefix`.
    pub fn function(&self) -> &'static str {
        self.ring.function()
    }

    /// The type of the watched service that owns the storage, if any.
    pub fn service(&self) -> Option<&'static str> {
        self.service
    }

    /// The counters: see [`rings`].
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The settings of the ring.
    pub fn settings(&self) -> Settings {
        Settings {
            expire: self.uses.last().and_then(|used| used.expiry()),
            coalesce: self.ring.coalesce,
            flight_timeout: self.ring.flight_timeout,
            lease: self.ring.lease,
        }
    }

    /// The storage. Of several, such as those of several instances of a service, the last used one.
    pub fn storage(&self) -> StorageInfo {
        StorageInfo(self.uses.last().map(|used| Arc::clone(&used.storage)))
    }

    /// The number of storages. Zero if all are dropped.
    pub fn storages(&self) -> usize {
        self.uses.len()
    }
}

impl fmt::Display for RingInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, stats, storage): (&Name, _, _) = (self.ring.name(), self.stats, self.storage());
        write!(
            f,
            "{name}: {} hits, {} misses, {} errors, on {storage}",
            stats.hits, stats.misses, stats.errors
        )?;
        match self.service {
            Some(service) => write!(f, " of {service}"),
            None => Ok(()),
        }
    }
}

/// The settings of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The expiry of the last stored value; `None` if it does not expire, or if none was stored.
    pub expire: Option<Duration>,
    /// Whether calls wait for each other's computations.
    pub coalesce: bool,
    /// The time that a call waits for another's computation before it computes itself.
    pub flight_timeout: Duration,
    /// The life of a lease, if one process computes for all.
    pub lease: Option<Duration>,
}

/// A storage without its type.
///
/// It displays as one line.
#[derive(Clone, Debug)]
pub struct StorageInfo(Option<Arc<StorageFacts>>);

impl StorageInfo {
    #[cfg(feature = "inspect")]
    pub(crate) fn of(facts: &Arc<StorageFacts>) -> Self {
        StorageInfo(Some(Arc::clone(facts)))
    }

    /// The type without its modules, such as `Lru<User>`. Empty if the storage was dropped.
    pub fn kind(&self) -> &str {
        self.described(|described| &*described.kind).unwrap_or_default()
    }

    /// The text before every key, such as `shop:`; empty without a namespace.
    pub fn namespace(&self) -> &str {
        self.described(|described| &*described.namespace)
            .unwrap_or_default()
    }

    /// The longest time that a plain call may occupy it. `None`: no limit, as in memory.
    pub fn deadline(&self) -> Option<Duration> {
        self.described(|described| described.deadline).flatten()
    }

    /// Whether it can fail, like storages outside the process.
    pub fn can_fail(&self) -> bool {
        self.described(|described| described.can_fail) == Some(true)
    }

    /// The most entries. `None`: unbounded or unknown.
    pub fn capacity(&self) -> Option<usize> {
        self.0.as_ref()?.capacity.get().copied()
    }

    /// The number of entries of all its rings. Only storages in memory count them.
    pub fn entries(&self) -> Option<u64> {
        self.0.as_ref()?.entries()
    }

    /// Entries of all its rings that were evicted for newer ones. Only storages in memory report them.
    pub fn evictions(&self) -> u64 {
        self.0.as_ref().map_or(0, |facts| facts.evictions())
    }

    /// Entries of all its rings that were found expired. Only storages in memory report them.
    pub fn expirations(&self) -> u64 {
        self.0.as_ref().map_or(0, |facts| facts.expirations())
    }

    fn described<'s, T>(&'s self, read: impl FnOnce(&'s Description) -> T) -> Option<T> {
        self.0.as_ref()?.description().map(read)
    }
}

impl fmt::Display for StorageInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        f.write_str(if kind.is_empty() {
            "a storage that is gone"
        } else {
            kind
        })?;
        if let Some(entries) = self.entries() {
            write!(f, " with {entries} entries")?;
        }
        match self.capacity() {
            Some(capacity) => write!(f, " of {capacity}"),
            None => Ok(()),
        }
    }
}
