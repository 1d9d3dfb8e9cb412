//! The used rings of this process, in the order of first use. Of rings with one name, the first is listed.

use crate::ring::Ring;
use crate::sync::lasting::RwLock;

static USED: RwLock<Vec<&'static Ring>> = RwLock::new(Vec::new());

/// Adds a ring that uses a storage. Returns whether it is the ring's first storage.
pub(crate) fn add(ring: &'static Ring) -> bool {
    let mut used = USED.write();
    let is_new = !used.iter().any(|known| std::ptr::eq(known.account, ring.account));
    if is_new {
        used.push(ring);
    }
    is_new
}

/// All of them.
pub(crate) fn all() -> Vec<&'static Ring> {
    USED.read().clone()
}
