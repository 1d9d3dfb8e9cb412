//! Accounts of rings: the counters of each ring, on each storage.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use crate::error::{Error, ErrorKind};
use crate::key::{KeyShape, Name};
use crate::observer::{self, EvictionReason};
use crate::stats::cells::{self, Cell, Counter};
use crate::stats::{Counters, Stats, Timed};
use crate::storage_facts::StorageFacts;
use crate::sync::lasting::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering, RwLock};
use crate::wait::remaining;

/// The account of all rings with one name: on one storage they are one ring.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: &'static Name,
    #[cfg(feature = "metrics")]
    pub(crate) published: crate::published::Published,
    uses: RwLock<Uses>,
}

/// The storages of a ring.
#[derive(Debug, Default)]
struct Uses {
    live: Vec<Arc<Use>>,
    /// The counters of dropped storages.
    past: Stats,
}

/// One per name; the program's rings bound their number.
static ACCOUNTS: LazyLock<Mutex<HashMap<u32, &'static Account>>> = LazyLock::new(Mutex::default);

/// One ring on one storage.
pub(crate) struct Use {
    pub(crate) account: &'static Account,
    pub(crate) shape: &'static KeyShape,
    pub(crate) storage: Arc<StorageFacts>,
    pub(crate) counters: Counters,
    /// Its cells: the current one, and those that it had before another ring came to the storage.
    cells: Mutex<Vec<Cell>>,
    /// The index of the current one.
    place: AtomicUsize,
    /// The expiry of the last stored value, in nanoseconds.
    expiry: AtomicU64,
    /// Whether a value without expiry was stored.
    stored_for_ever: AtomicBool,
    /// The last failure of the storage, as text.
    last_failure: Mutex<Option<String>>,
}

/// The expiry of values that do not expire.
const NEVER: u64 = u64::MAX;

impl Account {
    /// The account of the rings of this name.
    pub(crate) fn of(name: &'static Name) -> &'static Account {
        let mut accounts = ACCOUNTS.lock();
        accounts.entry(name.id()).or_insert_with(|| {
            Box::leak(Box::new(Account {
                name,
                #[cfg(feature = "metrics")]
                published: crate::published::Published::of(name.as_str()),
                uses: RwLock::default(),
            }))
        })
    }

    /// The unique number of this account.
    pub(crate) fn number(&self) -> usize {
        self.name.id() as usize
    }

    /// Adds a storage.
    pub(crate) fn begin_use(&self, used: &Arc<Use>) {
        self.uses.write().live.push(Arc::clone(used));
    }

    /// Removes a dropped storage, and keeps its counters.
    pub(crate) fn end_use(&self, used: &Use) {
        let mut uses = self.uses.write();
        if let Some(place) = uses.live.iter().position(|live| std::ptr::eq(&**live, used)) {
            let used = uses.live.swap_remove(place);
            uses.past = uses.past.plus(&used.stats());
        }
    }

    /// The storages, and the counters of dropped ones.
    pub(crate) fn uses(&self) -> (Vec<Arc<Use>>, Stats) {
        let uses = self.uses.read();
        (uses.live.clone(), uses.past)
    }

    /// The sum of the counters on all storages.
    pub(crate) fn total_stats(&self) -> Stats {
        let (live, past) = self.uses();
        live.iter().fold(past, |stats, used| stats.plus(&used.stats()))
    }
}

impl Use {
    /// The use of a storage by a ring, which counts in `cell`.
    pub(crate) fn new(
        account: &'static Account,
        shape: &'static KeyShape,
        storage: Arc<StorageFacts>,
        cell: Option<Cell>,
    ) -> Arc<Self> {
        let place = cell.as_ref().map_or(cells::NO_BASE, Cell::place);
        Arc::new(Use {
            account,
            shape,
            storage,
            counters: Counters::default(),
            place: AtomicUsize::new(place),
            cells: Mutex::new(cell.into_iter().collect()),
            expiry: AtomicU64::new(NEVER),
            stored_for_ever: AtomicBool::new(false),
            last_failure: Mutex::default(),
        })
    }

    /// From now on counts in another cell; keeps the count of the old one.
    pub(crate) fn change_cell(&self, cell: Cell) {
        self.place.store(cell.place(), Ordering::Relaxed);
        self.cells.lock().push(cell);
    }

    /// Adds one to a counter.
    #[inline]
    pub(crate) fn count(&self, counter: Counter) {
        cells::count(self.place.load(Ordering::Relaxed), counter);
    }

    /// Begins to measure a body, if it is one that is measured: see [`Counters::time`].
    #[inline]
    pub(crate) fn time(&self, of_all: bool) -> Option<Timed> {
        let own = cells::own(self.place.load(Ordering::Relaxed));
        let computed = own.map_or(0, |counts| counts.of(Counter::Computed));
        self.counters.time(of_all, computed)
    }

    /// Counts the time of a look-up that may last until this instant.
    pub(crate) fn looked_up(&self, deadline: Option<Duration>, until: Instant) {
        if let (Some(deadline), Some(left)) = (deadline, remaining(Some(until))) {
            self.counters.looked_up(deadline.saturating_sub(left));
        }
    }

    /// Prepares this thread to count hits without allocating.
    #[inline]
    pub(crate) fn expect_hits(&self) {
        cells::prepare(self.place.load(Ordering::Relaxed));
    }

    pub(crate) fn stats(&self) -> Stats {
        let totals = cells::sum(self.cells.lock().iter().map(Cell::totals));
        self.counters.read(totals)
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, error: &Error) {
        self.counters.error(error.kind());
        if error.kind() == ErrorKind::Storage {
            *self.last_failure.lock() = Some(error.to_string());
        }
    }

    /// The last failure of the storage, as text.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.last_failure.lock().clone()
    }

    /// Counts a stored value, and notes its expiry.
    #[inline]
    pub(crate) fn stored(&self, expiry: Option<Duration>) {
        self.count(Counter::Store);
        let nanos = expiry.map_or(NEVER, crate::stats::nanos);
        self.expiry.store(nanos, Ordering::Relaxed);
        if expiry.is_none() {
            self.stored_for_ever.store(true, Ordering::Relaxed);
        }
    }

    /// The expiry of the last stored value.
    pub(crate) fn expiry(&self) -> Option<Duration> {
        let nanos = self.expiry.load(Ordering::Relaxed);
        (nanos != NEVER).then(|| Duration::from_nanos(nanos))
    }

    pub(crate) fn stored_for_ever(&self) -> bool {
        self.stored_for_ever.load(Ordering::Relaxed)
    }
}

impl Use {
    /// Counts and reports an entry that the storage dropped. Called without a lock.
    #[inline]
    pub(crate) fn lost(&self, reason: EvictionReason) {
        self.count(reason.counter());
        let ring = self.account.name.as_str();
        observer::each(|observer| match reason {
            EvictionReason::Capacity => observer.evicted(ring, reason),
            EvictionReason::Expired => observer.expired(ring),
        });
    }
}

/// Omits the account, which refers back to its uses.
impl fmt::Debug for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Use")
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}
