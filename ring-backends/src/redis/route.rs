//! How commands reach a server, or the servers of a cluster.

use std::time::Instant;

use redis::Value;

use super::request::Commands;
use crate::remote::Fault;

/// How commands reach a server, or the servers of a cluster. They may be sent twice: all of them can be repeated.
pub(super) trait Route: Send + Sync + 'static {
    /// A server that holds keys.
    type Node: Send + Sync + 'static;

    /// The number of servers that fail each by itself, as far as they are told apart.
    fn count(&self) -> usize {
        1
    }

    /// The number of the server that has a key: less than the [count](Self::count).
    fn number(&self, key: &[u8]) -> usize {
        let _ = key;
        0
    }

    /// Where a server is.
    fn address(&self, number: usize) -> Option<String>;

    /// When a server last answered.
    fn answered(&self, number: usize) -> Option<Instant>;

    /// See [`Server::watch_error`](crate::remote::Server::watch_error).
    fn watch_error(&self) -> Option<String> {
        None
    }

    /// Sends commands to the servers of their keys. Returns a reply to each, which may be the server's error.
    fn send(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault>;
    /// Closes idle connections: replies did not fit their commands, so the next may be those to earlier ones.
    fn close_idle(&self);
    /// The servers that hold keys.
    fn nodes(&self, until: Instant) -> Result<Vec<Self::Node>, Fault>;
    /// [`send`](Self::send)s commands to one server.
    fn send_to(&self, node: &Self::Node, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault>;
}

/// A [`Route`] that is awaited.
#[cfg(feature = "tokio")]
pub(super) trait AsyncRoute: Route {
    /// See [`Route::send`].
    fn send_async(
        &self,
        commands: &Commands,
        until: Instant,
    ) -> impl Future<Output = Result<Vec<Value>, Fault>> + Send;
    /// See [`Route::nodes`].
    fn nodes_async(&self, until: Instant) -> impl Future<Output = Result<Vec<Self::Node>, Fault>> + Send;
    /// See [`Route::send_to`].
    fn send_to_async(
        &self,
        node: &Self::Node,
        commands: &Commands,
        until: Instant,
    ) -> impl Future<Output = Result<Vec<Value>, Fault>> + Send;
}
