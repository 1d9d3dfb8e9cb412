//! Addresses and passwords: no error and no `Debug` shows them.

use std::error::Error as _;
use std::io::Write;

use ring_cache_backends::{Breaker, Redis, RedisCluster, RedisHash};
use ring_cache_core::storage::Storage;
use ring_cache_core::{Error, Key};
use ring_cache_test_servers::{Redis as Server, or_leave_out};

use super::{PATIENCE, eventually, own};

const SENTINEL: &str = "s3ntinel";

fn assert_redacted(shown: &str) {
    assert!(!shown.contains(SENTINEL), "{shown}");
}

/// Checks everything that an error shows.
fn assert_error_redacted(error: &Error) {
    assert_redacted(&format!("{error} {error:?} {error:#?}"));
    let mut source = error.source();
    while let Some(cause) = source {
        assert_redacted(&format!("{cause} {cause:?} {cause:#?}"));
        source = cause.source();
    }
}

/// Stores and finds a value.
pub(super) fn assert_works(redis: Redis) {
    let redis = redis.deadline(PATIENCE).breaker(Breaker::never());
    let key = Key::of(&"works");
    // A handshake that takes a second on a busy machine is given up, and another one begins.
    eventually(|| redis.set(&key, b"yes".to_vec(), None).is_ok());
    assert_eq!(redis.get(&key).unwrap().as_deref(), Some(&b"yes"[..]));
}

#[test]
fn invalid_addresses_are_errors_without_their_text() {
    let none = [
        format!("redis://:{SENTINEL}@"),
        format!("redis://:{SENTINEL}@host:port"),
        format!("redis://user:{SENTINEL}@host/database"),
        format!("redis://user:{SENTINEL}/@host"),
        format!("redis://user:{SENTINEL}@host:6379?protocol={SENTINEL}"),
        format!("http://user:{SENTINEL}@host"),
        format!("redis+unix://?pass={SENTINEL}"),
        format!("unix:///socket?pass={SENTINEL}&db={SENTINEL}"),
        format!("redis://:{SENTINEL}%FF@host"),
        format!("rediss://:{SENTINEL}@host#{SENTINEL}"),
        SENTINEL.to_owned(),
        String::new(),
    ];
    for url in &none {
        assert_error_redacted(&Redis::open(url).unwrap_err());
        assert_error_redacted(&RedisHash::open(url).unwrap_err());
        assert_error_redacted(&RedisCluster::open([url]).unwrap_err());
    }
    assert!(RedisCluster::open(Vec::<String>::new()).is_err());
    assert!(RedisCluster::open(["redis://:a@host", "redis://:b@host"]).is_err());
}

#[test]
fn addresses_of_all_kinds_are_taken() {
    for url in [
        "redis://host",
        "redis://user:password@host:1/2",
        "redis+unix:///path?db=1&pass=x",
        "unix:///path",
        "redis://[::1]:1",
    ] {
        let redis = Redis::open(url.replace("password", SENTINEL)).unwrap();
        assert_redacted(&format!("{redis:?} {:?}", redis.backend()));
    }
    let encrypted = Redis::open(format!("rediss://:{SENTINEL}@host"));
    if cfg!(feature = "tls") {
        assert_redacted(&format!("{:?}", encrypted.unwrap()));
    } else {
        let error = encrypted.unwrap_err();
        assert_error_redacted(&error);
        assert!(error.to_string().contains("`tls`"), "{error}");
    }
}

#[test]
fn a_password_is_used_and_not_shown() {
    let started = Server::options().password(SENTINEL).start();
    let Some(server) = or_leave_out("a Redis with a password", started) else {
        return;
    };
    assert_works(Redis::open(server.url()).unwrap());
    for (url, refused) in [
        (
            format!("redis://:{SENTINEL}-wrong@127.0.0.1:{}", server.port()),
            false,
        ),
        (format!("redis://127.0.0.1:{}", server.port()), true),
    ] {
        let redis = Redis::open(&url).unwrap().deadline(PATIENCE);
        let error = redis.get(&Key::of(&SENTINEL.len())).unwrap_err();
        assert_error_redacted(&error);
        assert_eq!(redis.health().refused == 1, refused, "{error}");
    }
}

#[test]
fn refused_connections_show_no_password() {
    let Some(server) = own("a Redis that is gone") else {
        return;
    };
    server.kill();
    let redis = Redis::open(format!("redis://:{SENTINEL}@127.0.0.1:{}", server.port())).unwrap();
    assert_error_redacted(&redis.get(&Key::of(&1_u8)).unwrap_err());
    assert_redacted(&format!("{redis:?}"));
}

#[test]
fn databases_are_apart() {
    let Some(server) = own("databases of Redis") else {
        return;
    };
    let one = Redis::open(format!("{}/1", server.url()))
        .unwrap()
        .deadline(PATIENCE);
    let two = Redis::open(format!("{}/2", server.url()))
        .unwrap()
        .deadline(PATIENCE);
    one.set(&Key::of(&"which"), b"one".to_vec(), None).unwrap();
    assert_eq!(two.get(&Key::of(&"which")).unwrap(), None);
}

/// Where the system has it.
#[test]
fn ipv6() {
    let started = Server::options()
        .arguments(["--bind", "127.0.0.1", "-::1"])
        .start();
    let Some(server) = or_leave_out("Redis by IPv6", started) else {
        return;
    };
    if std::net::TcpStream::connect(("::1", server.port())).is_err() {
        // Seen although output is held back.
        let _ = writeln!(
            std::io::stderr(),
            "!!! LEFT OUT: Redis by IPv6, which this system has not"
        );
        return;
    }
    assert_works(Redis::open(format!("redis://[::1]:{}", server.port())).unwrap());
}

#[test]
fn unix_sockets() {
    let started = Server::options().unix_socket().password("p a/s?s").start();
    let Some(server) = or_leave_out("Redis on a Unix socket", started) else {
        return;
    };
    assert_works(Redis::open(server.unix_url()).unwrap());
}
