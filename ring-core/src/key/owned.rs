//! The owned key of one call.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::{EncodedKey, KeyWriter, RingKey, text_in_namespace};

/// The key of one call, as returned by [`Call::key`](crate::Call::key).
///
/// It displays, compares and hashes as text, and is itself a [`RingKey`] that equals the call's own: a storage finds the
/// entry of the call by it.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::{Key, Lru};
///
/// let users = Lru::<String>::new(10);
/// let key = Key::of(&("users", 7_u32));
/// users.set(&key, "Ada".into());
/// assert_eq!(users.get(&("users", 7_u32)), Some("Ada".into()));
/// assert_eq!(key.to_string(), "('users',7)");
/// ```
#[derive(Clone)]
pub struct Key {
    /// The storage's namespace, then the text of the parts.
    text: Box<str>,
    encoded: EncodedKey,
}

impl Key {
    /// The key of a value, outside of any ring.
    pub fn of<K: RingKey + ?Sized>(key: &K) -> Self {
        Self::in_namespace("", key)
    }

    /// The key as a storage with this namespace sees it.
    pub fn in_namespace<K: RingKey + ?Sized>(namespace: &str, key: &K) -> Self {
        Key {
            text: text_in_namespace(namespace, key).into_boxed_str(),
            encoded: EncodedKey::of(key),
        }
    }

    /// The text of the key.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl RingKey for Key {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.recorded(&self.encoded);
    }

    fn as_recorded(&self) -> Option<&EncodedKey> {
        Some(&self.encoded)
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.text).finish()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Key {}

impl PartialEq<str> for Key {
    fn eq(&self, other: &str) -> bool {
        &*self.text == other
    }
}

impl PartialEq<&str> for Key {
    fn eq(&self, other: &&str) -> bool {
        &*self.text == *other
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
