//! What a tier knows of a far storage that tells of changes.
//!
//! Others name an entry by its text; the near storage knows it by the parts of its key. So the keys of what may lie near
//! are kept by their texts.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;
use ring_cache_core::key::EncodedKey;

/// With each new key so many old ones are looked at, and forgotten if they do not lie near any more.
const SWEPT: usize = 2;

/// The keys of what may lie near, by the texts that the far storage has for them.
#[derive(Debug)]
pub(super) struct Watched {
    keys: Mutex<Keys>,
    /// Whether no key is missing.
    is_whole: bool,
}

#[derive(Clone, Debug, Default)]
struct Keys {
    by_text: HashMap<Arc<str>, Noted>,
    /// All texts, in the order in which they were noted or looked at.
    order: VecDeque<Arc<str>>,
    /// Goes on when all keys are taken: who looks at one meanwhile must not take the next of its text for it.
    next: u64,
}

#[derive(Clone, Debug)]
struct Noted {
    key: EncodedKey,
    /// Tells whether it was noted again.
    number: u64,
}

impl Watched {
    pub(super) fn new() -> Self {
        Watched {
            keys: Mutex::default(),
            is_whole: true,
        }
    }

    /// The same for a child, unless a thread held the lock at the `fork` that the child does not have.
    pub(super) fn inherited(&self) -> Self {
        let keys = self.keys.try_lock();
        Watched {
            is_whole: self.is_whole && keys.is_some(),
            keys: Mutex::new(keys.map(|keys| keys.clone()).unwrap_or_default()),
        }
    }

    /// Whether the keys of all that may lie near are known.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Notes a key before the far storage is asked for it. `is_near` says of others whether they must be kept.
    pub(super) fn note(&self, text: &str, key: &EncodedKey, is_near: impl Fn(&EncodedKey) -> bool) {
        let looked_at: Vec<_> = {
            let mut keys = self.keys.lock();
            keys.insert(text, key);
            (0..SWEPT).filter_map(|_| keys.take_oldest()).collect()
        };
        for (text, noted) in looked_at {
            // Asked without the lock.
            let is_near = is_near(&noted.key);
            self.keys.lock().put_back(text, &noted, is_near);
        }
    }

    /// The key of a text, if it was noted.
    pub(super) fn key(&self, text: &str) -> Option<EncodedKey> {
        let keys = self.keys.lock();
        keys.by_text.get(text).map(|noted| noted.key.clone())
    }

    /// All keys that were noted. They are not any more.
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
    fn what_lies_near_is_kept() {
        let watched = Watched::new();
        (0..100).for_each(|n| note(&watched, n, true));
        assert!((0..100).all(|n: u32| watched.key(&n.to_string()) == Some(EncodedKey::of(&n))));
        assert_eq!(watched.take_all().len(), 100);
        assert_eq!(watched.key("7"), None);
    }

    #[test]
    fn what_does_not_is_forgotten_soon() {
        let watched = Watched::new();
        (0..1000).for_each(|n| note(&watched, n, false));
        let keys = watched.keys.lock();
        assert!(keys.by_text.len() <= SWEPT && keys.order.len() == keys.by_text.len());
    }

    #[test]
    fn as_many_are_kept_as_lie_near() {
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
    fn what_is_noted_while_it_is_looked_at_is_kept() {
        let watched = Watched::new();
        watched.note("a", &EncodedKey::of("a"), |_| true);
        watched.note("b", &EncodedKey::of("b"), |_| {
            watched.keys.lock().insert("a", &EncodedKey::of("a"));
            false
        });
        assert!(watched.key("a").is_some());
    }

    #[test]
    fn what_is_noted_after_all_were_taken_is_kept() {
        let watched = Watched::new();
        watched.note("a", &EncodedKey::of("a"), |_| {
            watched.take_all();
            watched.keys.lock().insert("a", &EncodedKey::of("a"));
            false
        });
        assert!(watched.key("a").is_some());
    }
}
