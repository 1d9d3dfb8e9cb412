//! A hit in Redis: the bare client's GET with the decoding of the value, a cached method of ours, and the Redis macro of
//! the crate `cached`. Blocking and async, one call and 64 calls at a time, on a server of its own.
//!
//! `cargo run --release --bin redis`

use std::sync::LazyLock;
use std::time::Duration;

use cached::AsyncRedisCache;
use cached::macros::concurrent_cached;
use redis::aio::MultiplexedConnection;
use redis::{Client, Connection};
use ring_cache::coder::{Cbor, Coder};
use ring_cache::{Calls, Redis, ring};
use ring_cache_benches::{compare, contender};
use ring_cache_test_servers as servers;
use serde::{Deserialize, Serialize};

/// The number of keys, all of which are cached.
const KEYS: u64 = 1_000;
const ROUNDS: usize = 31;
/// The number of concurrent calls, if there are several.
const AT_A_TIME: u64 = 64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    mail: String,
}

impl User {
    fn of(id: u64) -> User {
        User {
            id,
            name: format!("User {id}"),
            mail: format!("user-{id}@example.com"),
        }
    }
}

static SERVER: LazyLock<servers::Redis> = LazyLock::new(|| servers::Redis::start().expect("redis-server"));
static REDIS: LazyLock<Redis> = LazyLock::new(|| {
    let redis = Redis::open(SERVER.url()).expect("an address");
    redis.deadline(Duration::from_secs(5))
});

#[ring(redis = REDIS, key_prefix = "user")]
fn user(id: u64) -> User {
    User::of(id)
}

#[ring(redis = REDIS, key_prefix = "async_user")]
async fn async_user(id: u64) -> User {
    User::of(id)
}

#[concurrent_cached(
    map_error = r##"|error| error.to_string()"##,
    ty = "cached::RedisCache<u64, User>",
    create = r##"{
        cached::RedisCache::builder("cached_user").connection_string(&SERVER.url()).build().expect("redis-server")
    }"##
)]
fn cached_user(id: u64) -> Result<User, String> {
    Ok(User::of(id))
}

#[concurrent_cached(
    map_error = r##"|error| error.to_string()"##,
    ty = "cached::AsyncRedisCache<u64, User>",
    create = r##"{
        AsyncRedisCache::builder("cached_async_user").connection_string(&SERVER.url()).build().await.expect("redis-server")
    }"##
)]
async fn cached_async_user(id: u64) -> Result<User, String> {
    Ok(User::of(id))
}

fn bare(connection: &mut Connection, id: u64) -> User {
    let bytes: Vec<u8> = redis::cmd("GET")
        .arg(format!("user:{id}"))
        .query(connection)
        .expect("a hit");
    Cbor::decode(&bytes).expect("a user")
}

async fn async_bare(connection: &mut MultiplexedConnection, id: u64) -> User {
    let bytes: Vec<u8> = redis::cmd("GET")
        .arg(format!("async_user:{id}"))
        .query_async(connection)
        .await
        .expect("a hit");
    Cbor::decode(&bytes).expect("a user")
}

fn main() {
    let client = Client::open(SERVER.url()).expect("an address");
    fill();
    blocking(&client);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(fill_async());
    awaited(&runtime, &client);
    bulk();
}

fn fill() {
    for id in 0..KEYS {
        assert_eq!((user(id), cached_user(id)), (User::of(id), Ok(User::of(id))));
    }
}

async fn fill_async() {
    for id in 0..KEYS {
        assert_eq!(async_user(id).await, User::of(id));
        assert_eq!(cached_async_user(id).await, Ok(User::of(id)));
    }
}

fn blocking(client: &Client) {
    let mut connection = client.get_connection().expect("a connection");
    compare(
        "blocking, one call at a time",
        ROUNDS,
        KEYS as usize,
        vec![
            contender("bare client: GET and decode", || {
                (0..KEYS).for_each(|id| drop(bare(&mut connection, id)));
            }),
            contender("#[ring(redis = ..)]", || (0..KEYS).for_each(|id| drop(user(id)))),
            contender("#[concurrent_cached], RedisCache", || {
                (0..KEYS).for_each(|id| drop(cached_user(id)));
            }),
        ],
    );
    let connections = (0..AT_A_TIME).map(|_| client.get_connection().expect("a connection"));
    let mut connections: Vec<_> = connections.collect();
    compare(
        "blocking, 64 threads",
        ROUNDS,
        (KEYS / AT_A_TIME * AT_A_TIME * AT_A_TIME) as usize,
        vec![
            contender("bare client, a connection for each thread", || {
                std::thread::scope(|scope| {
                    for connection in &mut connections {
                        scope.spawn(move || share().for_each(|id| drop(bare(connection, id))));
                    }
                });
            }),
            contender("#[ring(redis = ..)]", || on_threads(|id| drop(user(id)))),
            contender("#[concurrent_cached], RedisCache", || {
                on_threads(|id| drop(cached_user(id)))
            }),
        ],
    );
}

/// The keys that each of the concurrent threads or tasks requests.
fn share() -> impl Iterator<Item = u64> {
    0..KEYS / AT_A_TIME * AT_A_TIME
}

fn on_threads(call: impl Fn(u64) + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| share().for_each(&call));
        }
    });
}

fn awaited(runtime: &tokio::runtime::Runtime, client: &Client) {
    let connection = runtime.block_on(client.get_multiplexed_async_connection());
    let connection = connection.expect("a connection");
    let one_by_one = |connection: &MultiplexedConnection| {
        let mut connection = connection.clone();
        async move {
            for id in 0..KEYS {
                async_bare(&mut connection, id).await;
            }
        }
    };
    compare(
        "async, one call at a time",
        ROUNDS,
        KEYS as usize,
        vec![
            contender("bare client: GET and decode", || {
                runtime.block_on(one_by_one(&connection));
            }),
            contender("#[ring(redis = ..)]", || {
                runtime.block_on(async {
                    for id in 0..KEYS {
                        async_user(id).await;
                    }
                });
            }),
            contender("#[concurrent_cached], AsyncRedisCache", || {
                runtime.block_on(async {
                    for id in 0..KEYS {
                        drop(cached_async_user(id).await);
                    }
                });
            }),
        ],
    );
    compare(
        "async, 64 tasks",
        ROUNDS,
        (KEYS / AT_A_TIME * AT_A_TIME * AT_A_TIME) as usize,
        vec![
            contender("bare client: GET and decode", || {
                let connection = connection.clone();
                in_tasks(runtime, move |id| {
                    let mut connection = connection.clone();
                    async move { drop(async_bare(&mut connection, id).await) }
                });
            }),
            contender("#[ring(redis = ..)]", || {
                in_tasks(runtime, |id| async move { drop(async_user(id).await) });
            }),
            contender("#[concurrent_cached], AsyncRedisCache", || {
                in_tasks(runtime, |id| async move { drop(cached_async_user(id).await) });
            }),
        ],
    );
}

fn in_tasks<F: Future<Output = ()> + Send + 'static>(
    runtime: &tokio::runtime::Runtime,
    call: impl Fn(u64) -> F + Clone + Send + Sync + 'static,
) {
    runtime.block_on(async {
        let tasks = (0..AT_A_TIME).map(|_| {
            let call = call.clone();
            tokio::spawn(async move {
                for id in share() {
                    call(id).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("a task");
        }
    });
}

/// A thousand keys at once, which cost one request for the look-up and one for the store.
fn bulk() {
    compare(
        "1,000 keys: one by one, and by get_or_update_many",
        ROUNDS,
        KEYS as usize,
        vec![
            contender("one by one", || (0..KEYS).for_each(|id| drop(user(id)))),
            contender("get_or_update_many", || {
                drop((0..KEYS).map(user_ring).get_or_update_many());
            }),
        ],
    );
}
