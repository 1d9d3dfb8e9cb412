//! Behaviour of the storages outside the process.

#[cfg(feature = "tokio")]
mod blocking;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "tiered")]
mod tiered;
