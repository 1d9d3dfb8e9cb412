//! Addresses of servers, and the preparation of TLS.

#[cfg(feature = "tokio")]
use std::io;
#[cfg(feature = "tokio")]
use std::net::SocketAddr;

use redis::{Client, ConnectionAddr, IntoConnectionInfo, RedisResult};
use ring_cache_core::Error;

/// Whether TLS is built in.
const TLS: bool = cfg!(feature = "tls");
pub(super) const WITHOUT_TLS: &str = "TLS is not built in: enable the feature `tls`";

/// Parses `url`, then applies `parse`. Errors do not show it: it may contain a password.
pub(super) fn parsed<T>(
    storage: &'static str,
    url: &str,
    parse: impl FnOnce(redis::ConnectionInfo) -> RedisResult<T>,
) -> Result<T, Error> {
    let parsed = url.into_connection_info().and_then(parse);
    parsed.map_err(|_| {
        let encrypted = url.starts_with("rediss:") || url.starts_with("valkeys:");
        let cause = if encrypted && !TLS {
            WITHOUT_TLS
        } else {
            "invalid address: write \
             `redis://user:password@host:port/database`, `rediss://..` or `redis+unix:///path?db=1&pass=..`, \
             with `%` escapes in names and passwords"
        };
        Error::storage(storage, "open", cause)
    })
}

/// Resolves a name to the first of its addresses that answers: see [`dial`](crate::remote::dial).
#[cfg(feature = "tokio")]
pub(super) struct Resolver;

#[cfg(feature = "tokio")]
impl redis::io::AsyncDNSResolver for Resolver {
    fn resolve<'a, 'b: 'a>(
        &'a self,
        host: &'b str,
        port: u16,
    ) -> redis::RedisFuture<'a, Box<dyn Iterator<Item = SocketAddr> + Send + 'a>> {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((host, port)).await?.collect();
            Ok(Box::new(first_to_answer(addresses).await?.into_iter()) as Box<dyn Iterator<Item = _> + Send>)
        })
    }
}

/// The one of several addresses that answers first.
#[cfg(feature = "tokio")]
pub(super) async fn first_to_answer(addresses: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    if addresses.len() < 2 {
        return Ok(addresses);
    }
    let stream = crate::remote::dial::connect_async(addresses).await?;
    Ok(vec![stream.peer_addr()?])
}

/// To be called before connecting: prepares TLS if the client's connections use it.
pub(super) fn prepare(client: &Client) {
    if let ConnectionAddr::TcpTls { .. } = client.get_connection_info().addr() {
        prepare_tls();
    }
}

/// Sets the default provider of cryptography, without which rustls panics.
pub(super) fn prepare_tls() {
    #[cfg(feature = "tls")]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have set it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
