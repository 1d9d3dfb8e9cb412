//! What all handles of the pages of a site share: settings, storage, and what is under way.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Extensions, HeaderMap, Uri};
use ring_cache_core::mode::{Awaited, Blocking};
use ring_cache_core::{Handle as RingHandle, Lru, Plain, Ring, Tag};

use crate::BoxFuture;
use crate::key::{HeadKey, PageKey};
use crate::live::Handle;
use crate::storage::PageStorage;
use crate::tags::distinct;

/// The time for which calls do not wait for a response that was not storable.
const PASSING: Duration = Duration::from_secs(5);

/// The pages whose state is remembered in this process: responses under way, and those that are not storable.
const REMEMBERED: usize = 4_096;

/// The default of [`Pages::max_size`](crate::Pages::max_size).
const MAX_SIZE: usize = 1 << 20;

/// The pages of a site.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) settings: Settings,
    pub(crate) ring: &'static Ring,
    pub(crate) storage: Arc<dyn PageStorage>,
    pub(crate) heads_ring: &'static Ring,
    memory: Arc<Memory>,
}

/// See the methods of [`Pages`](crate::Pages) of these names.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) expire: Option<Duration>,
    pub(crate) revalidate: Option<Duration>,
    pub(crate) max_size: usize,
    pub(crate) obeys_clients: bool,
    pub(crate) shows_status: bool,
    pub(crate) uri_by: Option<Arc<UriBy>>,
    pub(crate) tags_of: Option<Arc<TagsOf>>,
    pub(crate) spawner: Option<Arc<Spawner>>,
    pub(crate) now: fn() -> SystemTime,
}

impl Settings {
    /// The key of a URI.
    pub(crate) fn key(&self, host: &str, path: &str) -> PageKey {
        let tags = self.tags_of.as_ref();
        let tags = tags.map_or_else(Vec::new, |tags_of| distinct(tags_of(host, path)));
        PageKey::new(host, path, tags)
    }
}

type TagsOf = dyn Fn(&str, &str) -> Vec<Tag> + Send + Sync;
type UriBy = dyn Fn(&HeaderMap, &Extensions) -> Option<Uri> + Send + Sync;
type Spawner = dyn Fn(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync;

/// What this process knows of pages that are not stored yet, or cannot be.
struct Memory {
    heads: Lru<Handle>,
    passing: Lru<()>,
    failing: Lru<()>,
    refreshing: Lru<()>,
}

impl Memory {
    fn new() -> Self {
        Memory {
            heads: Lru::new(REMEMBERED),
            passing: Lru::new(REMEMBERED),
            failing: Lru::new(REMEMBERED),
            refreshing: Lru::new(REMEMBERED),
        }
    }
}

impl Site {
    /// Gives the pages another prefix. They are those of another site, which shares nothing that is under way.
    pub(crate) fn rename(&mut self, prefix: &str) {
        self.ring = leaked(Ring::with_prefix(prefix));
        self.memory = Arc::new(Memory::new());
    }

    pub(crate) fn new(storage: Arc<dyn PageStorage>) -> Self {
        Site {
            settings: Settings {
                expire: None,
                revalidate: None,
                max_size: MAX_SIZE,
                obeys_clients: true,
                shows_status: true,
                uri_by: None,
                tags_of: None,
                spawner: None,
                now: SystemTime::now,
            },
            ring: leaked(Ring::with_prefix("pages")),
            storage,
            heads_ring: leaked(Ring::with_prefix("pages")),
            memory: Arc::new(Memory::new()),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.settings.now)()
    }

    /// The ring of heads.
    pub(crate) fn heads(&self) -> RingHandle<&Lru<Handle>, Awaited> {
        RingHandle::new(self.heads_ring, &self.memory.heads)
    }

    /// Newcomers do not join the response that is under way, if it is such a one. One that came after it stays.
    pub(crate) fn forget_head(&self, key: &HeadKey, is_such: impl FnOnce(&Handle) -> bool) {
        let call = RingHandle::<_, Blocking>::new(self.heads_ring, &self.memory.heads)
            .name_entry::<Plain<Handle>, _>(key.parts());
        if call.get().is_some_and(|handle| is_such(&handle)) {
            call.delete();
        }
    }

    /// Newcomers do not join the response that is under way.
    pub(crate) async fn forget_under_way(&self, key: &HeadKey) {
        let call = self.heads().name_entry::<Plain<Handle>, _>(key.parts());
        call.delete().await;
    }

    pub(crate) fn is_passing(&self, key: &HeadKey) -> bool {
        self.memory.passing.has(&key.parts())
    }

    pub(crate) fn begin_passing(&self, key: &HeadKey) {
        self.memory.passing.set_with_expiry(&key.parts(), (), PASSING);
    }

    pub(crate) fn end_passing(&self, key: &HeadKey) {
        if self.is_passing(key) {
            self.memory.passing.delete(&key.parts());
        }
    }

    /// Whether the application failed a moment ago to make a page whose stale form may be returned.
    pub(crate) fn is_failing(&self, key: &HeadKey) -> bool {
        self.memory.failing.has(&key.parts())
    }

    pub(crate) fn begin_failing(&self, key: &HeadKey) {
        self.memory.failing.set_with_expiry(&key.parts(), (), PASSING);
    }

    /// Whether this call is to refresh a stale page: one of those that find it stale within five seconds.
    pub(crate) fn begin_refresh(&self, key: &HeadKey) -> bool {
        let parts = key.parts();
        let begins = !self.memory.refreshing.has(&parts);
        if begins {
            self.memory.refreshing.set_with_expiry(&parts, (), PASSING);
        }
        begins
    }

    pub(crate) fn end_refresh(&self, key: &HeadKey) {
        self.memory.refreshing.delete(&key.parts());
    }

    /// Runs a job in the background, if [something does](Self::has_spawner).
    pub(crate) fn spawn(&self, job: BoxFuture<()>) {
        if let Some(spawner) = &self.settings.spawner {
            spawner(job);
            return;
        }
        #[cfg(feature = "tokio")]
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(job);
        }
    }

    /// Whether something runs jobs in the background.
    pub(crate) fn has_spawner(&self) -> bool {
        let has_own = self.settings.spawner.is_some();
        #[cfg(feature = "tokio")]
        let has_own = has_own || tokio::runtime::Handle::try_current().is_ok();
        has_own
    }
}

/// A ring must last as long as the program.
pub(crate) fn leaked(ring: Ring) -> &'static Ring {
    Box::leak(Box::new(ring))
}
