//! Behaviour, in the users' words: one file per topic.

mod associated;
mod async_forms;
mod async_nesting;
#[cfg(all(feature = "json", feature = "tokio"))]
mod blocking;
#[cfg(all(
    feature = "disk",
    feature = "json",
    feature = "memcached",
    feature = "redis",
    feature = "tiered",
    feature = "tokio"
))]
mod chosen;
mod derive;
mod editor;
mod entries;
mod entry;
#[cfg(all(feature = "json", feature = "redis", feature = "tiered", feature = "tokio"))]
mod fails;
mod formats;
mod forms;
mod generics;
mod hygiene;
mod identity;
mod invalidates;
mod key_golden;
mod key_parser;
mod key_text;
mod no_prelude;
mod options;
#[cfg(all(
    feature = "disk",
    feature = "json",
    feature = "memcached",
    feature = "redis",
    feature = "tiered"
))]
mod places;
#[cfg(all(feature = "json", feature = "memcached", feature = "redis"))]
mod polyglot;
mod prefixes;
#[cfg(feature = "json")]
mod quickstart;
mod receivers;
#[cfg(all(feature = "json", feature = "redis"))]
mod redis;
mod reexported;
mod results;
#[cfg(all(
    feature = "disk",
    feature = "lz4",
    feature = "memcached",
    feature = "redis",
    feature = "sealed",
    feature = "tiered"
))]
mod sealed;
mod seen;
#[cfg(all(feature = "testing", feature = "tokio"))]
mod stale;
mod storages;
mod tags;
mod templates;
mod timeout;
mod traits;
mod ui;
mod user_interface;
mod versions;
