//! A key of Redis, and the key of the lease of its entry.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// The suffix that makes an entry's key the key of its lease. In the text of keys two digits follow each `%`: no entry has
/// such a key.
pub(super) const LEASE: &str = "%lease";

/// A key of Redis. Keys are equal when their texts are.
#[derive(Clone, Debug)]
pub(super) struct StoredKey {
    text: Arc<str>,
    /// The key of the lease of the entry, if its ring has leases.
    lease: Option<Arc<str>>,
}

impl StoredKey {
    /// The same key with the key of its lease.
    pub(super) fn leased_by(self, lease: String) -> Self {
        StoredKey {
            lease: Some(lease.into()),
            ..self
        }
    }

    /// The key of the lease of the entry, if its ring has leases.
    pub(super) fn lease(&self) -> Option<&str> {
        self.lease.as_deref()
    }
}

/// Whether it is the key of a lease.
#[cfg(feature = "inspect")]
pub(super) fn is_lease(key: &str) -> bool {
    key.contains(LEASE)
}

impl From<String> for StoredKey {
    fn from(text: String) -> Self {
        StoredKey {
            text: text.into(),
            lease: None,
        }
    }
}

impl Deref for StoredKey {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for StoredKey {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for StoredKey {}

impl Hash for StoredKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
