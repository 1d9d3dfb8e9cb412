//! A service whose method has a lease, on each storage that has leases.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ring_cache::coder::Json;
use ring_cache::{Lru, Memcached, Redis, RedisCluster, RingKey, Tiered, ring_impl};

pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A body.
pub(super) type Act = Arc<dyn Fn(u32) -> Result<u32, String> + Send + Sync>;

/// One process: a handle of the storage, and its body.
#[derive(Clone, RingKey)]
pub(super) struct Service<S> {
    #[ring_key(skip)]
    pub(super) storage: S,
    #[ring_key(skip)]
    act: Act,
}

impl<S> Service<S> {
    pub(super) fn new(storage: S, act: impl Fn(u32) -> Result<u32, String> + Send + Sync + 'static) -> Self {
        let act = Arc::new(act);
        Service { storage, act }
    }

    /// A process whose bodies wait at the gate, and return `answer`.
    pub(super) fn behind_gate(
        storage: S,
        gate: &Gate,
        answer: impl Fn(u32) -> u32 + Send + Sync + 'static,
    ) -> Self {
        let gate = gate.clone();
        Service::new(storage, move |id| {
            gate.pass();
            Ok(answer(id))
        })
    }

    fn run(&self, id: u32) -> Result<u32, String> {
        (self.act)(id)
    }
}

macro_rules! services {
    ($($Storage:ty),*) => {$(
        // Not every test uses all of it on every storage.
        #[allow(dead_code)]
        #[ring_impl(storage = self.storage as $Storage, coder = Json, expire = "1000s", lease = "30s", ignore(self))]
        impl Service<$Storage> {
            #[ring(key_prefix = "leased")]
            pub(super) fn get(&self, id: u32) -> Result<u32, String> {
                self.run(id)
            }

            #[ring(key_prefix = "leased-awaited")]
            pub(super) async fn get_awaited(&self, id: u32) -> Result<u32, String> {
                let service = self.clone();
                tokio::task::spawn_blocking(move || service.run(id)).await.unwrap()
            }

            #[ring(key_prefix = "briefly", lease = "200ms")]
            pub(super) fn get_briefly(&self, id: u32) -> Result<u32, String> {
                self.run(id)
            }

            #[ring(key_prefix = "unless", unless = |value| *value == 0)]
            pub(super) fn get_unless_zero(&self, id: u32) -> Result<u32, String> {
                self.run(id)
            }

            #[ring(key_prefix = "text")]
            pub(super) fn get_text(&self, text: &str) -> Result<u32, String> {
                self.run(u32::try_from(text.len()).unwrap())
            }

            #[ring(key_prefix = "tagged", tags("team", "member:{id}"))]
            pub(super) fn get_tagged(&self, id: u32) -> Result<u32, String> {
                self.run(id)
            }

            #[ring(key_prefix = "tagged-awaited", tags("team", "member:{id}"))]
            pub(super) async fn get_tagged_awaited(&self, id: u32) -> Result<u32, String> {
                let service = self.clone();
                tokio::task::spawn_blocking(move || service.run(id)).await.unwrap()
            }

            #[ring(key_prefix = "tagged-stale", tags("team"), stale = "1000s", refresh = caller)]
            pub(super) fn get_tagged_stale(&self, id: u32) -> Result<u32, String> {
                self.run(id)
            }

            #[ring(key_prefix = "dependent", depends(self.get_briefly(id)), lease = "200ms")]
            pub(super) fn get_dependent(&self, id: u32) -> Result<u32, String> {
                self.run(id)
            }

            #[ring(key_prefix = "stale", stale = "1000s", refresh = caller)]
            pub(super) fn get_stale(&self, id: u32) -> Result<u32, String> {
                self.run(id)
            }
        }
    )*};
}
services!(Redis, RedisCluster, Memcached, Tiered<Lru<u32>, Redis>);

/// Waits until `what` is true.
pub(super) fn eventually(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        sleep(Duration::from_millis(2));
    }
}

/// A gate for bodies, with the number that have arrived.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<(parking_lot::Mutex<(usize, bool)>, parking_lot::Condvar)>);

impl Gate {
    /// Arrives at the gate, and waits until it is open.
    pub(super) fn pass(&self) {
        let mut state = self.0.0.lock();
        state.0 += 1;
        self.0.1.notify_all();
        while !state.1 {
            assert!(
                !self.0.1.wait_for(&mut state, PATIENCE).timed_out(),
                "the gate stayed closed"
            );
        }
    }

    /// Waits until this number has arrived.
    pub(super) fn wait_for(&self, count: usize) {
        let mut state = self.0.0.lock();
        while state.0 < count {
            assert!(
                !self.0.1.wait_for(&mut state, PATIENCE).timed_out(),
                "too few came"
            );
        }
    }

    pub(super) fn open(&self) {
        self.0.0.lock().1 = true;
        self.0.1.notify_all();
    }
}
