//! Behaviour of the storages outside the process.

#[cfg(feature = "tokio")]
mod blocking;
#[cfg(all(feature = "memcached", feature = "tokio"))]
mod memcached;
#[cfg(feature = "redis")]
mod redis;
