//! The rings that tests look into. Each test has rings of its own.

use ring_cache::{Lru, Redis, RingKey, ring, ring_impl};

/// A ring named `$name` in the module `$module`.
macro_rules! ring {
    ($name:ident, $prefix:literal $($options:tt)*) => {
        #[ring(key_prefix = $prefix $($options)*)]
        pub(crate) fn $name(id: String) -> String {
            id
        }
    };
}

ring!(shown, "shown");
ring!(as_text, "as-text");
ring!(nested, "nested");
ring!(removed, "removed");
ring!(removed_too, "removed-too");
ring!(
    refreshed,
    "refreshed",
    expire = "1h",
    stale = "1h",
    refresh = caller
);
ring!(cleared, "cleared", capacity = 1000);
ring!(read_only, "read-only");
ring!(
    clicked,
    "clicked",
    capacity = 1000,
    expire = "1h",
    stale = "1h",
    refresh = caller
);
ring!(without_script, "without-script");
ring!(live, "live");
ring!(many, "many", capacity = 1000);
ring!(evil, "<img/src=x/onerror=hacked()>");

/// A service that owns its storage.
#[derive(RingKey)]
pub(crate) struct Users {
    #[ring_key(skip)]
    pub(crate) cache: Lru<String>,
}

#[ring_impl(storage = self.cache as Lru<String>)]
impl Users {
    #[ring(key_prefix = "users")]
    pub(crate) fn user(&self, id: u64) -> String {
        format!("user {id}")
    }
}

/// On a server that the test names.
#[derive(RingKey)]
pub(crate) struct Articles(#[ring_key(skip)] pub(crate) Redis);

#[ring_impl(storage = self.0 as Redis)]
impl Articles {
    #[ring(key_prefix = "articles")]
    pub(crate) fn article(&self, id: u64) -> String {
        format!("article {id}")
    }
}
