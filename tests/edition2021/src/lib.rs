//! Accessors capture all lifetimes, although functions of this edition that return `impl Trait` do not.
#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    rust_2018_idioms,
    clippy::all,
    clippy::pedantic
)]

use ring_cache::{ring, ring_impl, Lru, RingKey};

/// A service that borrows.
#[derive(Debug, RingKey)]
pub struct Service<'a> {
    name: &'a str,
    #[ring_key(skip)]
    cache: &'a Lru<String>,
}

#[ring_impl(lru = self.cache)]
impl<'a> Service<'a> {
    /// A service.
    #[must_use]
    pub fn new(name: &'a str, cache: &'a Lru<String>) -> Self {
        Self { name, cache }
    }

    /// Joins.
    #[must_use]
    #[ring(ignore(log))]
    pub fn join<'b>(&self, left: &str, right: &'b [&'b str], log: &mut dyn FnMut(&str)) -> String {
        log(left);
        format!("{}{left}{}", self.name, right.concat())
    }

    /// Repeats.
    #[ring(lru = self.cache)]
    pub fn repeated<T: RingKey + ToString>(&self, value: &T) -> String {
        value.to_string().repeat(2)
    }
}

#[ring_impl(lru = self.cache)]
impl Service<'_> {
    /// Joins later.
    #[ring]
    pub async fn joined<'b>(&self, left: &str, right: &'b [&'b str]) -> String {
        std::future::ready(format!("{}{left}{}", self.name, right.concat())).await
    }
}

/// A generic function of borrowed values.
#[must_use]
#[ring]
pub fn length<T: RingKey + AsRef<str>>(text: T, other: &str) -> usize {
    text.as_ref().len() + other.len()
}

/// A trait of the crate.
pub trait Shout {
    /// Shouts.
    fn shout(&self, other: &str) -> String;
}

#[ring_impl(accessors = ShoutRing)]
impl Shout for &str {
    #[ring]
    fn shout(&self, other: &str) -> String {
        format!("{self}{other}").to_uppercase()
    }
}

#[cfg(test)]
mod tests {
    use super::{length, length_ring, Service, Shout, ShoutRing};
    use ring_cache::Lru;

    #[test]
    fn accessors_capture_lifetimes() {
        let (cache, text) = (Lru::new(10), String::from("text"));
        let service = Service::new(&text, &cache);
        let mut logged = 0;
        let mut log = |_: &str| logged += 1;
        assert_eq!(service.join("a", &["b", &text], &mut log), "textabtext");
        assert!(service.join_ring("a", &["b", "text"], &mut log).has());
        assert_eq!(service.repeated(&5), "55");
        assert_eq!(length(text.as_str(), "!"), 5);
        assert!(length_ring(text.as_str(), &String::from("!")).delete());
        assert_eq!(text.as_str().shout("!"), "TEXT!");
        assert!(text.as_str().shout_ring("!").has());
        assert_eq!((logged, cache.len()), (1, 2));
    }

    #[test]
    fn async_accessors_capture_lifetimes() {
        fn is_send<T: Send>(_: &T) {}
        let (cache, text) = (Lru::new(10), String::from("text"));
        let service = Service::new(&text, &cache);
        let left = String::from("a");
        let parts = [text.as_str()];
        is_send(&service.joined(&left, &parts));
        is_send(&service.joined_ring(&left, &parts).get());
    }
}
