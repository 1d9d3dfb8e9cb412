//! The Rust service: three cached functions, the counterparts of those in `service.py`.

use std::sync::atomic::{AtomicBool, Ordering};

use ring_cache::coder::Json;
use ring_cache::{Memcached, Redis, RingKey, ring_impl};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Greeting {
    pub(crate) user: i64,
    pub(crate) text: String,
    pub(crate) computed_by: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Total {
    pub(crate) cents: u64,
    pub(crate) computed_by: String,
}

#[derive(RingKey)]
pub(crate) struct Service {
    #[ring_key(skip)]
    pub(crate) redis: Redis,
    #[ring_key(skip)]
    pub(crate) memcached: Memcached,
    #[ring_key(skip)]
    pub(crate) body_ran: AtomicBool,
}

/// The Python functions have no `self`, so it is not part of these keys.
#[ring_impl(redis = self.redis, coder = Json, expire = "5m")]
impl Service {
    #[ring(key_prefix = "polyglot:greeting", ignore(self))]
    pub(crate) fn greeting(&self, user: i64, language: &str) -> Greeting {
        self.body_ran.store(true, Ordering::Relaxed);
        let word = if language == "de" { "Hallo" } else { "Hello" };
        Greeting {
            user,
            text: format!("{word}, {user}!"),
            computed_by: "Rust".into(),
        }
    }

    #[ring(key_prefix = "polyglot:total", ignore(self))]
    pub(crate) fn total(&self, prices: &[u64]) -> Total {
        self.body_ran.store(true, Ordering::Relaxed);
        Total {
            cents: prices.iter().sum(),
            computed_by: "Rust".into(),
        }
    }

    #[ring(memcached = self.memcached, coder = ring_cache::coder::Raw, key_prefix = "polyglot:icon", ignore(self))]
    pub(crate) fn icon(&self, name: &str) -> Vec<u8> {
        self.body_ran.store(true, Ordering::Relaxed);
        [b"\x89drawn by Rust: ", name.as_bytes()].concat()
    }
}
