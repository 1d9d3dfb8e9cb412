//! A service with a blocking storage, for its `async fn`s and its other functions.

#[path = "../../ring-backends/tests/it/blocking/files.rs"]
mod files;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ring_cache::clock::ManualClock;
use ring_cache::coder::Json;
use ring_cache::{AsyncCalls, Blocking, RingKey, ring_impl};
use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

use files::Files;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    version: u32,
}

#[derive(RingKey)]
struct Users {
    region: &'static str,
    #[ring_key(skip)]
    files: Blocking<Files>,
    #[ring_key(skip)]
    loaded: AtomicU32,
}

#[ring_impl(coder = Json, expire = "1h")]
impl Users {
    #[ring(storage = self.files as Blocking<Files>, key_prefix = "user")]
    async fn user(&self, id: u64) -> Result<User, String> {
        tokio::task::yield_now().await;
        self.load(id)
    }

    /// The same entries, for blocking calls.
    #[ring(storage = self.files.backend() as Files, key_prefix = "user")]
    fn user_at_once(&self, id: u64) -> Result<User, String> {
        self.load(id)
    }
}

impl Users {
    fn new(files: Files) -> Self {
        Users {
            region: "eu",
            files: Blocking::new(files),
            loaded: AtomicU32::new(0),
        }
    }

    fn load(&self, id: u64) -> Result<User, String> {
        let version = self.loaded.fetch_add(1, Ordering::SeqCst) + 1;
        match id {
            0 => Err("unknown".into()),
            id => Ok(User { id, version }),
        }
    }
}

fn run<F: Future>(future: F) -> F::Output {
    Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn an_async_fn_keeps_its_values_in_files() {
    let users = Users::new(Files::new());
    run(async {
        let first = User { id: 7, version: 1 };
        assert_eq!(users.user(7).await, Ok(first.clone()));
        assert_eq!(users.user(7).await, Ok(first.clone()));
        let call = || users.user_ring(7);
        assert_eq!(call().storage().backend().keys(), [call().key().as_str()]);
        assert_eq!(call().get().await.unwrap(), Some(first));
        let second = User { id: 7, version: 2 };
        assert_eq!(call().update().await, Ok(second.clone()));
        assert!(call().has().await.unwrap() && call().touch().await.unwrap());
        assert!(call().delete().await.unwrap() && !call().delete().await.unwrap());
        call().set(second.clone()).await.unwrap();
        assert_eq!(users.user(7).await, Ok(second));
        assert_eq!(users.user(0).await, Err("unknown".into()));
        assert_eq!(users.files.backend().keys(), ["user:eu:7"]);

        let calls = || [7, 8, 9].map(|id| users.user_ring(id));
        let all: Result<Vec<_>, _> = calls().get_or_update_many().await.into_iter().collect();
        assert_eq!(all.unwrap().len(), 3);
        assert_eq!(calls().delete_many().await.unwrap(), [true; 3]);
    });
}

#[test]
fn functions_of_both_kinds_share_entries() {
    let users = Users::new(Files::new());
    run(async {
        let user = users.user(7).await;
        assert_eq!(users.user_at_once(7), user);
        assert!(users.user_at_once_ring(7).delete().unwrap());
        assert_ne!(users.user(7).await, user);
    });
}

#[test]
fn entries_expire() {
    let clock = ManualClock::default();
    let users = Users::new(Files::with_clock(clock.clone()));
    run(async {
        let user = users.user(7).await;
        clock.advance(Duration::from_secs(3599));
        assert_eq!(users.user(7).await, user);
        clock.advance(Duration::from_secs(1));
        assert_ne!(users.user(7).await, user);
    });
}

/// A call that is sent to another thread, as servers do with requests.
#[test]
fn calls_are_send() {
    let users = std::sync::Arc::new(Users::new(Files::new()));
    run(async {
        let one = std::sync::Arc::clone(&users);
        let task = tokio::spawn(async move { one.user(7).await });
        let one = std::sync::Arc::clone(&users);
        let thread = spawn_blocking(move || one.user_at_once(7));
        assert_eq!(task.await.unwrap(), thread.await.unwrap());
        assert_eq!(users.loaded.load(Ordering::SeqCst), 1);
    });
}
