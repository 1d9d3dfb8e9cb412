//! A contender: a function, memoized by any means.

use crate::keys::Borrowed;
use crate::who::Who;

/// A cache that is called like a memoized function.
pub trait Peer<K, V>: Sync {
    /// The value of a key that is there.
    ///
    /// # Panics
    ///
    /// May panic if it is not.
    fn hit(&self, key: K) -> V;

    /// The value of a key: from the cache, or computed and stored. By the peer's single flight, if it has one.
    fn call(&self, key: K) -> V;

    /// Calls with all these keys.
    fn fill(&mut self, keys: &mut dyn Iterator<Item = K>) {
        for key in keys {
            self.call(key);
        }
    }
}

/// A function that a macro memoized.
pub struct Memoized<F>(pub F);

impl<K, V, F: Fn(K) -> V + Sync> Peer<K, V> for Memoized<F> {
    #[inline]
    fn hit(&self, key: K) -> V {
        (self.0)(key)
    }

    #[inline]
    fn call(&self, key: K) -> V {
        (self.0)(key)
    }
}

/// A memoized function, and a way past it into its storage.
pub struct Bypassed<F, G> {
    /// The function.
    pub function: F,
    /// The look-up in its storage.
    pub storage: G,
}

impl<K, V, F, G> Peer<K, V> for Bypassed<F, G>
where
    F: Fn(K) -> V + Sync,
    G: Fn(K) -> Option<V> + Sync,
{
    #[inline]
    fn hit(&self, key: K) -> V {
        (self.storage)(key).expect("a hit")
    }

    #[inline]
    fn call(&self, key: K) -> V {
        (self.function)(key)
    }
}

/// Does one thing with each contender of a scenario.
pub trait Visit<K: Borrowed, V> {
    /// Does it with the contender that `make` makes.
    fn peer<P: Peer<K, V> + 'static>(&mut self, who: Who, make: impl FnOnce() -> P);

    /// Notes that a contender cannot take part.
    fn cannot(&mut self, who: Who, why: &'static str);
}
