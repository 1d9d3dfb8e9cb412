//! Spans and events of the crate [`tracing`](https://docs.rs/tracing).
//!
//! A computation is one span, `ring.compute`, at the level `INFO`, with the field `ring`. The body runs inside of it. A hit
//! has no span and no event.
//!
//! Each failure of a storage or a coder is an event at the level `ERROR`, with the fields `ring`, `storage`, `operation`,
//! `kind` and `error`; at the level `DEBUG` if the storage was not asked because its breaker is open. The first failure of a
//! storage for a reason, such as a wrong password, an unknown host or a full server, is also one event at the level `WARN`,
//! with the fields `storage`, `address` and `error`.

use crate::sync::lasting::{AtomicBool, Ordering};

static RECORDS_KEYS: AtomicBool = AtomicBool::new(false);

/// Sets whether spans have a field `key` with the text of the key. The default is no: keys may be personal data.
pub fn record_keys(record: bool) {
    RECORDS_KEYS.store(record, Ordering::Relaxed);
}

pub(crate) fn keys_are_recorded() -> bool {
    RECORDS_KEYS.load(Ordering::Relaxed)
}
