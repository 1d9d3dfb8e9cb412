//! Blocking storages for `async fn`s: other threads do the work.

mod job;
mod key_queue;
mod order;
mod straggler;

use std::fmt;
use std::iter::once;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring_cache_core::flights::Flights;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{
    AsyncClear, AsyncStorage, ChangeObserver, Clear, EvictionCounts, Expires, Expiring, SendClear,
    SendStorage, Storage, StorageBase, TellsLife,
};
use ring_cache_core::{Error, Name, RingKey, send_operations};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use job::{Job, Outcome};
use key_queue::Access;
use order::{Claim, Order};
use straggler::Effect;

/// A blocking storage for `async fn`s. It works on tokio's threads for blocking work. While all of these are busy, it
/// works on up to 16 threads of its own.
///
/// ```
/// use ring_cache::{RingKey, ring_impl};
/// use ring_cache::Blocking;
/// # use ring_cache::Map as Files; // This is about the wrapper: any storage will do.
///
/// #[derive(RingKey)]
/// struct Page {
///     url: String,
///     #[ring_key(skip)]
///     files: Blocking<Files<String>>,
/// }
///
/// #[ring_impl(storage = self.files as Blocking<Files<String>>)]
/// impl Page {
///     #[ring]
///     async fn content(&self) -> String {
///         format!("<h1>{}</h1>", self.url)
///     }
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let page = Page { url: "http://example.com".into(), files: Blocking::new(Files::new()) };
/// assert_eq!(page.content().await, "<h1>http://example.com</h1>");
/// assert!(page.content_ring().has().await?);
/// # Ok::<_, ring_cache::Error>(()) }).unwrap();
/// ```
///
/// Clones are handles to one storage.
///
/// # Order
///
/// Operations on one key run in the order in which they were requested, each after the one before has ended; look-ups
/// run in parallel. If a future is dropped before its operation began, the operation does not run. If it has begun, it
/// ends before the next one begins, and its write is removed: others may have written to the storage directly meanwhile,
/// and an older value must not replace theirs. `clear` is an operation on all keys.
///
/// [`backend`](Self::backend) is the inner storage. Blocking calls may use it at the same time, and calls of both kinds
/// wait for each other's computations. Direct operations on it are not part of this order.
///
/// # Failures
///
/// An operation ends at the deadline of the storage, if it has one, even if its thread still works. After a late write
/// or removal, no older value is found. Operations fail outside of a tokio runtime, and while it shuts down. Explicit
/// verbs return the [`Error`]; a plain call returns the body's result, as always. If the storage panics, the call panics.
pub struct Blocking<S> {
    storage: Arc<S>,
    order: Arc<Order>,
}

impl<S> Blocking<S> {
    /// Wraps `storage`, to work on other threads.
    pub fn new(storage: S) -> Self {
        Blocking {
            storage: Arc::new(storage),
            order: Arc::default(),
        }
    }

    /// The inner storage.
    pub fn backend(&self) -> &S {
        &self.storage
    }
}

impl<S> Clone for Blocking<S> {
    fn clone(&self) -> Self {
        Blocking {
            storage: Arc::clone(&self.storage),
            order: Arc::clone(&self.order),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Blocking<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Blocking").field(&self.storage).finish()
    }
}

impl<T, S: StorageBase<T>> StorageBase<T> for Blocking<S> {
    type Error = Error;

    const TEXT_KEYS: bool = S::TEXT_KEYS;

    fn flights(&self) -> &Flights<T> {
        self.storage.flights()
    }

    fn namespace(&self) -> &str {
        self.storage.namespace()
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        self.storage.stored_key(key)
    }

    fn eviction_counts(&self) -> EvictionCounts {
        self.storage.eviction_counts()
    }

    fn deadline(&self) -> Option<Duration> {
        self.storage.deadline()
    }

    fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool {
        self.storage.watch(observer)
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        self.storage.mark_suspect(key);
    }

    /// The inspector blocks on its own threads; its removals wait for writes under way.
    #[cfg(feature = "inspect")]
    fn visit(&self) -> Option<ring_cache_core::inspect::Visit> {
        self.storage.visit()
    }
}

#[cfg(feature = "inspect")]
impl<T, S> ring_cache_core::inspect::Inspect<T> for Blocking<S>
where
    S: ring_cache_core::inspect::Inspect<T>,
{
    fn refusal(&self) -> Option<&'static str> {
        self.storage.refusal()
    }

    fn keys(
        &self,
        ring: &Name,
        from: &str,
        at_most: usize,
    ) -> Result<ring_cache_core::inspect::KeyPage, Error> {
        self.storage.keys(ring, from, at_most).map_err(Into::into)
    }

    fn remove_text(&self, ring: &Name, key: &str) -> Result<bool, Error> {
        self.storage.remove_text(ring, key).map_err(Into::into)
    }

    fn shorten_text(&self, ring: &Name, key: &str, life: Duration) -> Result<bool, Error> {
        self.storage.shorten_text(ring, key, life).map_err(Into::into)
    }

    fn clear_entries(&self, ring: &Name) -> Result<(), Error> {
        self.storage.clear_entries(ring).map_err(Into::into)
    }

    fn health(&self) -> ring_cache_core::inspect::StorageHealth {
        self.storage.health()
    }
}

impl<S: Expires> Expires for Blocking<S> {}

impl<S: TellsLife> TellsLife for Blocking<S> {}

/// Keys are recorded before the first await: a future borrows no key of the caller.
impl<T, S> AsyncStorage<T> for Blocking<S>
where
    T: Send + 'static,
    S: Storage<T> + Send + Sync + 'static,
{
    fn read<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> impl Future<Output = Result<Option<T>, Error>> {
        let key = EncodedKey::of(key);
        let claim = Claim::of(Access::Shared, once(&key));
        self.run("get", claim, self.limit(until), move |storage| {
            storage.read(&key, until)
        })
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> impl Future<Output = Result<(), Error>> {
        let key = EncodedKey::of(key);
        let keys = vec![key.clone()];
        self.change("set", Effect::Writes, keys, until, move |storage| {
            storage.write(&key, value, expiry, until)
        })
    }

    fn write_if_absent<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> impl Future<Output = Result<bool, Error>> {
        let key = EncodedKey::of(key);
        let claim = Claim::of(Access::Exclusive, once(&key));
        self.run("set", claim, self.limit(until), move |storage| {
            storage.write_if_absent(&key, value, expiry, until)
        })
    }

    fn remove<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> impl Future<Output = Result<bool, Error>> {
        let key = EncodedKey::of(key);
        let keys = vec![key.clone()];
        self.change("delete", Effect::Removes, keys, until, move |storage| {
            storage.remove(&key, until)
        })
    }

    fn contains<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> impl Future<Output = Result<bool, Error>> {
        let key = EncodedKey::of(key);
        let claim = Claim::of(Access::Shared, once(&key));
        self.run("has", claim, self.limit(until), move |storage| {
            storage.contains(&key, until)
        })
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> impl Future<Output = Result<bool, Error>> {
        let key = EncodedKey::of(key);
        let claim = Claim::of(Access::Exclusive, once(&key));
        self.run("touch", claim, self.limit(until), move |storage| {
            storage.renew(&key, expiry, until)
        })
    }

    fn read_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> impl Future<Output = Result<Vec<Option<T>>, Error>> {
        let keys = recorded(keys);
        let claim = Claim::of(Access::Shared, &keys);
        self.run("get_many", claim, self.limit(until), move |storage| {
            storage.read_many(&keys, until)
        })
    }

    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> impl Future<Output = Result<Option<Expiring<T>>, Error>> {
        let key = EncodedKey::of(key);
        let claim = Claim::of(Access::Shared, once(&key));
        self.run("get", claim, self.limit(until), move |storage| {
            storage.read_expiring(&key, until)
        })
    }

    fn read_many_expiring<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> impl Future<Output = Result<Vec<Option<Expiring<T>>>, Error>> {
        let keys = recorded(keys);
        let claim = Claim::of(Access::Shared, &keys);
        self.run("get_many", claim, self.limit(until), move |storage| {
            storage.read_many_expiring(&keys, until)
        })
    }

    fn contains_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> impl Future<Output = Result<Vec<bool>, Error>> {
        let keys = recorded(keys);
        let claim = Claim::of(Access::Shared, &keys);
        self.run("has_many", claim, self.limit(until), move |storage| {
            storage.contains_many(&keys, until)
        })
    }

    fn renew_many<K: RingKey>(
        &self,
        entries: &[(K, Duration)],
        until: Option<Instant>,
    ) -> impl Future<Output = Result<Vec<bool>, Error>> {
        let entries = entries.iter();
        let entries: Vec<_> = entries
            .map(|(key, expiry)| (EncodedKey::of(key), *expiry))
            .collect();
        let claim = Claim::of(Access::Exclusive, entries.iter().map(|(key, _)| key));
        self.run("touch_many", claim, self.limit(until), move |storage| {
            storage.renew_many(&entries, until)
        })
    }

    fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>)>,
        until: Option<Instant>,
    ) -> impl Future<Output = Result<(), Error>> {
        let entries = entries.into_iter();
        let entries: Vec<_> = entries
            .map(|(key, value, expiry)| (EncodedKey::of(&key), value, expiry))
            .collect();
        let keys: Vec<_> = entries.iter().map(|(key, ..)| key.clone()).collect();
        self.change("set_many", Effect::Writes, keys, until, move |storage| {
            storage.write_many(entries, until)
        })
    }

    fn remove_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> impl Future<Output = Result<Vec<bool>, Error>> {
        let keys = recorded(keys);
        let changed = keys.clone();
        self.change("delete_many", Effect::Removes, changed, until, move |storage| {
            storage.remove_many(&keys, until)
        })
    }
}

impl<T, S> AsyncClear<T> for Blocking<S>
where
    T: Send + 'static,
    S: Clear<T> + Send + Sync + 'static,
{
    fn clear_ring(&self, name: &'static Name) -> impl Future<Output = Result<(), Error>> {
        self.run("clear", Claim::all(), None, move |storage| {
            storage.clear_ring(name)
        })
    }
}

impl<T, S> SendStorage<T> for Blocking<S>
where
    T: Send + 'static,
    S: Storage<T> + Send + Sync + 'static,
{
    send_operations!();
}

impl<T, S> SendClear<T> for Blocking<S>
where
    T: Send + 'static,
    S: Clear<T> + Send + Sync + 'static,
{
    send_operations!(@clear);
}

fn recorded<K: RingKey>(keys: &[K]) -> Vec<EncodedKey> {
    keys.iter().map(EncodedKey::of).collect()
}

impl<S: Send + Sync + 'static> Blocking<S> {
    /// [`run`](Self::run) for a change of `keys`. If the caller is dropped while the change runs, the keys are in doubt
    /// until its end, and its writes are removed. If it fails before it began, the keys' entries are marked suspect.
    async fn change<T, R, W>(
        &self,
        operation: &'static str,
        effect: Effect,
        keys: Vec<EncodedKey>,
        until: Option<Instant>,
        work: W,
    ) -> Result<R, Error>
    where
        T: 'static,
        R: Send + 'static,
        S: Storage<T>,
        W: FnOnce(&S) -> Result<R, S::Error> + Send + 'static,
    {
        let (claim, limit) = (Claim::of(Access::Exclusive, &keys), self.limit(until));
        let (progress, caller) = straggler::begin(&self.storage, effect, keys);
        let done = self
            .run(operation, claim, limit, move |_| progress.pass(work))
            .await;
        if done.is_err() {
            caller.was_refused();
        }
        done
    }

    /// Runs `work` on another thread, in the order of the first polls.
    async fn run<R, E, W>(
        &self,
        operation: &'static str,
        claim: Claim,
        limit: Option<Instant>,
        work: W,
    ) -> Result<R, Error>
    where
        R: Send + 'static,
        E: Into<Error>,
        W: FnOnce(&S) -> Result<R, E> + Send + 'static,
    {
        let failed = |cause| Error::storage("blocking", operation, cause);
        let runtime = Handle::try_current().map_err(|_| failed(NO_RUNTIME))?;
        let storage = Arc::clone(&self.storage);
        let (sender, receiver) = oneshot::channel();
        let task = move |running| {
            if sender.is_closed() {
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(move || work(&storage).map_err(Into::into)));
            // Released before the result is known, so that nothing of the operation is left by then.
            drop(running);
            // Fails if the caller is gone: then the result is not needed.
            let _ = sender.send(result);
        };
        let (job, begun) = (Job::new(), Instant::now());
        let queued = Arc::clone(&job);
        let start = Box::new(move |running| queued.queue(&runtime, move || task(running)));
        let _request = self.order.ask(claim, start);
        match job.outcome(receiver, limit).await {
            Outcome::Done(Ok(result)) => result,
            Outcome::Done(Err(panic)) => resume_unwind(panic),
            Outcome::Dropped => Err(failed(NO_THREAD)),
            Outcome::Late => Err(Error::deadline("blocking", operation, begun.elapsed())),
        }
    }

    /// When to give up: a little after the storage itself, whose error is more precise.
    fn limit<T>(&self, until: Option<Instant>) -> Option<Instant>
    where
        S: StorageBase<T>,
    {
        let own = || Instant::now().checked_add(self.storage.deadline()?);
        until.or_else(own)?.checked_add(SLACK)
    }
}

/// The time beyond the storage's deadline that an operation waits for a thread.
const SLACK: Duration = Duration::from_millis(10);

const NO_RUNTIME: &str = "outside of a tokio runtime there are no threads for a storage that blocks";
const NO_THREAD: &str = "the tokio runtime had no thread for it, or was shut down";

impl<S: ring_cache_core::storage::HoldsBytes> ring_cache_core::storage::HoldsBytes for Blocking<S> {
    const EXPIRES: bool = S::EXPIRES;
}
