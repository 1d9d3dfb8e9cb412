//! The rings of this process that were used, in the order of their first use.

use crate::ring::Ring;
use crate::sync::lasting::RwLock;

static USED: RwLock<Vec<&'static Ring>> = RwLock::new(Vec::new());

/// Adds a ring, when it is first used.
pub(crate) fn add(ring: &'static Ring) {
    USED.write().push(ring);
}

/// All of them.
pub(crate) fn all() -> Vec<&'static Ring> {
    USED.read().clone()
}
