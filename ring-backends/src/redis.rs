//! Redis: one server, its hashes, and clusters of it.
//!
//! A `KeySchema` says under which keys entries are stored, and builds the requests. A `Route` sends them to the server or
//! the servers, blocking or awaited.

mod address;
mod cluster;
mod echo_token;
mod faults;
#[cfg(fuzzing)]
pub mod fuzzing;
mod hash;
mod request;
mod ring_scan;
mod route;
mod schema;
mod server;
#[cfg(feature = "tokio")]
mod shared;
mod single;
#[cfg(feature = "tiered")]
mod watching;

use ring_cache_core::Error;

pub use cluster::RedisCluster;
pub use hash::RedisHash;
use schema::{KeySchema, Keys};
use server::RedisServer;
use single::Single;

use crate::remote::Remote;

/// Entries in Redis, and in what speaks its language: one key for each entry.
///
/// ```no_run
/// use std::sync::LazyLock;
///
/// use ring_cache::coder::Json;
/// use ring_cache::ring;
/// use ring_cache_backends::Redis; // also `ring_cache::Redis`, with the feature `redis`
///
/// static REDIS: LazyLock<Redis> = LazyLock::new(|| {
///     let redis = Redis::open("redis://127.0.0.1:6379").expect("a well-formed address");
///     redis.namespace("shop")
/// });
///
/// #[ring(storage = REDIS as Redis, coder = Json, expire = "5m", key_prefix = "price")]
/// fn price(article: u32) -> u64 {
///     // A slow computation.
///     # 1
/// }
///
/// price(7); // stores `shop:price:7`, for five minutes
/// let call = price_ring(7);
/// assert_eq!(call.key().to_string(), "shop:price:7");
/// let client: &redis::Client = call.storage().backend();
/// ```
///
/// An entry lies under the text of its key, as [`Call::key`](ring_cache_core::BoundCall::key) shows it, and is exactly
/// the bytes of the coder. Other programs can read it, and write it: what they leave there that is no value is computed
/// and overwritten. Expiries are counted in milliseconds, rounded up; they end after a hundred years.
///
/// # One storage, both colours
///
/// In functions that block, calls share up to 64 connections. In an `async fn`, with the feature `tokio`, all calls on
/// one runtime share one; one storage in a static serves many runtimes. Connections are made when they are needed,
/// beside the calls: no call waits for longer than its [`deadline`](Remote::deadline), and a connection that comes too
/// late is there for the next. One that broke is replaced, and what was asked is asked again: a restart of the server
/// costs no error if it is back in time.
///
/// Redis does not number its answers. So that none is ever taken for that to another question, an `ECHO` with a number goes
/// with each question. A user of the server that may not say that, or a server that does not know it, is believed.
///
/// A bulk call takes one round trip to look up, and one to store. `clear` walks over all keys of the server (`SCAN`),
/// whosever they are, and removes those of the ring: on a large server it takes its time, and holds up nobody.
///
/// # When the server fails
///
/// | | a plain call | an explicit verb |
/// |---|---|---|
/// | no server, broken connections, silence | computes, after a deadline at most | an error |
/// | the server refuses: `OOM`, `READONLY`, `NOAUTH`, `LOADING` .. | computes | an error |
/// | another type under the key | computes and overwrites | an error; nothing, in bulk |
///
/// A [`Breaker`](crate::Breaker) keeps calls from a server that does not answer, and
/// [`health`](Remote::health) counts. A `set`, `update` or `delete` that failed leaves no old value: what lies there is
/// removed before the server is asked for anything else.
///
/// In a function that blocks, the time for one reply is measured from one piece of it to the next: a large value that
/// comes slowly may take longer than the deadline.
pub type Redis = Remote<RedisServer<Keys>>;

impl Remote<RedisServer<Keys>> {
    /// The storage on the server at `url`. It connects when it is first asked for something.
    ///
    /// - `redis://name:password@host:port/database`, all but the host optional;
    /// - `rediss://..`, by TLS with the authorities that the system trusts, with the feature `tls`; for others see
    ///   [`from_client`](Self::from_client);
    /// - `redis+unix:///path?db=1&user=name&pass=password`.
    ///
    /// What has a meaning in addresses, as `@`, `/` and `#`, stands in names and passwords as `%40`, `%2F` and `%23`.
    ///
    /// # Errors
    ///
    /// If `url` is no such address. The error does not show it.
    pub fn open(url: impl AsRef<str>) -> Result<Self, Error> {
        address::parsed(Keys::NAME, url.as_ref(), redis::Client::open).map(Self::from_client)
    }

    /// The storage on the server of a client that was made elsewhere, with certificates of its own say.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "tls")] {
    /// use redis::{Client, TlsCertificates};
    /// use ring_cache_backends::Redis;
    ///
    /// let authority = std::fs::read("authority.pem")?;
    /// let certificates = TlsCertificates { client_tls: None, root_cert: Some(authority) };
    /// let redis = Redis::from_client(Client::build_with_tls("rediss://example.com", certificates)?);
    /// # }
    /// # Ok(()) }
    /// ```
    ///
    /// TLS is done by rustls. If the application has chosen no provider of cryptography for it when a connection is
    /// first made, that of the crate `ring` is chosen, for the whole process.
    pub fn from_client(client: redis::Client) -> Self {
        Remote::new(RedisServer::new(Single::new(client)))
    }

    /// The client, for whatever else is to be done on the server.
    pub fn backend(&self) -> &redis::Client {
        self.server().route().client()
    }
}
