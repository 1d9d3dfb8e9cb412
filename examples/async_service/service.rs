//! The part to copy from: a repository whose users are cached, and the HTTP routes that share it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use ring_cache::{AsyncCalls, Lru, RingKey, ring_impl};
use serde::{Deserialize, Serialize};

/// A user, as the origin has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: String,
}

/// The users of an origin. It owns its cache: another repository has another one.
#[derive(RingKey)]
pub(crate) struct UserRepository {
    origin: String,
    #[ring_key(skip)]
    http: reqwest::Client,
    #[ring_key(skip)]
    users: Lru<Arc<User>>,
}

#[ring_impl]
impl UserRepository {
    pub(crate) fn new(origin: String, http: reqwest::Client) -> Self {
        let users = Lru::new(10_000);
        UserRepository { origin, http, users }
    }

    /// A user, shared by all callers: a hit clones a pointer. Only `Ok` is cached.
    #[ring(lru = self.users, expire = "5m")]
    pub(crate) async fn user(&self, id: u64) -> Result<Arc<User>, reqwest::Error> {
        let response = self.http.get(self.address(id)).send().await?;
        response.error_for_status()?.json().await
    }

    /// Many users. Those not cached are fetched, at most 8 at a time.
    pub(crate) async fn users(&self, ids: &[u64]) -> Result<Vec<Arc<User>>, reqwest::Error> {
        let calls = ids.iter().map(|id| self.user_ring(*id));
        let users = calls.at_most(8).get_or_update_many().await;
        users.into_iter().collect()
    }

    /// Writes a name to the origin, and forgets the user here.
    pub(crate) async fn rename(&self, id: u64, name: String) -> Result<(), reqwest::Error> {
        let response = self.http.put(self.address(id)).body(name).send().await;
        // Also after an error, which may have come after the write. Not `set`: of two concurrent writes, only the origin
        // knows the last.
        self.user_ring(id).delete().await;
        response?.error_for_status()?;
        Ok(())
    }

    fn address(&self, id: u64) -> String {
        format!("{}/users/{id}", self.origin)
    }
}

pub(crate) fn router(repository: Arc<UserRepository>) -> Router {
    Router::new()
        .route("/users/{id}", get(user).put(rename))
        .route("/users", get(users))
        .with_state(repository)
}

type Repository = State<Arc<UserRepository>>;

async fn user(State(repository): Repository, Path(id): Path<u64>) -> Result<Json<Arc<User>>, StatusCode> {
    let user = repository.user(id).await.map_err(status)?;
    Ok(Json(user))
}

/// The query of `/users?ids=1,2,3`.
#[derive(Deserialize)]
struct Wanted {
    ids: String,
}

async fn users(
    State(repository): Repository,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Arc<User>>>, StatusCode> {
    let ids: Result<Vec<u64>, _> = wanted.ids.split(',').map(str::parse).collect();
    let ids = ids.map_err(|_| StatusCode::BAD_REQUEST)?;
    let users = repository.users(&ids).await.map_err(status)?;
    Ok(Json(users))
}

async fn rename(State(repository): Repository, Path(id): Path<u64>, name: String) -> Result<(), StatusCode> {
    repository.rename(id, name).await.map_err(status)
}

/// The status of the origin, or of a failure to reach it.
fn status(error: reqwest::Error) -> StatusCode {
    error.status().unwrap_or(StatusCode::BAD_GATEWAY)
}
