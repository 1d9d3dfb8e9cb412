//! Services that cache their answers, one for each kind of storage, in both colours.

use std::sync::Arc;

use ring_cache::coder::Json;
use ring_cache::{Lru, RingKey, ring_impl};
use ring_cache_backends::{Breaker, Memcached, Redis, RedisCluster, RedisHash, Tiered};

use crate::DEADLINE;
use crate::answers::{Answer, Truth};
use crate::cell::Colour;
use crate::site::Site;

/// A service with cached answers.
pub(crate) trait Service: Send + Sync + 'static {
    const NAME: &'static str;
    /// Whether a blocking call measures time from one piece of a reply to the next, as the documentation of `Redis` says:
    /// the client reads, and has no other deadline.
    const WAITS_FOR_PIECES: bool = true;

    /// The service through the proxies.
    fn at(site: &Site, namespace: &str, breaker: Breaker, truth: &Arc<Truth>) -> Self;
    /// The plain call.
    fn answer(&self, colour: Colour, key: u32) -> impl Future<Output = Answer> + Send;
    fn update(&self, colour: Colour, key: u32) -> impl Future<Output = Answer> + Send;
    fn set(&self, colour: Colour, answer: Answer) -> impl Future<Output = bool> + Send;
    fn delete(&self, colour: Colour, key: u32) -> impl Future<Output = bool> + Send;
    /// The key of the entry in the storage.
    fn stored_key(&self, colour: Colour, key: u32) -> String;
    /// The state of the storage.
    fn health(&self) -> String;
    /// Whether all of it is used.
    fn is_ready(&self) -> bool {
        true
    }
}

macro_rules! service {
    ($service:ident caches in [$($storage:tt)*] $($expire:literal)?, { $($rest:item)* }) => {
        #[derive(RingKey)]
        #[ring_key(prefix = "service")]
        pub(crate) struct $service {
            #[ring_key(skip)]
            storage: $($storage)*,
            #[ring_key(skip)]
            truth: Arc<Truth>,
        }

        #[ring_impl(storage = self.storage as $($storage)*, coder = Json $(, expire = $expire)?)]
        impl $service {
            #[ring(key_prefix = "blocking")]
            fn blocking(&self, key: u32) -> Answer {
                self.truth.compute(key)
            }

            #[ring(key_prefix = "awaited")]
            async fn awaited(&self, key: u32) -> Answer {
                self.truth.compute(key)
            }
        }

        impl Service for $service {
            async fn answer(&self, colour: Colour, key: u32) -> Answer {
                match colour {
                    Colour::Blocking => self.blocking(key),
                    Colour::Awaited => self.awaited(key).await,
                }
            }

            async fn update(&self, colour: Colour, key: u32) -> Answer {
                match colour {
                    Colour::Blocking => self.blocking_ring(key).update(),
                    Colour::Awaited => self.awaited_ring(key).update().await,
                }
            }

            async fn set(&self, colour: Colour, answer: Answer) -> bool {
                let key = answer.key;
                match colour {
                    Colour::Blocking => self.blocking_ring(key).set(answer).is_ok(),
                    Colour::Awaited => self.awaited_ring(key).set(answer).await.is_ok(),
                }
            }

            async fn delete(&self, colour: Colour, key: u32) -> bool {
                match colour {
                    Colour::Blocking => self.blocking_ring(key).delete().is_ok(),
                    Colour::Awaited => self.awaited_ring(key).delete().await.is_ok(),
                }
            }

            fn stored_key(&self, colour: Colour, key: u32) -> String {
                match colour {
                    Colour::Blocking => self.blocking_ring(key).stored_key(),
                    Colour::Awaited => self.awaited_ring(key).stored_key(),
                }
            }

            $($rest)*
        }
    };
}

macro_rules! at {
    ($storage:ident, $site:ident, $namespace:ident, $breaker:ident, $addresses:expr) => {
        $storage::open($addresses)
            .unwrap()
            .namespace($namespace)
            .breaker($breaker)
            .deadline(DEADLINE)
    };
}

service! { RedisService caches in [Redis] "5m", {
    const NAME: &'static str = "redis";

    fn at(site: &Site, namespace: &str, breaker: Breaker, truth: &Arc<Truth>) -> Self {
        let storage = at!(Redis, site, namespace, breaker, &site.redis_urls()[0]);
        RedisService { storage, truth: Arc::clone(truth) }
    }

    fn health(&self) -> String {
        format!("{:?}", self.storage.health())
    }
}}

service! { HashService caches in [RedisHash], {
    const NAME: &'static str = "hash";

    fn at(site: &Site, namespace: &str, breaker: Breaker, truth: &Arc<Truth>) -> Self {
        let storage = at!(RedisHash, site, namespace, breaker, &site.redis_urls()[0]);
        HashService { storage, truth: Arc::clone(truth) }
    }

    fn health(&self) -> String {
        format!("{:?}", self.storage.health())
    }
}}

service! { ClusterService caches in [RedisCluster] "5m", {
    const NAME: &'static str = "cluster";

    fn at(site: &Site, namespace: &str, breaker: Breaker, truth: &Arc<Truth>) -> Self {
        let storage = at!(RedisCluster, site, namespace, breaker, site.redis_urls());
        ClusterService { storage, truth: Arc::clone(truth) }
    }

    fn health(&self) -> String {
        format!("{:?}", self.storage.health())
    }
}}

service! { MemcachedService caches in [Memcached] "5m", {
    const NAME: &'static str = "memcached";
    const WAITS_FOR_PIECES: bool = false;

    fn at(site: &Site, namespace: &str, breaker: Breaker, truth: &Arc<Truth>) -> Self {
        let storage = at!(Memcached, site, namespace, breaker, site.addresses());
        MemcachedService { storage, truth: Arc::clone(truth) }
    }

    fn health(&self) -> String {
        format!("{:?}", self.storage.health())
    }
}}

service! { TieredService caches in [Tiered<Lru<Answer>, Redis>] "5m", {
    const NAME: &'static str = "tiered";

    fn at(site: &Site, namespace: &str, breaker: Breaker, truth: &Arc<Truth>) -> Self {
        let far = at!(Redis, site, namespace, breaker, &site.redis_urls()[0]);
        TieredService { storage: Tiered::new(Lru::new(1_000), far), truth: Arc::clone(truth) }
    }

    fn health(&self) -> String {
        format!("{:?}", self.storage.far().health())
    }

    fn is_ready(&self) -> bool {
        self.storage.is_watching()
    }
}}
