//! Behaviour of the storages outside the process.

#[cfg(all(
    feature = "disk",
    feature = "memcached",
    feature = "redis",
    feature = "tiered"
))]
mod abuse;
#[cfg(all(feature = "memcached", feature = "redis", feature = "tokio"))]
mod announced;
#[cfg(feature = "tokio")]
mod blocking;
#[cfg(feature = "disk")]
mod disk;
#[cfg(all(
    feature = "disk",
    feature = "memcached",
    feature = "redis",
    feature = "tiered"
))]
mod entry;
#[cfg(all(
    unix,
    feature = "disk",
    feature = "memcached",
    feature = "redis",
    feature = "tiered"
))]
mod forked;
#[cfg(all(
    feature = "disk",
    feature = "memcached",
    feature = "redis",
    feature = "tiered"
))]
mod handles;
#[cfg(all(
    feature = "disk",
    feature = "inspect",
    feature = "memcached",
    feature = "redis",
    feature = "tiered"
))]
mod inspect;
#[cfg(all(unix, feature = "memcached", feature = "redis", feature = "tiered"))]
mod lease;
#[cfg(all(feature = "memcached", feature = "tokio"))]
mod memcached;
#[cfg(all(feature = "disk", feature = "memcached", feature = "redis", feature = "tokio"))]
mod paused;
#[cfg(any(feature = "disk", feature = "tokio"))]
mod random;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "remote")]
mod remote;
#[cfg(all(feature = "memcached", feature = "redis"))]
mod slow_bodies;
#[cfg(all(
    feature = "disk",
    feature = "memcached",
    feature = "redis",
    feature = "tiered"
))]
mod stale;
#[cfg(all(
    feature = "disk",
    feature = "memcached",
    feature = "redis",
    feature = "tiered"
))]
mod tags;
#[cfg(feature = "tiered")]
mod tiered;
