//! User code that panics at its k-th call: values, keys, clocks and bodies.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use ring_cache_core::clock::{Clock, ManualClock};
use ring_cache_core::{KeyWriter, Lru, Ring, RingKey};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeTuple, Serializer};

use crate::support::call;

/// The payload of the panics, so that nothing is printed.
struct Intended;

/// Counts the calls into user code, one of which panics, and the live values.
#[derive(Debug)]
pub(super) struct Fuse {
    /// The call that panics.
    at: u64,
    calls: AtomicU64,
    /// Calls are not counted, and none panics.
    is_off: AtomicBool,
    /// The code that panicked.
    blown: Mutex<Option<&'static str>>,
    alive: AtomicUsize,
    stamps: AtomicU64,
    /// The cache that dropped values look into, and its ring.
    home: OnceLock<(Weak<Lru<Value>>, &'static Ring)>,
}

thread_local! {
    /// The fuse of the values that are decoded on this thread.
    static DECODING: RefCell<Option<Arc<Fuse>>> = const { RefCell::new(None) };
}

impl Fuse {
    pub(super) fn new(at: u64) -> Arc<Self> {
        let fuse = Arc::new(Fuse {
            at,
            calls: AtomicU64::new(0),
            is_off: AtomicBool::new(false),
            blown: Mutex::default(),
            alive: AtomicUsize::new(0),
            stamps: AtomicU64::new(0),
            home: OnceLock::new(),
        });
        fuse.decode_here();
        fuse
    }

    /// Values decoded on this thread belong to this fuse from now on.
    pub(super) fn decode_here(self: &Arc<Self>) {
        DECODING.set(Some(Arc::clone(self)));
    }

    pub(super) fn live_in(&self, lru: &Arc<Lru<Value>>, ring: &'static Ring) {
        self.home.get_or_init(|| (Arc::downgrade(lru), ring));
    }

    pub(super) fn ring(&self) -> &'static Ring {
        self.home.get().expect("a test said where").1
    }

    /// User code is called.
    pub(super) fn burn(&self, what: &'static str) {
        if !self.is_off.load(SeqCst) && self.calls.fetch_add(1, SeqCst) + 1 == self.at {
            *self.blown.lock().unwrap() = Some(what);
            resume_unwind(Box::new(Intended));
        }
    }

    /// Runs code that must not panic.
    pub(super) fn without(&self, run: impl FnOnce()) {
        self.is_off.store(true, SeqCst);
        run();
        self.is_off.store(false, SeqCst);
    }

    /// The code that panicked, if any.
    pub(super) fn blown(&self) -> Option<&'static str> {
        *self.blown.lock().unwrap()
    }

    /// The stamp of the next value.
    pub(super) fn next_stamp(&self) -> u64 {
        self.stamps.load(SeqCst) + 1
    }

    /// The number of live values.
    pub(super) fn alive(&self) -> usize {
        self.alive.load(SeqCst)
    }

    /// Takes every lock that is reachable from outside: hangs if one is held here. The keys are not the test's.
    fn look_around(&self) {
        if let Some((lru, _)) = self.home.get()
            && let Some(lru) = lru.upgrade()
        {
            lru.len();
            (1000..1004_u64).for_each(|key| _ = lru.delete(&key));
        }
    }

    /// User code is called that holds no lock.
    pub(super) fn burn_freely(&self, what: &'static str) {
        self.look_around();
        self.burn(what);
    }
}

/// The result of a piece of user code: `None` if it panicked.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => Some(value),
        Err(panic) if panic.is::<Intended>() => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// A value of a key. Later ones have greater stamps.
pub(super) struct Value {
    pub(super) id: u32,
    pub(super) stamp: u64,
    /// Whether it computes the value of its key again when it is dropped.
    calls_back: bool,
    fuse: Arc<Fuse>,
}

impl Value {
    pub(super) fn new(id: u32, fuse: &Arc<Fuse>) -> Self {
        let stamp = fuse.stamps.fetch_add(1, SeqCst) + 1;
        Self::stamped(id, stamp, fuse)
    }

    fn stamped(id: u32, stamp: u64, fuse: &Arc<Fuse>) -> Self {
        fuse.alive.fetch_add(1, SeqCst);
        Value {
            id,
            stamp,
            calls_back: false,
            fuse: Arc::clone(fuse),
        }
    }

    pub(super) fn calling_back(id: u32, fuse: &Arc<Fuse>) -> Self {
        let mut value = Self::new(id, fuse);
        value.calls_back = true;
        value
    }

    /// For `unless`: refuses values of some keys.
    pub(super) fn is_refused(&self) -> bool {
        self.fuse.burn_freely("unless");
        self.id.is_multiple_of(2)
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        self.fuse.burn("clone");
        Self::stamped(self.id, self.stamp, &self.fuse)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.fuse.alive.fetch_sub(1, SeqCst);
        if self.calls_back
            && let Some((lru, ring)) = self.fuse.home.get()
            && let Some(lru) = lru.upgrade()
        {
            drop(call(ring, &*lru, self.id, || Value::new(self.id, &self.fuse)).update());
        }
        self.fuse.burn_freely("drop");
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fuse.burn_freely("serialize");
        let mut tuple = serializer.serialize_tuple(2)?;
        tuple.serialize_element(&self.id)?;
        self.fuse.burn("the middle of serialize");
        tuple.serialize_element(&self.stamp)?;
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fuse = DECODING
            .with_borrow(|fuse| fuse.clone())
            .expect("every thread has one");
        fuse.burn_freely("deserialize");
        let (id, stamp) = Deserialize::deserialize(deserializer)?;
        let value = Value::stamped(id, stamp, &fuse);
        fuse.burn("the end of deserialize");
        Ok(value)
    }
}

/// A key that is fed in two parts.
pub(super) struct FusedKey(pub(super) u32, pub(super) Arc<Fuse>);

impl RingKey for FusedKey {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.1.burn("ring_key");
        self.0.ring_key(key);
        self.1.burn("the end of ring_key");
    }
}

/// A clock that is moved by hand.
#[derive(Clone, Debug)]
pub(super) struct FusedClock(pub(super) ManualClock, pub(super) Arc<Fuse>);

impl Clock for FusedClock {
    fn now(&self) -> Duration {
        self.1.burn("clock");
        self.0.now()
    }
}

/// Is dropped in the middle of other code.
pub(super) struct Guard<'f>(pub(super) &'f Arc<Fuse>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.burn("the end of a body");
    }
}
