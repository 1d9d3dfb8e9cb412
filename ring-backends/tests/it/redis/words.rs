//! The texts of errors and `health`: the ring, the storage, its address, the operation and the cause, each once.

use std::error::Error as _;
use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use ring_cache::{Error, RingKey, ring_impl};
use ring_cache_backends::Redis;
use ring_cache_core::Key;
use ring_cache_core::storage::Storage;
use ring_cache_test_servers::{Redis as Server, or_leave_out};

use super::{On, at, own};

#[derive(RingKey)]
struct Shop {
    #[ring_key(skip)]
    redis: Redis,
}

#[ring_impl(storage = self.redis as Redis)]
impl Shop {
    #[ring(key_prefix = "price")]
    fn price(&self, article: u32) -> u32 {
        article
    }
}

/// Like anyhow's `{:#}`.
fn chain(error: &Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said += &format!(": {cause}");
        source = cause.source();
    }
    said
}

fn assert_once(said: &str, parts: &[&str]) {
    for part in parts {
        assert_eq!(said.matches(part).count(), 1, "{part} in: {said}");
    }
}

#[test]
fn an_error_says_everything_once() {
    // An address that refuses connections.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("redis://me:geheim@127.0.0.1:{port}");
    let shop = Shop {
        redis: Redis::open(url).unwrap().deadline(Duration::from_secs(10)),
    };
    let error = shop.price_ring(1).get().unwrap_err();
    let (said, place) = (chain(&error), format!("127.0.0.1:{port}"));
    assert_once(&said, &["get", "redis", "`price`", &place, "refused"]);
    assert_eq!(error.address(), Some(&*place));
    assert!(!said.contains("geheim") && !format!("{:?}", shop.redis.health()).contains("geheim"));
}

fn last_error(redis: &On<Redis>) -> String {
    redis.get(&Key::of(&1)).unwrap_err();
    redis.health().last_error.expect("a failure")
}

#[test]
fn health_says_what_is_set_up_wrongly() {
    let Some(server) = own("wrong settings of Redis") else {
        return;
    };
    let place = format!("127.0.0.1:{}", server.port());
    let wrong = at(&format!("redis://:wrong@{place}")).deadline(super::PATIENCE);
    assert_once(&last_error(&wrong), &[&place, "authentication failed"]);
    let wrong = at(&format!("redis://{place}/99")).deadline(super::PATIENCE);
    assert_once(&last_error(&wrong), &[&place, "DB index is out of range"]);
    let wrong = at("redis://nobody.invalid:1").deadline(super::PATIENCE);
    assert_once(&last_error(&wrong), &["nobody.invalid:1", "lookup"]);
    assert_eq!(at(&server.url()).health().last_error, None);
}

#[test]
fn health_says_that_a_server_is_full_or_wants_a_password() {
    let full = Server::options()
        .arguments(["--maxmemory", "1", "--maxmemory-policy", "noeviction"])
        .start();
    let closed = Server::options().password("geheim").start();
    let (Some(full), Some(closed)) = (
        or_leave_out("a full Redis", full),
        or_leave_out("a Redis with a password", closed),
    ) else {
        return;
    };
    let redis = at(&full.url()).deadline(super::PATIENCE);
    redis.set(&Key::of(&1), vec![1], None).unwrap_err();
    let said = redis.health().last_error.unwrap();
    assert_once(&said, &["set", "OOM", "maxmemory"]);
    let redis = at(&format!("redis://127.0.0.1:{}", closed.port())).deadline(super::PATIENCE);
    assert_once(&last_error(&redis), &["NOAUTH", "Authentication required"]);
}

/// Servers of other kinds, which speak first, or when they are spoken to.
#[test]
fn errors_say_that_the_server_is_none() {
    let http = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    for says in [http, "SSH-2.0-OpenSSH_9.2\r\n", "220 mail ESMTP\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let mut connections = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let _ = stream.write_all(says.as_bytes());
                connections.push(stream);
            }
        });
        let redis = at(&url).deadline(super::PATIENCE);
        assert_once(&last_error(&redis), &["not a Redis server"]);
        #[cfg(feature = "tokio")]
        {
            let key = Key::of(&1);
            let awaited = ring_cache_core::storage::AsyncStorage::get(&*redis, &key);
            let error = super::awaited::runtime().block_on(awaited).unwrap_err();
            assert_once(&chain(&error), &["not a Redis server"]);
            assert_eq!(redis.health().broken, 2);
        }
    }
}
