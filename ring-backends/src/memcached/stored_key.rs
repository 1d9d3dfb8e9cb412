//! The keys of entries in memcached: the text of the entry's key, or a short form if memcached does not accept it.

use std::fmt;
use std::hash::{Hash, Hasher};

use ring_cache_core::RingKey;
use ring_cache_core::key::text_in_namespace;

/// The most bytes of a key.
pub(super) const MAX_KEY: usize = 250;
/// In the text of keys two digits follow each `%`, so a short form equals no text.
const MARK: &str = "%~";
const HASH: usize = 2 * blake3::OUT_LEN;

/// The suffix that makes an entry's key the key of its lease. No entry has such a key.
const LEASE: &str = "%lease";

/// The key of an entry in memcached. Keys are equal when their texts are.
#[derive(Clone, Debug)]
pub(super) struct StoredKey {
    text: Box<str>,
    /// Whether its ring has leases.
    is_leased: bool,
}

impl StoredKey {
    pub(super) fn of<K: RingKey + ?Sized>(namespace: &str, key: &K) -> Self {
        Self::of_text(&text_in_namespace(namespace, key))
    }

    /// The key of an entry whose key has this text.
    pub(super) fn of_text(text: &str) -> Self {
        StoredKey {
            text: fitted(text.to_owned()).into(),
            is_leased: false,
        }
    }

    /// The same key of a ring with leases.
    pub(super) fn leased(self) -> Self {
        StoredKey {
            is_leased: true,
            ..self
        }
    }

    /// The key of the lease of the entry, if its ring has leases.
    pub(super) fn lease(&self) -> Option<StoredKey> {
        self.is_leased.then(|| Self::of_text(&format!("{self}{LEASE}")))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
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

impl fmt::Display for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text if memcached accepts it, else its beginning and its hash.
fn fitted(text: String) -> String {
    if text.is_empty() {
        return MARK.to_owned();
    }
    if text.len() <= MAX_KEY {
        return text;
    }
    let mut beginning = &text[..MAX_KEY - MARK.len() - HASH];
    // Not in the middle of an escape.
    if let Some(escape) = beginning
        .rfind('%')
        .filter(|escape| escape + 2 >= beginning.len())
    {
        beginning = &beginning[..escape];
    }
    let hash = blake3::hash(text.as_bytes()).to_hex();
    format!("{beginning}{MARK}{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_memcached_takes_stay_as_they_are() {
        for length in [1, 2, 249, 250] {
            let text = "k".repeat(length);
            assert_eq!(fitted(text.clone()), text);
        }
        assert_eq!(fitted(String::new()), "%~");
    }

    #[test]
    fn long_keys_are_told_apart_by_all_of_their_text() {
        let (one, other) = ("k".repeat(251), "k".repeat(252));
        let (short, other) = (fitted(one.clone()), fitted(other));
        assert_eq!(short.len(), MAX_KEY);
        let hash = blake3::hash(one.as_bytes()).to_hex();
        assert_eq!(short, format!("{}%~{hash}", "k".repeat(184)));
        assert_ne!(short, other);
        for (at, kept) in [(181, 184), (182, 182), (183, 183)] {
            let text = format!("{}%20{}", "k".repeat(at), "k".repeat(100));
            assert_eq!(fitted(text.clone()).find("%~"), Some(kept), "{text}");
        }
    }

    #[test]
    fn no_text_is_the_short_form_of_another() {
        let long = fitted("k".repeat(251));
        let key = StoredKey::of("", long.as_str());
        assert_ne!(key.as_str(), long);
        let namespace = ring_cache_core::key::namespace_text("%~");
        assert_eq!(
            StoredKey::of(&namespace, "~%~ \r\n\0").as_str(),
            "%25~:~%25~%20%0D%0A%00"
        );
    }
}
