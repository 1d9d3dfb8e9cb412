//! The keys of near entries, by their texts in the far storage.
//!
//! Reports of changes name an entry by its text; the near storage finds it by its key.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;
use ring_cache_core::key::EncodedKey;

/// The number of old keys checked for each new one. Keys without a near entry are forgotten.
const SWEPT: usize = 2;

/// The keys of possible near entries, by their texts in the far storage.
#[derive(Debug)]
pub(super) struct Watched {
    keys: Mutex<Keys>,
    /// Whether no key is missing.
    is_whole: bool,
}

#[derive(Clone, Debug, Default)]
struct Keys {
    by_text: HashMap<Arc<str>, Noted>,
    /// All texts, in the order in which they were noted or checked.
    order: VecDeque<Arc<str>>,
    /// Not reset when all keys are taken: a check in progress must not confuse a new key with an old one of the same text.
    next: u64,
}

#[derive(Clone, Debug)]
struct Noted {
    key: EncodedKey,
    /// Changes when the key is noted again.
    number: u64,
}

impl Watched {
    pub(super) fn new() -> Self {
        Watched {
            keys: Mutex::default(),
            is_whole: true,
        }
    }

    /// The keys for a child process. Not whole if another thread held the lock at the `fork`: the child lacks that thread.
    pub(super) fn inherited(&self) -> Self {
        let keys = self.keys.try_lock();
        Watched {
            is_whole: self.is_whole && keys.is_some(),
            keys: Mutex::new(keys.map(|keys| keys.clone()).unwrap_or_default()),
        }
    }

    /// Whether all keys that may have a near entry are known.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Notes a key before the far storage is asked for it. `is_near` tells whether an old key must be kept.
    pub(super) fn note(&self, text: &str, key: &EncodedKey, is_near: impl Fn(&EncodedKey) -> bool) {
        let looked_at: Vec<_> = {
            let mut keys = self.keys.lock();
            keys.insert(text, key);
            (0..SWEPT).filter_map(|_| keys.take_oldest()).collect()
        };
        for (text, noted) in looked_at {
            // User code: called without the lock.
            let is_near = is_near(&noted.key);
            self.keys.lock().put_back(text, &noted, is_near);
        }
    }

    /// The key of a text, if it was noted.
    pub(super) fn key(&self, text: &str) -> Option<EncodedKey> {
        let keys = self.keys.lock();
        keys.by_text.get(text).map(|noted| noted.key.clone())
    }

    /// Takes all noted keys.
    pub(super) fn take_all(&self) -> Vec<EncodedKey> {
        let mut keys = self.keys.lock();
        keys.order.clear();
        let noted = std::mem::take(&mut keys.by_text);
        drop(keys);
        noted.into_values().map(|noted| noted.key).collect()
    }
}

impl Keys {
    fn insert(&mut self, text: &str, key: &EncodedKey) {
        self.next += 1;
        let number = self.next;
        if let Some(noted) = self.by_text.get_mut(text) {
            noted.number = number;
            return;
        }
        let text: Arc<str> = text.into();
        let key = key.clone();
        self.by_text.insert(Arc::clone(&text), Noted { key, number });
        self.order.push_back(text);
    }

    fn take_oldest(&mut self) -> Option<(Arc<str>, Noted)> {
        let text = self.order.pop_front()?;
        let noted = self.by_text.get(&text)?.clone();
        Some((text, noted))
    }

    fn put_back(&mut self, text: Arc<str>, looked_at: &Noted, is_near: bool) {
        let Some(noted) = self.by_text.get(&text) else {
            return;
        };
        if is_near || noted.number != looked_at.number {
            self.order.push_back(text);
        } else {
            self.by_text.remove(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(watched: &Watched, n: u32, is_near: bool) {
        watched.note(&n.to_string(), &EncodedKey::of(&n), |_| is_near);
    }

    #[test]
    fn a_child_has_the_keys_unless_they_are_locked() {
        let watched = Watched::new();
        note(&watched, 1, true);
        let child = watched.inherited();
        assert!(child.is_whole() && child.key("1").is_some());
        let _locked = watched.keys.lock();
        let child = watched.inherited();
        assert!(!child.is_whole() && !child.inherited().is_whole());
    }

    #[test]
    fn keys_with_a_near_entry_are_kept() {
        let watched = Watched::new();
        (0..100).for_each(|n| note(&watched, n, true));
        assert!((0..100).all(|n: u32| watched.key(&n.to_string()) == Some(EncodedKey::of(&n))));
        assert_eq!(watched.take_all().len(), 100);
        assert_eq!(watched.key("7"), None);
    }

    #[test]
    fn keys_without_a_near_entry_are_forgotten_soon() {
        let watched = Watched::new();
        (0..1000).for_each(|n| note(&watched, n, false));
        let keys = watched.keys.lock();
        assert!(keys.by_text.len() <= SWEPT && keys.order.len() == keys.by_text.len());
    }

    #[test]
    fn as_many_keys_are_kept_as_near_entries() {
        const NEAR: u32 = 50;
        let watched = Watched::new();
        for n in 0..5_000_u32 {
            let near: Vec<_> = (n.saturating_sub(NEAR)..=n).map(|n| EncodedKey::of(&n)).collect();
            watched.note(&n.to_string(), &EncodedKey::of(&n), |key| near.contains(key));
        }
        let keys = watched.keys.lock();
        assert!(
            (50..=3 * 50).contains(&keys.by_text.len()),
            "{}",
            keys.by_text.len()
        );
        assert_eq!(keys.by_text.len(), keys.order.len());
    }

    #[test]
    fn a_key_noted_during_its_check_is_kept() {
        let watched = Watched::new();
        watched.note("a", &EncodedKey::of("a"), |_| true);
        watched.note("b", &EncodedKey::of("b"), |_| {
            watched.keys.lock().insert("a", &EncodedKey::of("a"));
            false
        });
        assert!(watched.key("a").is_some());
    }

    #[test]
    fn a_key_noted_after_all_were_taken_is_kept() {
        let watched = Watched::new();
        watched.note("a", &EncodedKey::of("a"), |_| {
            watched.take_all();
            watched.keys.lock().insert("a", &EncodedKey::of("a"));
            false
        });
        assert!(watched.key("a").is_some());
    }
}
