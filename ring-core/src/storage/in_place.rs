//! Writes that take no time: how a computed value comes into memory.

use std::time::Duration;

use crate::key::EncodedKey;

/// A storage that is written in place.
///
/// Others need a turn for each write, since a write takes time in which a `delete` may come. Here the lock that keeps the
/// order of a key's writes is held meanwhile, so a write runs nobody's code: what does is done before, or after. Keys are
/// compared by their bytes.
pub trait InPlace<T> {
    /// To be done before: when an entry expires, by the storage's clock. `None` if it is not to be stored at all.
    fn deadline(&self, expiry: Option<Duration>) -> Option<u64>;

    /// Puts a value under `key`. Returns what lost its place.
    fn write(&self, key: EncodedKey, value: T, deadline: u64) -> Option<Displaced<T>>;

    /// To be done after: counts what was lost, and drops it.
    fn lose(&self, displaced: Displaced<T>);
}

/// A value that lost its place.
#[derive(Debug)]
pub struct Displaced<T> {
    /// Whether it gave way to another key.
    pub evicted: bool,
    /// When it was to expire.
    pub deadline: u64,
    /// The value, which is dropped when no lock is held.
    pub value: T,
}
