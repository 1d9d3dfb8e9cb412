//! The inspector's interface to storages: the keys of a ring, by pages, and their removal by text.
//!
//! A storage implements [`Inspect`]. Rings know their storages without the type, so each storage leaves a [`Visit`] with its
//! facts: a closure that holds it weakly, and lends it to a visitor. Storages of bytes leave theirs when a ring first uses
//! them. A memory storage holds values of any type, also of types that other threads must not access: it leaves one if a
//! static owns it, or if the user calls [`inspectable`](crate::Lru::inspectable).
//!
//! ```
//! # use ring_cache_core as ring_cache;
//! # use ring_cache::{Cache, Lru, Plain, Ring};
//! # let ring: &'static Ring = Box::leak(Box::new(Ring::with_prefix("user")));
//! let users = Lru::<String>::new(100).inspectable();
//! # let user = |id: u32| Cache::new(ring, &users).bind::<Plain<String>, _, _>((id,), |(id,)| format!("user
//! {id}")).get_or_update(); user(7);
//!
//! let rings = ring_cache::rings();
//! let ring = rings.iter().find(|ring| ring.name() == "user").expect("it was used");
//! let storage = &ring.inspected()[0];
//! let page = storage.keys("", 100).expect("memory does not fail");
//! assert_eq!(page.keys[0].text, "user:7");
//! assert!(storage.delete("user:7").expect("memory does not fail"));
//! assert!(!users.has(&("user", 7_u32)) && users.is_empty());
//! ```

mod any_storage;
mod inspected;
mod lent;

pub use any_storage::{AnyStorage, FoundKey, KeyPage, NodeHealth, RingRules, StorageHealth, Visit};
pub use inspected::Inspected;
#[doc(hidden)]
pub use lent::lend_whole;
pub use lent::{Inspect, Lent, is_of_ring};
