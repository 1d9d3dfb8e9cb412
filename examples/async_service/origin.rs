//! The origin: a slow HTTP server that counts its requests.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};

use crate::service::User;

/// The time for an answer, like that of a database in the next town.
pub(crate) const LATENCY: Duration = Duration::from_millis(100);

pub(crate) struct Origin {
    names: Mutex<BTreeMap<u64, String>>,
    reads: AtomicU64,
}

impl User {
    /// The original user of the origin.
    pub(crate) fn original(id: u64) -> Self {
        let name = format!("User {id}");
        User { id, name }
    }
}

impl Origin {
    /// Starts an origin with these users, and returns its address.
    pub(crate) async fn start(ids: impl Iterator<Item = u64>) -> io::Result<(Arc<Self>, String)> {
        let names = ids.map(|id| (id, User::original(id).name)).collect();
        let origin = Arc::new(Origin {
            names: Mutex::new(names),
            reads: AtomicU64::new(0),
        });
        let router = Router::new().route("/users/{id}", get(read).put(write));
        let address = crate::serve(router.with_state(origin.clone())).await?;
        Ok((origin, address))
    }

    /// The number of requests for a user.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

async fn read(State(origin): State<Arc<Origin>>, Path(id): Path<u64>) -> Result<Json<User>, StatusCode> {
    origin.reads.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(LATENCY).await;
    let name = origin.names.lock().unwrap().get(&id).cloned();
    let name = name.ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(User { id, name }))
}

async fn write(State(origin): State<Arc<Origin>>, Path(id): Path<u64>, name: String) {
    tokio::time::sleep(LATENCY).await;
    origin.names.lock().unwrap().insert(id, name);
}
