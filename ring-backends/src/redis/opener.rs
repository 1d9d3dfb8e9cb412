//! Opening of connections to one server.

use std::sync::Arc;
#[cfg(feature = "tiered")]
use std::sync::OnceLock;

use redis::Client;

use super::dialect::Dialect;
#[cfg(feature = "tiered")]
use super::watching::Watch;

/// How to open connections to the server.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) client: Client,
    pub(super) dialect: Arc<Dialect>,
    /// Reports changes on the server to tiers, if there are any.
    #[cfg(feature = "tiered")]
    pub(super) watch: Arc<OnceLock<Arc<Watch>>>,
}
