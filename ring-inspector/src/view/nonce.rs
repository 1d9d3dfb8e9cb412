//! What tells the style and the script of a page from all else in it.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Tells the style and the script of a page from all that got into it from elsewhere.
pub(crate) struct Nonce(String);

impl Nonce {
    pub(crate) fn new() -> Self {
        // std's keys are random, and secret as nothing else of them is shown.
        let random = || RandomState::new().build_hasher().finish();
        Nonce(format!("{:016x}{:016x}", random(), random()))
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
