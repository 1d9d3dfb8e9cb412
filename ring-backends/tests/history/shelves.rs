//! One method, cached on every storage, blocking and awaited, with one entry for both.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use ring_cache::coder::Json;
use ring_cache::{AsyncCalls, Calls, Lru, Map, RingKey, ring_impl};
use ring_cache_backends::{Blocking, Disk, Memcached, Redis, RedisHash, Tiered};

use crate::answer::Answer;
use crate::truth::Truth;

/// The object of the cached method. It is not part of the key.
#[derive(RingKey)]
pub(crate) struct Shelf<S> {
    #[ring_key(skip)]
    storage: S,
    #[ring_key(skip)]
    truth: OnceLock<&'static Truth>,
}

/// One file, for blocking and awaited calls.
pub(crate) struct Disks {
    pub(crate) disk: Disk,
    pub(crate) blocking: Blocking<Disk>,
}

/// A verb, on one key, or on this key and another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Plain,
    PlainMany,
    Get,
    GetMany,
    Has,
    Touch,
    Update,
    UpdateMany,
    Delete,
    DeleteMany,
    /// With the value.
    Set(u64),
    SetMany(u64),
}

type Awaited = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A storage with the cached method on it.
pub(crate) trait Calling: Send + Sync + 'static {
    fn tell(&self, truth: &'static Truth);
    /// Blocks.
    fn call(&self, verb: Verb, keys: [u32; 2]) -> Answer;
    /// Awaits.
    fn begin(&'static self, verb: Verb, keys: [u32; 2]) -> Awaited;
}

impl<S> Shelf<S> {
    pub(crate) fn new(storage: S) -> Self {
        Shelf {
            storage,
            truth: OnceLock::new(),
        }
    }

    fn truth(&self) -> &'static Truth {
        self.truth.get().expect("it was told")
    }
}

/// The outcome of a verb. `$wait` is the token after a call.
macro_rules! answer {
    ($call:ident, $verb:ident, $key:ident, $other:ident $(, $wait:tt)*) => {
        match $verb {
            Verb::Plain => Answer::values(&[$key], vec![$call($key).get_or_update()$(.$wait)*]),
            Verb::PlainMany => {
                let values = [$call($key), $call($other)].get_or_update_many()$(.$wait)*;
                Answer::values(&[$key, $other], values)
            }
            Verb::Get => Answer::found(&[$key], $call($key).get()$(.$wait)*),
            Verb::GetMany => {
                Answer::found(&[$key, $other], [$call($key), $call($other)].get_many()$(.$wait)*)
            }
            Verb::Has => Answer::changed($call($key).has()$(.$wait)*),
            Verb::Touch => Answer::changed($call($key).touch()$(.$wait)*),
            Verb::Update => Answer::values(&[$key], vec![$call($key).update()$(.$wait)*]),
            Verb::UpdateMany => Answer::values(&[$key], [$call($key)].update_many()$(.$wait)*),
            Verb::Delete => Answer::changed($call($key).delete()$(.$wait)*),
            Verb::DeleteMany => Answer::changed([$call($key), $call($other)].delete_many()$(.$wait)*),
            Verb::Set(value) => Answer::changed($call($key).set(value)$(.$wait)*),
            Verb::SetMany(value) => Answer::changed([$call($key)].set_many([value])$(.$wait)*),
        }
    };
}

macro_rules! shelf {
    ($storage:ty, [$($field:ident).+: $($blocking:tt)*], [$($later:ident).+: $($awaited:tt)*] $(, $option:ident = $value:tt)*) => {
        #[ring_impl]
        impl Shelf<$storage> {
            #[ring(storage = self.$($field).+ as $($blocking)*, key_prefix = "version" $(, $option = $value)*)]
            fn version(&self, key: u32) -> u64 {
                let version = self.truth().version(key);
                if version % 2 == 0 {
                    std::thread::yield_now();
                }
                version
            }

            #[ring(storage = self.$($later).+ as $($awaited)*, key_prefix = "version" $(, $option = $value)*)]
            async fn version_later(&self, key: u32) -> u64 {
                let version = self.truth().version(key);
                match version % 4 {
                    0 => tokio::task::yield_now().await,
                    1 => tokio::time::sleep(std::time::Duration::from_micros(200)).await,
                    _ => {}
                }
                version
            }
        }

        impl Calling for Shelf<$storage> {
            fn tell(&self, truth: &'static Truth) {
                assert!(self.truth.set(truth).is_ok(), "it was told already");
            }

            fn call(&self, verb: Verb, [key, other]: [u32; 2]) -> Answer {
                let call = |key| self.version_ring(key);
                answer!(call, verb, key, other)
            }

            fn begin(&'static self, verb: Verb, [key, other]: [u32; 2]) -> Awaited {
                let call = |key| self.version_later_ring(key);
                Box::pin(async move { answer!(call, verb, key, other, await) })
            }
        }
    };
}

shelf!(Lru<u64>, [storage: Lru<u64>], [storage: Lru<u64>]);
shelf!(Map<u64>, [storage: Map<u64>], [storage: Map<u64>], expire = "1h");
shelf!(Redis, [storage: Redis], [storage: Redis], coder = Json, expire = "1h");
shelf!(RedisHash, [storage: RedisHash], [storage: RedisHash], coder = Json);
shelf!(Memcached, [storage: Memcached], [storage: Memcached], coder = Json, expire = "1h");
shelf!(
    Disks,
    [storage.disk: Disk],
    [storage.blocking: Blocking<Disk>],
    coder = Json,
    expire = "1h"
);
shelf!(
    Tiered<Lru<u64>, Redis>,
    [storage: Tiered<Lru<u64>, Redis>],
    [storage: Tiered<Lru<u64>, Redis>],
    coder = Json,
    expire = "1h"
);
shelf!(
    Tiered<Lru<u64>, Memcached>,
    [storage: Tiered<Lru<u64>, Memcached>],
    [storage: Tiered<Lru<u64>, Memcached>],
    coder = Json,
    expire = "1h"
);

/// Fails if blocking and awaited calls had different entries.
pub(crate) fn assert_one_key(shelf: Shelf<Map<u64>>) {
    assert_eq!(shelf.version_ring(1).key(), shelf.version_later_ring(1).key());
}

/// A folder, removed on drop.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ring-cache-history-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("cache.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
