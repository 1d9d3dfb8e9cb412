//! Servers over TLS.

use std::time::{Duration, Instant};

use redis::cluster::ClusterClient;
use redis::{Client, TlsCertificates};
use ring_cache_backends::{Breaker, Redis, RedisCluster};
use ring_cache_core::Key;
use ring_cache_core::storage::{self, Storage};
use ring_cache_test_servers::{Proxy, Redis as Server, RedisOptions, Spoil, or_leave_out};

use super::addresses::assert_works;
use super::awaited::runtime;
use super::{PATIENCE, at, eventually};

fn start(options: RedisOptions) -> Option<Server> {
    or_leave_out("Redis over TLS", options.tls().start())
}

/// With the authority of a server.
fn certificates(server: &Server) -> TlsCertificates {
    TlsCertificates {
        client_tls: None,
        root_cert: Some(std::fs::read(server.authority()).unwrap()),
    }
}

/// The storage at a port, with the certificates of a server.
fn trusting(server: &Server, host: &str, port: u16) -> Redis {
    let client = Client::build_with_tls(format!("rediss://{host}:{port}"), certificates(server));
    Redis::from_client(client.unwrap())
        .deadline(PATIENCE)
        .breaker(Breaker::never())
}

fn assert_works_awaited<S: storage::AsyncStorage<Vec<u8>>>(storage: &S) {
    runtime().block_on(async {
        let (key, start) = (Key::of(&"awaited"), Instant::now());
        while storage.set(&key, vec![1], None).await.is_err() {
            assert!(start.elapsed() < PATIENCE);
        }
        assert_eq!(storage.read(&key, None).await.ok(), Some(Some(vec![1])));
    });
}

#[test]
fn those_who_trust_the_authority_are_served() {
    let Some(server) = start(Server::options()) else {
        return;
    };
    for host in ["127.0.0.1", "localhost"] {
        let redis = trusting(&server, host, server.tls_port());
        assert_works_awaited(&redis);
        assert_works(redis);
    }
}

#[test]
fn others_are_an_error_and_no_panic() {
    let Some(server) = start(Server::options()) else {
        return;
    };
    let redis = Redis::open(server.tls_url()).unwrap().deadline(PATIENCE);
    redis.get(&Key::of(&1_u8)).unwrap_err();
    assert_eq!(redis.health().broken, 1);
}

/// One that has all slots.
#[test]
fn a_cluster() {
    let bus = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let bus = bus.port().to_string();
    // Otherwise it names its ports without TLS.
    let of_cluster = [
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus,
        "--tls-cluster",
        "yes",
    ];
    let Some(server) = start(Server::options().arguments(of_cluster)) else {
        return;
    };
    server.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    eventually(|| {
        server
            .command(&["CLUSTER", "INFO"])
            .text()
            .contains("cluster_state:ok")
    });
    let client = ClusterClient::builder([server.tls_url()]).certs(certificates(&server));
    let cluster = RedisCluster::from_client(client.build().unwrap()).deadline(PATIENCE);
    let key = Key::of(&"clustered");
    eventually(|| cluster.set(&key, vec![7], None).is_ok());
    assert_eq!(cluster.get(&key).unwrap(), Some(vec![7]));
    assert_works_awaited(&cluster);
}

/// Also while each piece of the reply comes in time.
#[test]
fn a_reply_that_comes_slowly_costs_a_call_no_more_than_its_deadline() {
    let Some(server) = start(Server::options()) else {
        return;
    };
    let proxy = Proxy::before(server.tls_port());
    let redis = trusting(&server, "127.0.0.1", proxy.port());
    let key = Key::of(&"slow");
    eventually(|| redis.set(&key, vec![7; 100_000], None).is_ok());
    let hurried = redis.clone().deadline(Duration::from_millis(200));
    proxy.set(Spoil::Trickle(Duration::from_millis(1)));
    let start = Instant::now();
    hurried.get(&key).unwrap_err();
    // All of it would take a hundred seconds.
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
    proxy.set(Spoil::Nothing);
    assert_eq!(redis.get(&key).unwrap(), Some(vec![7; 100_000]));
}

/// Each asks for what the other port has. Neither waits for longer than its deadline.
#[test]
fn the_port_of_the_other_kind_is_an_error() {
    let Some(server) = start(Server::options()) else {
        return;
    };
    let deadline = Duration::from_millis(300);
    let encrypted = trusting(&server, "127.0.0.1", server.port());
    let plain = at(&format!("redis://127.0.0.1:{}", server.tls_port())).storage;
    for redis in [encrypted, plain] {
        let (redis, start) = (redis.deadline(deadline), Instant::now());
        let key = Key::of(&1);
        redis.get(&key).unwrap_err();
        let awaited = storage::AsyncStorage::get(&redis, &key);
        runtime().block_on(awaited).unwrap_err();
        assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
        assert!(redis.health().last_error.is_some());
    }
}
