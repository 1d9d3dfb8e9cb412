//! A ring: its name, its coalescing settings and its counters.

use std::any::TypeId;
use std::time::Duration;

use crate::account::Account;
use crate::errors::Errors;
use crate::freshness::Early;
use crate::key::{Name, TypeName};
use crate::shape::{RingShape, ShapeWriter};
use crate::sync::lasting::{AtomicBool, AtomicU64, Ordering};

/// The default of `flight_timeout`: the time that a call waits for another one's computation before it computes itself.
pub const DEFAULT_FLIGHT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time for which expired entries are kept. Each storage has a longest life: near it, the end of an entry's life
/// does not show its expiry. The numbers of Memcached end in 2038.
const LONGEST_STALE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Thirty days, in seconds.
const MONTH: u64 = 30 * 24 * 60 * 60;

/// The default of `retry`: the pause after a refresh that failed.
pub(crate) const DEFAULT_RETRY: Duration = Duration::from_secs(30);

/// The default time that a write waits for another write to the same key.
pub(crate) const DEFAULT_WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The identity and settings of a cached method. Generated code has a static for each.
#[derive(Debug)]
pub struct Ring {
    /// The account's name as well, which a hit reads.
    name: &'static Name,
    /// The full name of the function, if it differs from the ring's name.
    function: Box<str>,
    pub(crate) coalesce: bool,
    pub(crate) flight_timeout: Duration,
    pub(crate) write_timeout: Duration,
    /// The time for which entries are kept after they expired.
    pub(crate) stale: Duration,
    /// The pause after a refresh that failed.
    pub(crate) retry: Duration,
    /// The time for which a call that found a stale value waits for the new one; `None`: until the refresh ends.
    pub(crate) wait: Option<Duration>,
    /// The longest time that a plain call waits for a body, with the option `timeout`.
    pub(crate) timeout: Option<Duration>,
    /// When an entry is refreshed before it expires.
    pub(crate) early: Early,
    /// The moving average of the time that the body takes, in nanoseconds. Kept for [`Early::XFetch`].
    mean_nanos: AtomicU64,
    /// The life of a lease, if computations have one.
    pub(crate) lease: Option<Duration>,
    /// The largest part by which an expiry is shortened.
    pub(crate) jitter: f64,
    /// Whether entries of other rings depend on calls of this one.
    has_dependents: AtomicBool,
    /// Allocated for the first remembered error.
    pub(crate) errors: Errors,
    pub(crate) account: &'static Account,
    /// The number of its account.
    pub(crate) number: usize,
}

impl Ring {
    /// The ring of this name.
    pub fn new(name: &'static Name) -> Self {
        Ring {
            name,
            function: Box::default(),
            coalesce: true,
            flight_timeout: DEFAULT_FLIGHT_TIMEOUT,
            write_timeout: DEFAULT_WRITE_TIMEOUT,
            stale: Duration::ZERO,
            retry: DEFAULT_RETRY,
            wait: Some(Duration::ZERO),
            timeout: None,
            early: Early::Off,
            mean_nanos: AtomicU64::new(0),
            lease: None,
            jitter: 0.0,
            has_dependents: AtomicBool::new(false),
            errors: Errors::new(),
            account: Account::of(name),
            number: name.id() as usize,
        }
    }

    /// The ring with the user's `key_prefix`.
    pub fn with_prefix(prefix: &str) -> Self {
        Self::new(Name::chosen(prefix))
    }

    /// The ring with the user's `key_prefix` and another [full name](Self::declared). `arguments` writes the type arguments
    /// of one instantiation, and `class` the type whose name is in the key.
    pub fn with_prefix_of<Here, Site>(
        prefix: &str,
        module: &str,
        own_items: usize,
        site: Site,
        rest: fn(&mut TypeName),
        arguments: fn(&mut TypeName),
        class: Option<fn(&mut TypeName)>,
    ) -> Self {
        drop(site);
        let here = std::any::type_name::<Here>();
        let in_place = |rest: fn(&mut TypeName)| {
            let mut name = TypeName::default();
            name.place(here, module, own_items);
            rest(&mut name);
            name
        };
        let mut name = TypeName::default();
        arguments(&mut name);
        if let Some(class) = class {
            name.append(":", &in_place(class));
        }
        let name = Name::chosen_generic(prefix, &name, type_id::<(Site, Here)>());
        let function = in_place(rest).as_str().into();
        Ring {
            function,
            ..Self::new(name)
        }
    }

    /// The ring that is declared in `module` next to the local type `Here`, inside `own_items` items of its own;
    /// `rest` is the rest of its name. No other ring has the type `Site`. `shared` is whether keys may reach other
    /// processes.
    pub fn declared<Here, Site: 'static>(module: &str, own_items: usize, shared: bool, rest: &str) -> Self {
        let here = (std::any::type_name::<Here>(), TypeId::of::<Site>());
        Self::declared_here(here, module, own_items, shared, &|name| name.path(rest))
    }

    /// [`declared`](Self::declared) for an instantiation of a generic method: `site` is a value whose type no other ring
    /// has, such as a function item, and `rest` writes the rest of its name.
    pub fn declared_at<Here, Site>(
        module: &str,
        own_items: usize,
        site: Site,
        shared: bool,
        rest: fn(&mut TypeName),
    ) -> Self {
        drop(site);
        let here = (std::any::type_name::<Here>(), type_id::<(Site, Here)>());
        Self::declared_here(here, module, own_items, shared, &rest)
    }

    /// [`declared`](Self::declared) for a local type given by its name and identity: compiled once for all rings.
    fn declared_here(
        (here, id): (&str, TypeId),
        module: &str,
        own_items: usize,
        shared: bool,
        rest: &dyn Fn(&mut TypeName),
    ) -> Self {
        let mut name = TypeName::default();
        name.place(here, module, own_items);
        rest(&mut name);
        Self::new(Name::full(&name, id, shared))
    }

    /// The same ring with a version in its name: `name@version`. Entries of another version belong to another ring.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.function = self.function().into();
        let name = self.name().versioned(version);
        self.name = name;
        self.account = Account::of(name);
        self.number = name.id() as usize;
        self
    }

    /// [`version`](Self::version) by the fingerprint of the values' shape.
    #[must_use]
    pub fn version_of_shape<V: RingShape>(self) -> Self {
        self.version(&ShapeWriter::fingerprint_of::<V>())
    }

    /// Whether calls join other calls' computations. True by default.
    #[must_use]
    pub fn coalesce(mut self, coalesce: bool) -> Self {
        self.coalesce = coalesce;
        self
    }

    /// The time that a call waits for another's computation before it computes itself.
    #[must_use]
    pub fn flight_timeout(mut self, timeout: Duration) -> Self {
        self.flight_timeout = timeout;
        self
    }

    /// The time that a `set`, a `delete` or the store of a computed value waits for another write to the same key,
    /// which a task may hold without polling it. A write that takes longer is abandoned: its entry is removed when it
    /// ends.
    #[must_use]
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// The time for which entries are kept after they expired: at most a year. Zero, the default: not at all.
    #[must_use]
    pub fn stale(mut self, stale: Duration) -> Self {
        self.stale = stale.min(LONGEST_STALE);
        self
    }

    /// The life of an entry that is made stale. Storages round lives up, at most to seconds, and a longer life would be that
    /// of a fresh entry.
    pub(crate) fn stale_life(&self) -> Duration {
        let (seconds, millis) = (self.stale.as_secs(), u64::from(self.stale.subsec_millis()));
        match (seconds, millis) {
            (0, 0) => self.stale,
            (0, millis) => Duration::from_millis(millis),
            // Beyond this, Memcached takes a date, which is rounded up itself, and its clock may be some seconds late.
            (seconds, _) if seconds > MONTH => Duration::from_secs(seconds - 5),
            (seconds, _) => Duration::from_secs(seconds),
        }
    }

    /// The pause after a failed refresh of a stale entry.
    #[must_use]
    pub fn retry(mut self, retry: Duration) -> Self {
        self.retry = retry;
        self
    }

    /// The time for which a call that found a stale value waits for the new one, zero by default; `None`: until the
    /// refresh ends.
    #[must_use]
    pub fn wait(mut self, wait: Option<Duration>) -> Self {
        self.wait = wait;
        self
    }

    /// The longest time that a plain call waits for a body. `None`, the default: unlimited.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// When a plain call refreshes an entry that has not expired.
    #[must_use]
    pub fn early(mut self, early: Early) -> Self {
        self.early = early;
        self
    }

    /// The mean time that the body takes: the newest counts for an eighth.
    pub(crate) fn mean_time(&self) -> Duration {
        Duration::from_nanos(self.mean_nanos.load(Ordering::Relaxed))
    }

    /// The time before the expiry of an entry in which it may be refreshed.
    #[inline]
    pub(crate) fn margin(&self, expiry: Option<Duration>) -> Duration {
        self.early.margin(expiry, || self.mean_time())
    }

    /// Whether an entry with this much left until its expiry is refreshed, if that is within the margin.
    pub(crate) fn is_due(&self, left: Duration) -> bool {
        self.early.is_due(left, || self.mean_time())
    }

    /// The number of its last error that other calls get.
    pub(crate) fn last_error(&self) -> u64 {
        self.errors.get().map_or(0, |errors| errors.last())
    }

    /// Whether the ring needs the time of each body.
    #[inline]
    pub(crate) fn needs_times(&self) -> bool {
        self.early == Early::XFetch
    }

    /// The body took this long.
    pub(crate) fn note_time(&self, took: Duration) {
        if !self.needs_times() {
            return;
        }
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let mean = self.mean_nanos.load(Ordering::Relaxed);
        let mean = if mean == 0 {
            took
        } else {
            mean - mean / 8 + took / 8
        };
        self.mean_nanos.store(mean, Ordering::Relaxed);
    }

    /// The greatest part, from 0 to 1, by which expiries are shortened at random.
    #[must_use]
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = jitter.clamp(0.0, 1.0);
        self
    }

    /// Gives computations a lease among processes, which ends by itself after `life`. To be called after
    /// [`version`](Self::version): the lease belongs to the name.
    #[must_use]
    pub fn lease(mut self, life: Duration) -> Self {
        self.lease = Some(life);
        self.name.set_leased();
        self
    }

    /// The time for which a storage keeps an entry with this expiry, also while it is stale. Zero means that nothing is
    /// stored. `jitters` is whether the ring's jitter shortens it.
    pub(crate) fn life(&self, expiry: Duration, jitters: bool) -> Duration {
        let expiry = if jitters { self.jittered(expiry) } else { expiry };
        if expiry.is_zero() {
            expiry
        } else {
            expiry.saturating_add(self.stale)
        }
    }

    /// An expiry that is shortened at random, by the ring's jitter at most.
    fn jittered(&self, expiry: Duration) -> Duration {
        if self.jitter == 0.0 {
            return expiry;
        }
        let shortened = expiry.mul_f64(1.0 - self.jitter * fastrand::f64());
        // Rounding must not make the expiry of a stored value zero.
        shortened.clamp(expiry.min(Duration::from_nanos(1)), expiry)
    }

    /// The same ring, with entries of other rings that depend on its calls.
    #[must_use]
    pub fn with_dependents(self) -> Self {
        self.expect_dependents();
        self
    }

    /// From now on entries of other rings depend on its calls.
    pub(crate) fn expect_dependents(&self) {
        if !self.has_dependents() {
            self.has_dependents.store(true, Ordering::SeqCst);
        }
    }

    pub(crate) fn has_dependents(&self) -> bool {
        self.has_dependents.load(Ordering::SeqCst)
    }

    /// The full name of the function: module, type and name.
    pub(crate) fn function(&self) -> &str {
        if self.function.is_empty() {
            self.name.as_str()
        } else {
            &self.function
        }
    }

    /// The name at the start of all keys of the ring.
    #[inline]
    pub fn name(&self) -> &'static Name {
        self.name
    }
}

/// The identity of any type, without its lifetimes.
pub(crate) fn type_id<T>() -> TypeId {
    typeid::of::<T>()
}
