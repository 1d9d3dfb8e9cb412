//! Many threads and tasks: no call returns an older value than that of the last completed change, and in the end near values
//! equal far ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ring_cache::coder::Json;
use ring_cache::{AsyncCalls, Calls, Key, Lru, RingKey, ring_impl};
use ring_cache_backends::Tiered;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

use super::far::Far;
use crate::random::Random;

const KEYS: usize = 12;
const WRITERS: usize = 3;
const ROUNDS: usize = 150;

/// The versions that bodies compute from, and the completed ones.
#[derive(Default)]
struct Versions {
    newest: [AtomicU64; KEYS],
    done: [AtomicU64; KEYS],
}

macro_rules! stressed {
    ($module:ident, $tier:ty) => {
        mod $module {
            use super::*;

            pub(super) type Tier = $tier;

            #[derive(Clone, RingKey)]
            pub(super) struct Numbers {
                #[ring_key(skip)]
                pub(super) tier: Tier,
                #[ring_key(skip)]
                pub(super) versions: Arc<Versions>,
            }

            #[ring_impl(storage = self.tier as Tier, coder = Json, expire = "10m")]
            impl Numbers {
                #[ring(accessor = version)]
                pub(super) fn version_at(&self, key: usize) -> u64 {
                    self.versions.newest[key].load(Ordering::SeqCst)
                }

                #[ring(accessor = version_async)]
                pub(super) async fn version_async_at(&self, key: usize) -> u64 {
                    let version = self.versions.newest[key].load(Ordering::SeqCst);
                    yield_now().await;
                    version
                }
            }

            impl Numbers {
                /// Makes a new version, changes both rings, and marks it as completed.
                fn change(&self, runtime: &Runtime, key: usize, random: &mut Random) {
                    let version = self.versions.newest[key].fetch_add(1, Ordering::SeqCst) + 1;
                    match random.below(5) {
                        0 => drop(self.version(key).delete()),
                        1 => drop(self.version(key).set(version)),
                        2 => drop([self.version(key)].delete_many()),
                        3 => drop(self.version_cache().clear()),
                        _ => drop(self.version(key).update()),
                    }
                    runtime.block_on(async {
                        if random.below(3) == 0 {
                            self.abandon(key, version, random).await;
                        }
                        match random.below(4) {
                            0 => drop(self.version_async(key).delete().await),
                            1 => drop(self.version_async(key).set(version).await),
                            2 => drop([self.version_async(key)].delete_many().await),
                            _ => drop(self.version_async(key).update().await),
                        }
                    });
                    self.versions.done[key].store(version, Ordering::SeqCst);
                }

                /// Begins an operation that is dropped at some time.
                async fn abandon(&self, key: usize, version: u64, random: &mut Random) {
                    let (own, what) = (self.clone(), random.below(4));
                    let task = tokio::spawn(async move {
                        match what {
                            0 => drop(own.version_async(key).delete().await),
                            1 => drop(own.version_async(key).set(version).await),
                            2 => drop(own.version_async(key).touch().await),
                            _ => drop(own.version_async(key).update().await),
                        }
                    });
                    for _ in 0..random.below(6) {
                        yield_now().await;
                    }
                    task.abort();
                    let _ = task.await;
                }

                fn look(&self, key: usize) {
                    let done = self.versions.done[key].load(Ordering::SeqCst);
                    let found = self.version_at(key);
                    assert!(found >= done, "{found} was found after {done} was done");
                }

                async fn look_async(&self, key: usize) {
                    let done = self.versions.done[key].load(Ordering::SeqCst);
                    let found = self.version_async_at(key).await;
                    assert!(found >= done, "{found} was found after {done} was done");
                }

                fn keys(&self) -> Vec<Key> {
                    let keys = 0..KEYS;
                    keys.flat_map(|key| [self.version(key).key(), self.version_async(key).key()])
                        .collect()
                }

                pub(super) fn run(&self, seed: u64) {
                    let runtime = Builder::new_multi_thread()
                        .worker_threads(3)
                        .enable_all()
                        .build()
                        .unwrap();
                    let reader = |nth: u64| {
                        let own = self.clone();
                        async move {
                            let mut random = Random::seeded(seed * 100 + nth);
                            for _ in 0..ROUNDS * 4 {
                                own.look_async(random.below(KEYS as u64) as usize).await;
                            }
                        }
                    };
                    let readers: Vec<_> = (0..3).map(|nth| runtime.spawn(reader(nth))).collect();
                    thread::scope(|scope| {
                        for writer in 0..WRITERS {
                            let runtime = &runtime;
                            scope.spawn(move || {
                                let mut random = Random::seeded(seed * 100 + 10 + writer as u64);
                                for _ in 0..ROUNDS {
                                    let key = random.below((KEYS / WRITERS) as u64) as usize;
                                    self.change(runtime, key * WRITERS + writer, &mut random);
                                }
                            });
                        }
                        scope.spawn(|| {
                            let mut random = Random::seeded(seed * 100 + 20);
                            for _ in 0..ROUNDS * 4 {
                                self.look(random.below(KEYS as u64) as usize);
                            }
                        });
                    });
                    for reader in readers {
                        runtime.block_on(reader).unwrap();
                    }
                    runtime.shutdown_timeout(Duration::from_secs(5));
                }

                /// Near values equal those of `far`.
                pub(super) fn assert_agree(&self, far: impl Fn(&Key) -> Option<Vec<u8>>) {
                    for key in self.keys() {
                        let Some(near) = self.tier.near().get(&key) else {
                            continue;
                        };
                        let far = far(&key).map(|bytes| String::from_utf8(bytes).unwrap());
                        assert_eq!(far, Some(near.to_string()), "{key}");
                    }
                }
            }
        }
    };
}

stressed!(on_a_map, Tiered<Lru<u64>, Far>);

#[test]
fn on_a_map() {
    for seed in 1..=4 {
        let far = Far::new();
        let numbers = on_a_map::Numbers {
            tier: Tiered::new(Lru::new(100), far.clone()),
            versions: Arc::default(),
        };
        numbers.run(seed);
        numbers.assert_agree(|key| far.map().get(key));
        assert_eq!(far.map().is_empty(), numbers.tier.near().is_empty());
    }
}

#[cfg(feature = "redis")]
mod with_others {
    use std::sync::atomic::AtomicBool;

    use ring_cache_backends::Redis;
    use ring_cache_test_servers::{Redis as Server, or_leave_out};

    use super::*;
    use crate::blocking::gated::PATIENCE;
    use crate::blocking::{eventually, run};

    stressed!(on_redis, Tiered<Lru<u64>, Redis>);

    fn numbers(server: &Server, versions: &Arc<Versions>) -> on_redis::Numbers {
        let far = Redis::open(server.url()).unwrap().deadline(PATIENCE);
        let numbers = on_redis::Numbers {
            tier: Tiered::new(Lru::new(1_000), far),
            versions: Arc::clone(versions),
        };
        numbers.version_at(0);
        run(eventually(|| numbers.tier.is_watching()));
        numbers
    }

    /// Two independent ends, and others that write arbitrary values, on one server.
    #[test]
    fn on_redis() {
        let Some(server) = or_leave_out("stress of tiers", Server::start()) else {
            return;
        };
        let versions = Arc::default();
        let (numbers, other) = (numbers(&server, &versions), numbers(&server, &Arc::default()));
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            // It changes its own entries, which the other end reads. Its reads of the other end's entries are not checked:
            // they may differ in time.
            scope.spawn(|| {
                let mut random = Random::seeded(99);
                while !is_over.load(Ordering::SeqCst) {
                    let key = format!("foreign{}", random.below(20));
                    match random.below(4) {
                        0 => drop(server.command(&["DEL", &key])),
                        1 => drop(server.command(&["PEXPIRE", &key, "500000"])),
                        _ => drop(server.command(&["SET", &key, &random.below(1000).to_string()])),
                    }
                }
            });
            scope.spawn(|| {
                let mut random = Random::seeded(98);
                while !is_over.load(Ordering::SeqCst) {
                    read(&other, &format!("foreign{}", random.below(20)));
                    read(&numbers, &format!("foreign{}", random.below(20)));
                }
            });
            numbers.run(1);
            is_over.store(true, Ordering::SeqCst);
        });
        for numbers in [&numbers, &other] {
            settle(&server, numbers);
            let far = |key: &str| server.command(&["GET", key]).bytes();
            numbers.assert_agree(|key| far(key.as_str()));
            let foreign = (0..20).map(|n| format!("foreign{n}"));
            for key in foreign {
                if let Some(near) = numbers.tier.near().get(&*key) {
                    let far = far(&key).map(|bytes| String::from_utf8(bytes).unwrap());
                    assert_eq!(far, Some(near.to_string()), "{key}");
                }
                let read = read(numbers, &key);
                assert_eq!(read.map(|near| near.to_string().into_bytes()), far(&key));
            }
        }
    }

    fn read(numbers: &on_redis::Numbers, key: &str) -> Option<u64> {
        use ring_cache::storage::{CodedStorage, Storage};
        Storage::read(&CodedStorage::<Json>::coded(&numbers.tier), key, None).unwrap()
    }

    /// Returns when all changes so far have been reported: those of one server come in order.
    fn settle(server: &Server, numbers: &on_redis::Numbers) {
        run(eventually(|| numbers.tier.is_watching()));
        for value in 1..=2_u64 {
            server.command(&["SET", "last", &value.to_string()]);
            run(eventually(|| {
                read(numbers, "last") == Some(value) && numbers.tier.near().has("last")
            }));
        }
    }
}
