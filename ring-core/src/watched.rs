//! Watched services: their storages are listed separately from other instances'.

use std::any::{Any, type_name};
use std::ops::Range;
use std::sync::{Arc, Weak};

use crate::sync::lasting::RwLock;

/// A service that still exists.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    /// The addresses of its fields.
    place: Range<usize>,
    _alive: Arc<dyn Any + Send + Sync>,
}

impl Service {
    /// Whether the storage at this address is a field of it.
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.place.contains(&address)
    }
}

struct Watched {
    name: &'static str,
    size: usize,
    service: Weak<dyn Any + Send + Sync>,
}

static WATCHED: RwLock<Vec<Watched>> = RwLock::new(Vec::new());

/// Lists the storages that `service` owns separately from those of other instances, in [`rings`](crate::rings) and for
/// metrics. It is held weakly.
///
/// Its own storages are in fields of its type, also of structs in it. A storage that it shares with others, such as a field
/// `Arc<Lru<User>>`, is watched by its own `Arc`.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// # use std::sync::Arc;
/// # use ring_cache::{Cache, Lru, Plain, Ring};
/// struct Users {
///     cache: Lru<u32>,
/// }
/// # let ring: &'static Ring = Box::leak(Box::new(Ring::with_prefix("users")));
/// # impl Users {
/// #     fn user(&self, ring: &'static Ring, id: u32) -> u32 {
/// #         Cache::new(ring, &self.cache).bind::<Plain<u32>, _, _>((id,), |(id,)| id).get_or_update()
/// #     }
/// # }
///
/// let users = Arc::new(Users { cache: Lru::new(1000) });
/// ring_cache::watch(&users);
/// # users.user(ring, 7);
/// let rings = ring_cache::rings();
/// assert!(rings.iter().any(|ring| ring.service().is_some_and(|name| name.ends_with("Users"))));
/// ```
pub fn watch<T: Send + Sync + 'static>(service: &Arc<T>) {
    let weak = Arc::downgrade(service);
    let mut watched = WATCHED.write();
    watched.retain(|watched| watched.service.strong_count() > 0);
    watched.push(Watched {
        name: type_name::<T>(),
        size: size_of::<T>(),
        service: weak,
    });
}

/// The watched services that still exist.
pub(crate) fn services() -> Vec<Service> {
    let watched = WATCHED.read();
    let alive = watched.iter().filter_map(|watched| {
        let alive = watched.service.upgrade()?;
        let start = Arc::as_ptr(&alive).addr();
        Some(Service {
            name: watched.name,
            place: start..start + watched.size,
            _alive: alive,
        })
    });
    alive.collect()
}
