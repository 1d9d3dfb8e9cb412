//! The settings of an inspector, and the routes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::guard::{Guard, guard};
use crate::pages::{figures, overview, ring};
use crate::site::Site;
use crate::{change, reply};

/// A read-only inspector for this machine, at a path of a service: `Inspector::new().router()`.
///
/// See the [module](crate) for how to serve it.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Inspector::new().router()
}

/// The page of all rings: see the [module](crate).
///
/// ```
/// use ring_cache::inspector::Inspector;
///
/// let inspector = Inspector::new().allow_changes("a token that nobody guesses");
/// let router: axum::Router = inspector.router();
/// ```
#[derive(Clone, Default)]
pub struct Inspector {
    guard: Guard,
    token: Option<Arc<str>>,
}

impl Inspector {
    /// A read-only inspector for this machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows deleting, refreshing and clearing with this token. An empty token allows nothing.
    ///
    /// Use a token as long as a password, and do not write it into the source.
    #[must_use]
    pub fn allow_changes(mut self, token: impl Into<String>) -> Self {
        let token = token.into();
        self.token = (!token.is_empty()).then(|| token.into());
        self
    }

    /// Also answers requests to this host, such as `cache.example.com`, without a port: the name by which a proxy, or
    /// another machine in the network, reaches it.
    #[must_use]
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.guard.hosts.push(host.into().to_ascii_lowercase());
        self
    }

    /// Answers any peer. The service must restrict access: put a log-in in front of it. Each name by which it is reached
    /// needs an [`allow_host`](Self::allow_host).
    #[must_use]
    pub fn allow_any_peer(mut self) -> Self {
        self.guard.allows_any_peer = true;
        self
    }

    /// The routes, for any path of a service: see the [module](crate#beside-other-routes).
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let Inspector { guard: rules, token } = self;
        let site = Site::new(token);
        Router::new()
            .route("/", get(overview))
            .route("/ring", get(ring))
            .route("/figures", get(figures))
            .route("/change", post(change::change))
            .fallback(reply::not_found)
            .layer(from_fn_with_state(Arc::new(rules), guard))
            .with_state(site)
    }

    /// Serves the page alone, at the address of the listener, until the task is dropped.
    ///
    /// # Errors
    ///
    /// If the listener fails.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let router: Router = self.router();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).await
    }
}

/// Omits the token.
impl std::fmt::Debug for Inspector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inspector")
            .field("guard", &self.guard)
            .field("allows_changes", &self.token.is_some())
            .finish()
    }
}
