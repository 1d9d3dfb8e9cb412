//! How commands reach a server, or the servers of a cluster.

use std::time::Instant;

use redis::Value;

use super::commands::Commands;
use crate::remote::Fault;

/// How commands reach a server. They may be sent twice: all of them can be repeated.
pub trait Route: Send + Sync + 'static {
    /// One of the servers that hold keys.
    type Node: Send + Sync + 'static;

    /// Sends commands to where their keys are. Returns an answer to each, which may be the server's error.
    fn ask(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault>;
    /// What was answered is no answer to what was asked: the connections that were used may be out of step.
    fn out_of_step(&self);
    /// The servers that hold keys.
    fn nodes(&self, until: Instant) -> Result<Vec<Self::Node>, Fault>;
    /// [`ask`](Self::ask)s one of the servers.
    fn ask_node(&self, node: &Self::Node, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault>;
}

/// A [`Route`] that is awaited.
#[cfg(feature = "tokio")]
pub trait AsyncRoute: Route {
    /// See [`Route::ask`].
    fn ask_async(
        &self,
        commands: &Commands,
        until: Instant,
    ) -> impl Future<Output = Result<Vec<Value>, Fault>> + Send;
    /// See [`Route::nodes`].
    fn nodes_async(&self, until: Instant) -> impl Future<Output = Result<Vec<Self::Node>, Fault>> + Send;
    /// See [`Route::ask_node`].
    fn ask_node_async(
        &self,
        node: &Self::Node,
        commands: &Commands,
        until: Instant,
    ) -> impl Future<Output = Result<Vec<Value>, Fault>> + Send;
}
