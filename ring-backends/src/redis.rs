//! Redis: one server, its hashes, and clusters of it.
//!
//! A `KeySchema` defines the keys of entries and builds requests. A `Route` sends them to one server or several, blocking or
//! awaited.

mod address;
mod cluster;
mod dialect;
mod echo_token;
#[cfg(feature = "tokio")]
mod encrypted;
mod faults;
#[cfg(fuzzing)]
pub mod fuzzing;
mod hash;
#[cfg(feature = "tokio")]
mod joined_lookups;
mod lease;
#[cfg(feature = "tokio")]
mod line;
#[cfg(feature = "inspect")]
mod listing;
mod login;
#[cfg(feature = "tokio")]
mod multiplexer;
mod opener;
mod reply_buffer;
mod request;
mod ring_scan;
mod route;
mod schema;
mod server;
#[cfg(feature = "tokio")]
mod shared;
mod single;
mod stored_key;
#[cfg(feature = "tiered")]
mod watching;
mod wire;

use ring_cache_core::Error;

pub use cluster::RedisCluster;
pub use hash::RedisHash;
use schema::{KeySchema, Keys};
use server::RedisServer;
use single::Single;

use crate::remote::Remote;
use crate::remote::own_type::own_type;

/// A storage on a Redis server, or a compatible one: a key for each entry.
///
/// ```no_run
/// use std::sync::LazyLock;
///
/// use ring_cache::coder::Json;
/// use ring_cache::ring;
/// use ring_cache::Redis;
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
/// The key is the text that [`Call::key`](ring_cache_core::BoundCall::key) returns, the value exactly the coder's bytes.
/// Other programs can read and write both: bytes that are not a value count as a miss, and are overwritten. Expiries are
/// rounded up to milliseconds, and end after a hundred years.
///
/// # Connections
///
/// Blocking calls share up to 64 connections. With the feature `tokio`, all awaited calls on one runtime share one
/// connection, and one storage in a static serves many runtimes. Connections are opened in the background on demand: no call
/// waits for longer than its [`deadline`](Self::deadline), and a connection that is open too late serves the next call. A
/// broken connection is replaced and the commands are sent again: a restart of the server within the deadline causes no
/// error.
///
/// Redis does not number its replies. An `ECHO` of a token follows the commands of each call: replies are accepted if there
/// is one to each command, followed by the token. So after one reply too many or too few, as by a faulty proxy, none is taken
/// for that to another request. If the server refuses `ECHO`, replies are accepted without it.
///
/// A bulk look-up or store takes one round trip. `clear` scans all keys of the server (`SCAN`) and removes those of the
/// ring: this takes long on a large server, and does not block it.
///
/// # Failures
///
/// | | a plain call | an explicit verb |
/// |---|---|---|
/// | no server, broken connection, timeout | computes, after a deadline at most | an error |
/// | an error of the server: `OOM`, `READONLY`, `NOAUTH`, `LOADING` .. | computes | an error |
/// | another type at the key | computes and overwrites | an error; nothing in bulk |
///
/// While a server does not answer, a [`Breaker`](crate::Breaker) spares calls the wait; [`health`](Self::health) counts
/// failures. A `set`, `update` or `delete` that failed leaves no old value: the entry is deleted before the server is asked
/// for anything else.
///
/// For blocking calls over TLS, the deadline applies to each piece of a reply: a large, slow value may take longer.
#[derive(Clone)]
pub struct Redis {
    remote: Remote<RedisServer<Keys>>,
}

own_type!(Redis: Expires, Clear, Leases);

impl Redis {
    /// Opens the storage on the server at `url`. It connects at the first use.
    ///
    /// - `redis://name:password@host:port/database`, all but the host optional;
    /// - `rediss://..`: TLS with the certificate authorities of the system, with the feature `tls`; for others see
    ///   [`from_client`](Self::from_client);
    /// - `redis+unix:///path?db=1&user=name&pass=password`.
    ///
    /// In names and passwords `@`, `/` and `#` are written `%40`, `%2F` and `%23`.
    ///
    /// # Errors
    ///
    /// If `url` is not such an address. The error does not show it.
    pub fn open(url: impl AsRef<str>) -> Result<Self, Error> {
        address::parsed(Keys::NAME, url.as_ref(), redis::Client::open).map(Self::from_client)
    }

    /// The storage on the server of a client, for instance one with certificates of its own.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "tls")] {
    /// use redis::{Client, TlsCertificates};
    /// use ring_cache::Redis;
    ///
    /// let authority = std::fs::read("authority.pem")?;
    /// let certificates = TlsCertificates { client_tls: None, root_cert: Some(authority) };
    /// let redis = Redis::from_client(Client::build_with_tls("rediss://example.com", certificates)?);
    /// # }
    /// # Ok(()) }
    /// ```
    ///
    /// TLS is that of rustls. If the process has no default provider of cryptography when a connection is first opened,
    /// that of the crate `ring` becomes the default.
    pub fn from_client(client: redis::Client) -> Self {
        Redis {
            remote: Remote::new(RedisServer::new(Single::new(client))).repairing(),
        }
    }

    /// The client of the server, for operations that the verbs lack. Its type follows the versions of the crate `redis`.
    pub fn backend(&self) -> &redis::Client {
        self.remote.server().route().client()
    }
}

impl ring_cache_core::storage::HoldsBytes for Redis {}
