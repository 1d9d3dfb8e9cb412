//! Bulk calls with slow bodies: the deadline is for the storage, and bodies do not use it up.

use std::thread;
use std::time::Duration;

use ring_cache::{AsyncCalls, Calls, Memcached, Redis, RingKey, ring_impl};
use ring_cache_test_servers::{self as servers, or_leave_out};

/// Long enough for a busy machine, and shorter than some bodies together.
const DEADLINE: Duration = Duration::from_secs(2);
const BODY: Duration = Duration::from_millis(900);

#[derive(RingKey)]
struct Slow<S> {
    #[ring_key(skip)]
    storage: S,
}

macro_rules! slow {
    ($Storage:ty) => {
        #[ring_impl(storage = self.storage as $Storage, coder = ring_cache::coder::Json, expire = "100s")]
        impl Slow<$Storage> {
            #[ring(key_prefix = "slow")]
            fn blocking(&self, id: u32) -> u32 {
                thread::sleep(BODY);
                id
            }

            #[ring(key_prefix = "slow-async")]
            async fn awaited(&self, id: u32) -> u32 {
                tokio::time::sleep(BODY).await;
                id
            }

            fn check(&self) {
                let calls = || (0..4).map(|id| self.blocking_ring(id));
                assert_eq!(calls().get_or_update_many(), [0, 1, 2, 3]);
                assert_eq!(calls().has_many().unwrap(), [true; 4]);
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                runtime.unwrap().block_on(async {
                    let calls = || (0..4).map(|id| self.awaited_ring(id));
                    assert_eq!(calls().at_most(1).get_or_update_many().await, [0, 1, 2, 3]);
                    assert_eq!(calls().has_many().await.unwrap(), [true; 4]);
                });
            }
        }
    };
}

slow!(Redis);
slow!(Memcached);

#[test]
fn what_slow_bodies_of_a_bulk_call_compute_is_stored() {
    if let Some(server) = or_leave_out("slow bodies with Redis", servers::Redis::start()) {
        let storage = Redis::open(server.url()).unwrap().deadline(DEADLINE);
        Slow { storage }.check();
    }
    if let Some(server) = or_leave_out("slow bodies with Memcached", servers::Memcached::start()) {
        let storage = Memcached::open(server.url()).unwrap().deadline(DEADLINE);
        Slow { storage }.check();
    }
}
