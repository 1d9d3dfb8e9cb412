//! Values that are cached.

use std::cell::Cell;
use std::sync::Arc;

thread_local! {
    static COMPUTED: Cell<u64> = const { Cell::new(0) };
}

/// A value that is computed from a number.
pub trait Value: Clone + Send + Sync + 'static {
    /// The value of a number.
    fn of(number: u64) -> Self;
}

/// The body of the memoized functions: computes the value of a number, and counts it.
pub fn compute<V: Value>(number: u64) -> V {
    COMPUTED.set(COMPUTED.get() + 1);
    V::of(number)
}

/// The body of the memoized functions of a URL and a number.
pub fn fetch(url: &str, number: u64) -> u64 {
    compute(number + url.len() as u64)
}

/// The number of values that this thread has computed.
pub fn computed() -> u64 {
    COMPUTED.get()
}

impl Value for u64 {
    #[inline]
    fn of(number: u64) -> Self {
        number
    }
}

impl Value for Arc<str> {
    fn of(number: u64) -> Self {
        format!("the text of {number}").into()
    }
}

/// 64 bytes that are copied.
#[derive(Clone, Copy, Debug)]
pub struct Block(#[allow(dead_code)] [u64; 8]);

impl Value for Block {
    #[inline]
    fn of(number: u64) -> Self {
        Block([number; 8])
    }
}
