//! Redis.

mod address;
mod commands;
mod faults;
mod layout;
#[cfg(feature = "tokio")]
mod links;
mod pool;
mod route;
mod server;
mod single;
mod sweep;
#[cfg(feature = "tiered")]
mod watching;

use ring_cache_core::Error;

use layout::Keys;
use layout::Layout;
use server::RedisServer;
use single::Single;

use crate::remote::Remote;

/// Entries in Redis.
pub type Redis = Remote<RedisServer<Keys>>;

impl Remote<RedisServer<Keys>> {
    /// The storage on the server at `url`. It connects when it is first asked for something.
    ///
    /// # Errors
    ///
    /// If `url` is no address of a Redis server.
    pub fn open(url: &str) -> Result<Self, Error> {
        address::parsed(Keys::NAME, url, redis::Client::open).map(Self::from_client)
    }

    /// The storage on the server of a client that was made elsewhere.
    pub fn from_client(client: redis::Client) -> Self {
        Remote::new(RedisServer::by(Single::new(client)))
    }

    /// The client, for whatever else is to be done on the server.
    pub fn backend(&self) -> &redis::Client {
        self.server().route().client()
    }
}
