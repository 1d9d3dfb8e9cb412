//! The entry of a value while its body runs: the old value, and the body's decisions about the new one.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use crate::sync::Arc;
use crate::sync::lasting::Mutex;

/// The entry for which the body of a ring with `entry = e` computes the value.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use std::time::Duration;
/// use ring_cache::Entry;
///
/// /// The body of a method with `entry = e`: `answer` is what the origin says to `e.stale()`.
/// fn page(e: &Entry<String>, answer: Option<String>) -> String {
///     match answer {
///         Some(new) => {
///             e.expire_in(Duration::from_secs(60));
///             new
///         }
///         None => e.unchanged().expect("the origin compared it with the old page"),
///     }
/// }
/// ```
///
/// Its decisions apply to values that are stored after the body: by a plain call, `update` and refreshes. `execute` stores
/// nothing.
pub struct Entry<V> {
    old: Option<V>,
    wishes: Arc<Wishes>,
}

/// The decisions of a body about the entry of its value.
#[doc(hidden)]
#[derive(Default)]
pub struct Wishes(Mutex<Wish>);

#[derive(Clone, Copy, Default)]
struct Wish {
    expiry: Option<Duration>,
    skips_store: bool,
    is_unchanged: bool,
}

/// The old value of an entry, whose type only the body knows.
#[doc(hidden)]
pub type Old = Box<dyn Any + Send>;

impl<V> Entry<V> {
    /// Sets the expiry of the value; takes precedence over that of the call and the ring. Jitter does not shorten it. Zero:
    /// the value is not stored.
    pub fn expire_in(&self, expiry: Duration) {
        self.wishes.0.lock().expiry = Some(expiry);
    }

    /// Does not store the value. A refresh and an `update` remove the old one, as with `unless`.
    pub fn skip_store(&self) {
        self.wishes.0.lock().skips_store = true;
    }

    /// The value that a refresh replaces: a stale one, or one that is refreshed early. `None` in an `update`, which does not
    /// look up.
    pub fn stale(&self) -> Option<&V> {
        self.old.as_ref()
    }

    /// The old value, if there is one. Its life restarts, and it is not stored again. The body returns it.
    pub fn unchanged(&self) -> Option<V>
    where
        V: Clone,
    {
        let old = self.old.clone()?;
        self.wishes.0.lock().is_unchanged = true;
        Some(old)
    }

    pub(crate) fn new(old: Option<V>) -> Self {
        Entry {
            old,
            wishes: Arc::default(),
        }
    }

    pub(crate) fn wishes(&self) -> Arc<Wishes> {
        Arc::clone(&self.wishes)
    }
}

impl Wishes {
    /// The expiry of the value, if the body decided it.
    pub(crate) fn expiry(&self) -> Option<Duration> {
        self.0.lock().expiry
    }

    pub(crate) fn skips_store(&self) -> bool {
        self.0.lock().skips_store
    }

    /// Whether the value is the old one.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.0.lock().is_unchanged
    }
}

/// Omits the old value, which may be secret.
impl<V> fmt::Debug for Entry<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Wish {
            expiry,
            skips_store,
            is_unchanged,
        } = *self.wishes.0.lock();
        f.debug_struct("Entry")
            .field("has_stale", &self.old.is_some())
            .field("expiry", &expiry)
            .field("skips_store", &skips_store)
            .field("is_unchanged", &is_unchanged)
            .finish()
    }
}
