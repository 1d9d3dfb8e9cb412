//! What opening a connection to one server needs.

use std::sync::Arc;
#[cfg(feature = "tiered")]
use std::sync::OnceLock;

use redis::Client;

use super::dialect::Dialect;
#[cfg(feature = "tiered")]
use super::watching::Watch;

/// How connections to the server are opened.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) client: Client,
    pub(super) dialect: Arc<Dialect>,
    /// What tells tiers of changes on the server, if there are any.
    #[cfg(feature = "tiered")]
    pub(super) watch: Arc<OnceLock<Arc<Watch>>>,
}
