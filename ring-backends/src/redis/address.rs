//! Addresses of servers, and what connecting by TLS asks for.

use redis::{Client, ConnectionAddr, IntoConnectionInfo, RedisResult};
use ring_cache_core::Error;

/// Whether TLS is built in.
const TLS: bool = cfg!(feature = "tls");

/// What `parse` makes of the address `url`. Errors do not show it: it may hold a password.
pub(super) fn parsed<T>(
    storage: &'static str,
    url: &str,
    parse: impl FnOnce(redis::ConnectionInfo) -> RedisResult<T>,
) -> Result<T, Error> {
    let parsed = url.into_connection_info().and_then(parse);
    parsed.map_err(|_| {
        let encrypted = url.starts_with("rediss:") || url.starts_with("valkeys:");
        let cause = if encrypted && !TLS {
            "the address asks for TLS: build with the feature `tls`"
        } else {
            "the address is none of a Redis server: \
             `redis://user:password@host:port/database`, `rediss://..` or `redis+unix:///path?db=1&pass=..`, \
             with `%` escapes in names and passwords"
        };
        Error::storage(storage, "open", cause)
    })
}

/// Makes sure that a connection to a client's server can be encrypted, if it is to be.
pub(super) fn prepare(client: &Client) {
    if let ConnectionAddr::TcpTls { .. } = client.get_connection_info().addr() {
        prepare_tls();
    }
}

/// Without a provider that the application chose, or could choose only one of, rustls panics.
pub(super) fn prepare_tls() {
    #[cfg(feature = "tls")]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Someone else may have been quicker.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
