//! Routes of commands to a server, or to the servers of a cluster.

use std::time::Instant;

use redis::Value;

use super::request::Commands;
use crate::remote::Fault;

/// A route of commands to a server, or to the servers of a cluster. Commands may be sent twice: all are idempotent.
pub(super) trait Route: Send + Sync + 'static {
    /// A server that holds keys.
    type Node: Send + Sync + 'static;

    /// The number of servers that fail separately and can be distinguished.
    fn count(&self) -> usize {
        1
    }

    /// The number of the server that has a key: less than the [count](Self::count).
    fn number(&self, key: &[u8]) -> usize {
        let _ = key;
        0
    }

    /// The address of a server.
    fn address(&self, number: usize) -> Option<String>;

    /// When a server last replied.
    fn answered(&self, number: usize) -> Option<Instant>;

    /// See [`Server::watch_error`](crate::remote::Server::watch_error).
    fn watch_error(&self) -> Option<String> {
        None
    }

    /// Sends commands to the servers of their keys. Returns a reply to each, which may be the server's error.
    fn send(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault>;
    /// Closes idle connections: after replies that did not fit, these may have replies to earlier commands.
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
