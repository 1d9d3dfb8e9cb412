//! The nonce of a page's style and script.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Distinguishes the page's style and script from injected ones.
pub(crate) struct Nonce(String);

impl Nonce {
    pub(crate) fn new() -> Self {
        // std's keys are random, and secret, since nothing derived from them is shown.
        let random = || RandomState::new().build_hasher().finish();
        Nonce(format!("{:016x}{:016x}", random(), random()))
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
