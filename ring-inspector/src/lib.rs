//! A page that shows the rings of [ring-cache](https://docs.rs/ring-cache) to operators of a service. Depend on `ring-cache`
//! with the feature `inspector`, which re-exports this crate as `ring_cache::inspector`.
//!
//! ```
//! use ring_cache::inspector::Inspector;
//! use tokio::net::TcpListener;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! let listener = TcpListener::bind("127.0.0.1:0").await?; // such as "127.0.0.1:9009"
//! tokio::spawn(Inspector::new().serve(listener));
//! # std::io::Result::Ok(()) }).unwrap();
//! ```
//!
//! A browser shows for each ring its live hit ratio, its storage, the times of look-ups and bodies, and its keys; for each
//! storage its servers and breakers; and the findings of the [doctor](ring_cache_core::doctor). `curl` gets the same as
//! text, and `/figures` is JSON. Values are never shown. The page is one document without external resources. It works
//! without JavaScript, which only updates the figures.
//!
//! # Beside other routes
//!
//! [`router`] and [`Inspector::router`] return a [`Router`] for a path of a service. It needs the peer address of
//! connections:
//!
//! ```
//! use std::net::SocketAddr;
//! use axum::{Router, routing::get};
//! use ring_cache::inspector;
//!
//! let app: Router = Router::new()
//!     .route("/", get(async || "the service"))
//!     .nest("/cache", inspector::router());
//! let service = app.into_make_service_with_connect_info::<SocketAddr>();
//! # let _ = service;
//! ```
//!
//! The page is at `/cache`, without a trailing `/`, as with all nested routers.
//!
//! # Access
//!
//! Only this machine has access, also by a tunnel such as `ssh -L 9009:localhost:9009 host`:
//!
//! - The peer must be a loopback address, and no proxy may have passed the request on, unless
//!   [`allow_any_peer`](Inspector::allow_any_peer) leaves that to the service.
//! - The header `Host` must be `localhost` or a loopback address, or one of
//!   [`allow_host`](Inspector::allow_host): a page of another site must not reach this one under a name of its own (DNS
//!   rebinding).
//! - Requests that come from pages of other sites are refused, by `Sec-Fetch-Site` and `Origin`.
//!
//! # Changes
//!
//! Changes are off until [`allow_changes`](Inspector::allow_changes) sets a token. Then a `POST` with the token can
//!
//! - *delete* a key, as `call.delete()` does;
//! - *refresh* a key, as `call.expire()` does: the ring keeps the value as a stale one, and the next call recomputes it.
//!   Only rings with `stale` offer this. The inspector cannot compute a value, since a key does not contain the arguments of
//!   the call;
//! - *clear* a ring, as `{method}_cache().clear()` does, after a confirmation.
//!
//! ```console
//! $ curl localhost:9009
//! $ curl 'localhost:9009/ring?ring=user'
//! $ curl -d token=… -d ring=user --data-urlencode delete=user:7 localhost:9009/change
//! ```
//!
//! # Listed keys
//!
//! Keys in `Redis`, `RedisHash`, `RedisCluster` and `Disk`; keys in an `Lru` or a `Map` in a static, such as that of a ring
//! without `storage`, or with [`inspectable`](ring_cache_core::Lru::inspectable); and keys in a `Tiered` by the same rule.
//! Memcached does not list keys; it can delete a key whose text you know.
//!
//! # Cost
//!
//! None without requests. A request reads counters; a page of keys reads some thousands of entries at most, a few hundred
//! under one lock, and in Redis by a few `SCAN`s. Blocking work runs on tokio's threads for it, four at a time.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod change;
mod done;
mod guard;
mod history;
mod inspector;
mod pages;
mod query;
mod reply;
mod site;
mod snapshot;
mod view;

pub use axum::Router;
pub use inspector::{Inspector, router};
