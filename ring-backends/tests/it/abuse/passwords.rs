//! Passwords at every place of an address: nothing shows them.

use std::fmt::Debug;
use std::panic;
use std::time::Duration;

use ring_cache::storage::Storage;
use ring_cache::{Error, Lru};
use ring_cache_backends::{Breaker, Disk, Health, Memcached, Redis, RedisCluster, RedisHash, Tiered};
use ring_cache_test_servers::{Redis as Server, RedisCluster as Servers, RedisOptions, or_leave_out};

use super::echo;
use super::secret::{
    SECRET, assert_debug_redacted, assert_error_redacted, assert_no_panic_showed_it, assert_redacted,
    escaped, watch_panics,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Addresses with the password at all places, most of them invalid.
fn addresses(secret: &str) -> Vec<String> {
    let mut addresses = Vec::new();
    for scheme in [
        "redis",
        "rediss",
        "redis+unix",
        "unix",
        "valkey",
        "http",
        "memcache",
        "memcached",
        "",
        "redis ",
    ] {
        for rest in [
            "user:SECRET@host",
            ":SECRET@host:6379/1",
            "SECRET@host",
            "user:SECRET@host:port",
            "user:SECRET@host:99999",
            "user:SECRET@",
            "user:SECRET@host/database",
            "user:SECRET@ho st",
            "user:SECRET@other@host",
            "SECRET:SECRET@SECRET@host:1",
            "user:SECRET@[::1",
            "user:SECRET@[::1]:1",
            "user:SECRET%@host",
            "user:SECRET%FF@host",
            "user:SECRET/@host",
            "user:SECRET#@host",
            "host?password=SECRET",
            "host?pass=SECRET&protocol=SECRET",
            "host:1/SECRET",
            "host#SECRET",
            "host:SECRET",
            "/socket?pass=SECRET",
            "/socket?pass=SECRET&db=SECRET",
            "?pass=SECRET",
            "SECRET\r\n@host",
            "user:SECRET@host\0",
            "user:SECRET@\u{1f512}",
        ] {
            let rest = rest.replace("SECRET", secret);
            addresses.push(if scheme.is_empty() {
                rest
            } else {
                format!("{scheme}://{rest}")
            });
        }
    }
    addresses
}

/// Whether the secret is only where a password is. The client shows names, hosts, paths and databases.
fn has_password_alone(address: &str) -> bool {
    let places = ["/user:", "/:", "?pass="];
    let hidden = [SECRET, &escaped()]
        .into_iter()
        .fold(address.to_owned(), |hidden, secret| {
            places.iter().fold(hidden, |hidden, place| {
                hidden.replacen(&format!("{place}{secret}"), place, 1)
            })
        });
    !hidden.contains(SECRET) && !hidden.contains(&escaped())
}

/// Checks everything that an opened storage shows, that a failed opening shows, and a panic of it.
fn look_at<S: std::fmt::Debug>(opened: impl Fn() -> Result<S, Error>) -> bool {
    let unwrapped = panic::catch_unwind(panic::AssertUnwindSafe(|| drop(opened().unwrap())));
    match opened() {
        Ok(storage) => assert_debug_redacted(&storage),
        Err(error) => {
            assert_error_redacted(&error);
            let message = unwrapped.expect_err("it is unwrapped");
            assert_redacted(message.downcast_ref::<String>().expect("a message"));
            return false;
        }
    }
    true
}

#[test]
fn addresses_of_all_kinds() {
    watch_panics();
    let mut opened = [0; 4];
    let all: Vec<String> = [SECRET, &escaped()].into_iter().flat_map(addresses).collect();
    for address in &all {
        opened[0] += usize::from(look_at(|| Redis::open(address)));
        opened[1] += usize::from(look_at(|| RedisHash::open(address)));
        opened[2] += usize::from(look_at(|| RedisCluster::open([address, "redis://other"])));
        opened[3] += usize::from(look_at(|| Memcached::open(address.as_str())));
        if let Ok(redis) = Redis::open(address) {
            assert_debug_redacted(&Tiered::new(Lru::<u32>::new(1), redis));
        }
        if let Ok(redis) = Redis::open(address)
            && has_password_alone(address)
        {
            assert_debug_redacted(redis.backend());
            assert_debug_redacted(redis.backend().get_connection_info());
        }
        if let Ok(cluster) = RedisCluster::open([address]) {
            assert_debug_redacted(&cluster.health());
        }
    }
    println!(
        "abuse passwords: {} addresses, opened as redis, hash, cluster, memcached: {opened:?}",
        all.len()
    );
    assert!(opened[0] > 8 && opened[0] < all.len() / 2, "{opened:?}");
    assert_no_panic_showed_it();
}

/// The common traits of storages behind a network.
trait Remote: Storage<Vec<u8>, Error = Error> + Clone + Debug {
    fn with(&self, deadline: Duration, breaker: Breaker) -> Self;
    fn health(&self) -> Health;
}

macro_rules! remote {
    ($($Storage:ident),*) => {$(
        impl Remote for $Storage {
            fn with(&self, deadline: Duration, breaker: Breaker) -> Self {
                self.clone().deadline(deadline).breaker(breaker)
            }

            fn health(&self) -> Health {
                self.health()
            }
        }
    )*};
}
remote!(Memcached, Redis, RedisCluster, RedisHash);

/// All verbs of an unusable storage: the errors, and the state after them.
fn fail(storage: impl Remote, deadline: Duration) {
    let key = "key";
    for storage in [Breaker::never(), Breaker::default()].map(|breaker| storage.with(deadline, breaker)) {
        for _ in 0..3 {
            let keys = [key, "another"];
            let write = |key| (key, SECRET.as_bytes().to_vec(), None);
            let errors = [
                Storage::read(&storage, key, None).err(),
                Storage::write(&storage, key, SECRET.into(), None, None).err(),
                Storage::remove(&storage, key, None).err(),
                Storage::contains(&storage, key, None).err(),
                Storage::read_many(&storage, &keys, None).err(),
                Storage::write_many(&storage, keys.map(write).to_vec(), None).err(),
                Storage::remove_many(&storage, &keys, None).err(),
            ];
            errors.iter().flatten().for_each(assert_error_redacted);
            assert!(errors.iter().flatten().count() >= 2, "{errors:?}");
        }
        assert_debug_redacted(&storage);
        assert_debug_redacted(&storage.health());
    }
}

#[test]
fn servers_that_refuse_the_password() {
    watch_panics();
    let started = Server::options().password(SECRET).start();
    let Some(server) = or_leave_out("wrong passwords", started) else {
        return;
    };
    let address = format!("127.0.0.1:{}", server.port());
    for credentials in [
        format!(":{SECRET}-wrong"),
        format!(":{}%20", escaped()),
        format!("nobody:{SECRET}"),
        format!("{SECRET}:{SECRET}"),
    ] {
        fail(
            Redis::open(format!("redis://{credentials}@{address}")).unwrap(),
            PATIENCE,
        );
        fail(
            RedisHash::open(format!("redis://{credentials}@{address}")).unwrap(),
            PATIENCE,
        );
        fail(
            RedisCluster::open([format!("redis://{credentials}@{address}")]).unwrap(),
            PATIENCE,
        );
    }
    // No cluster, and no database.
    fail(RedisCluster::open([server.url()]).unwrap(), PATIENCE);
    fail(
        Redis::open(format!("redis://:{SECRET}@{address}/12345")).unwrap(),
        PATIENCE,
    );
    assert_no_panic_showed_it();
}

#[test]
fn clusters_that_refuse_the_password() {
    watch_panics();
    let started = Servers::start_with(&RedisOptions::default().password(SECRET));
    let Some(servers) = or_leave_out("wrong passwords of a cluster", started) else {
        return;
    };
    let port = servers.node(0).port();
    let wrong = [format!("redis://:{SECRET}-wrong@127.0.0.1:{port}")];
    fail(RedisCluster::open(wrong).unwrap(), PATIENCE);
    let right = RedisCluster::open(servers.urls()).unwrap().deadline(PATIENCE);
    Storage::write(&right, "key", SECRET.into(), None, None).unwrap();
    assert_debug_redacted(&right);
    assert_no_panic_showed_it();
}

/// Like a server without the command: it repeats the arguments, and so passwords and values.
#[test]
#[ignore = "slow: hundreds of addresses"]
fn servers_that_repeat_what_they_were_sent() {
    watch_panics();
    for reply in [
        "-ERR unknown command with args beginning with: ",
        "-WRONGPASS ",
        "-",
        "-OOM ",
        "+",
        "$x ",
        "*1 ",
    ] {
        let address = echo::start(reply);
        for credentials in [String::new(), format!("user:{SECRET}@"), format!(":{SECRET}@")] {
            let url = format!("redis://{credentials}{address}");
            // Where texts are valid replies, reading succeeds.
            if reply != "+" {
                fail(Redis::open(&url).unwrap(), PATIENCE);
                fail(RedisHash::open(&url).unwrap(), PATIENCE);
            }
            fail(RedisCluster::open([&url]).unwrap(), PATIENCE);
        }
    }
    for reply in [
        "SERVER_ERROR ",
        "CLIENT_ERROR ",
        "ERROR ",
        "",
        "VA ",
        "HD ",
        "HD t",
    ] {
        fail(Memcached::open(echo::start(reply)).unwrap(), PATIENCE);
    }
    // It never ends.
    fail(
        Memcached::open(echo::start("VA 100000 ")).unwrap(),
        Duration::from_millis(20),
    );
    assert_no_panic_showed_it();
}

#[test]
fn a_redis_without_the_command() {
    watch_panics();
    let options =
        Server::options().arguments(["--rename-command", "SET", "", "--rename-command", "UNLINK", ""]);
    let Some(server) = or_leave_out("a Redis without SET", options.start()) else {
        return;
    };
    let redis = Redis::open(server.url()).unwrap().deadline(PATIENCE);
    let error = Storage::write(&redis, "key", SECRET.into(), None, None).unwrap_err();
    assert!(error.to_string().contains("unknown command"), "{error}");
    fail(redis, PATIENCE);
    assert_no_panic_showed_it();
}

#[test]
fn files_that_are_none() {
    let folder = std::env::temp_dir();
    let error = Disk::open(&folder).and_then(|disk| Storage::write(&disk, "key", SECRET.into(), None, None));
    assert_error_redacted(&error.unwrap_err());
}
