//! A server that is down, that refuses to report changes, or that was replaced by another.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ring_cache::coder::Json;
use ring_cache::{Lru, RingKey, ring_impl};
use ring_cache_backends::{Redis, Tiered};
use ring_cache_test_servers::{Proxy, Redis as Server, or_leave_out};

use crate::blocking::gated::PATIENCE;

type Tier = Tiered<Lru<u32>, Redis>;

#[derive(RingKey)]
struct Service {
    #[ring_key(skip)]
    tier: Tier,
    #[ring_key(skip)]
    computed: AtomicU32,
}

#[ring_impl(storage = self.tier as Tier, coder = Json, expire = "1h")]
impl Service {
    #[ring(key_prefix = "double")]
    fn double(&self, number: u32) -> u32 {
        self.computed.fetch_add(1, Ordering::SeqCst);
        2 * number
    }

    #[ring(key_prefix = "triple")]
    async fn triple(&self, number: u32) -> u32 {
        self.computed.fetch_add(1, Ordering::SeqCst);
        3 * number
    }
}

impl Service {
    fn over(tier: Tier) -> Self {
        Service {
            tier,
            computed: AtomicU32::new(0),
        }
    }

    fn computed(&self) -> u32 {
        self.computed.swap(0, Ordering::SeqCst)
    }

    /// Asks for ten numbers of each method.
    fn ask(&self) {
        for number in 0..10 {
            assert_eq!(self.double(number), 2 * number);
            assert_eq!(run_awaited(self.triple(number)), 3 * number);
        }
    }
}

#[track_caller]
fn eventually(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn run_awaited<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

fn tier(url: &str) -> Tier {
    Tiered::new(Lru::new(100), Redis::open(url).unwrap().deadline(PATIENCE))
}

/// A service whose answers are all near.
fn warm(tier: Tier) -> Service {
    let service = Service::over(tier);
    service.ask();
    eventually(|| service.tier.is_watching());
    eventually(|| {
        service.ask();
        service.tier.near().len() == 20
    });
    service.computed();
    service
}

#[test]
fn with_a_bound_of_its_age_near_serves_while_the_server_is_down() {
    let Some(server) = or_leave_out("outages of tiers", Server::start()) else {
        return;
    };
    let service = warm(tier(&server.url()).near_expiry(Duration::from_secs(600)));
    server.kill();
    eventually(|| !service.tier.is_watching());
    service.ask();
    assert_eq!(service.computed(), 0);
    assert!(service.double_ring(3).has().unwrap());
    assert_eq!(service.double_ring(3).get().unwrap(), Some(6));
    let many = (0..10).map(|number| service.double_ring(number));
    assert_eq!(
        ring_cache::Calls::get_or_update_many(many).len() + service.computed() as usize,
        10
    );
    // Values computed during the outage are kept as well.
    for _ in 0..3 {
        assert_eq!(service.double(77), 154);
    }
    assert_eq!(service.computed(), 1);
    // An explicit change is not undone.
    service.double_ring(3).delete().unwrap_err();
    assert_eq!(service.double(3), 6);
    assert_eq!(service.computed(), 1);
    // After the outage, others have changed something: near entries of before are not used.
    server.restart();
    server.command(&["SET", service.double_ring(4).key().as_str(), "99"]);
    eventually(|| service.tier.is_watching());
    eventually(|| matches!(service.double_ring(4).get(), Ok(Some(99))));
}

#[test]
fn without_one_each_call_is_computed() {
    let Some(server) = or_leave_out("outages of tiers", Server::start()) else {
        return;
    };
    let service = warm(tier(&server.url()));
    server.kill();
    eventually(|| !service.tier.is_watching());
    service.ask();
    assert_eq!(service.computed(), 20);
}

#[test]
fn a_user_without_client_tracking_gets_the_reason() {
    let Some(server) = or_leave_out("users of tiers without rights", Server::start()) else {
        return;
    };
    let rules = [
        "ACL", "SETUSER", "me", "on", ">pass", "~*", "&*", "+@all", "-client",
    ];
    assert_eq!(server.command(&rules).text(), "OK");
    let url = format!("redis://me:pass@127.0.0.1:{}", server.port());
    let service = Service::over(tier(&url));
    service.ask();
    eventually(|| service.tier.watch_error().is_some());
    let said = service.tier.far().health().watch_error.expect("the same");
    assert!(said.contains("NOPERM"), "{said}");
    assert!(!service.tier.is_watching());
    service.ask();
    assert_eq!(service.tier.near().len(), 0);
    // With a bounded age, near is used nevertheless.
    let bounded = Service::over(tier(&url).near_expiry(Duration::from_secs(600)));
    bounded.ask();
    eventually(|| bounded.tier.watch_error().is_some());
    bounded.ask();
    server.kill();
    bounded.ask();
    assert_eq!(bounded.computed(), 0, "others had computed it");
}

/// Heartbeats are answered with a refusal.
#[test]
fn a_user_without_ping_gets_reports_of_changes() {
    let Some(server) = or_leave_out("users of tiers without PING", Server::start()) else {
        return;
    };
    let rules = [
        "ACL", "SETUSER", "me", "on", ">pass", "~*", "&*", "+@all", "-ping", "-info",
    ];
    assert_eq!(server.command(&rules).text(), "OK");
    let service = warm(tier(&format!("redis://me:pass@127.0.0.1:{}", server.port())));
    std::thread::sleep(Duration::from_secs(2));
    assert!(service.tier.is_watching());
    server.command(&["SET", service.double_ring(4).key().as_str(), "99"]);
    eventually(|| service.double(4) == 99);
}

#[test]
fn tiers_on_one_server_share_a_connection_and_a_thread() {
    let Some(server) = or_leave_out("many tiers on one server", Server::start()) else {
        return;
    };
    let tiers: Vec<_> = (0..20)
        .map(|number| {
            let redis = Redis::open(server.url()).unwrap().deadline(PATIENCE);
            let redis = redis.namespace(&format!("n{number}"));
            Service::over(Tiered::new(Lru::new(10), redis))
        })
        .collect();
    for service in &tiers {
        service.double(1);
    }
    eventually(|| tiers.iter().all(|service| service.tier.is_watching()));
    // One for each storage, one for the watch, and that of this command.
    let clients: usize = server.info("clients")["connected_clients"].parse().unwrap();
    assert!(clients <= 22, "{clients}");
    // Each gets reports of its own entries.
    for service in &tiers {
        eventually(|| {
            service.double(1);
            service.tier.near().len() == 1
        });
        server.command(&["SET", service.double_ring(1).key().as_str(), "99"]);
        eventually(|| service.double(1) == 99);
    }
    // The empty namespace contains all others.
    let all = warm(tier(&server.url()));
    assert!(all.tier.is_watching());
    server.command(&["SET", tiers[7].double_ring(1).key().as_str(), "98"]);
    eventually(|| tiers[7].double(1) == 98);
    drop((tiers, all));
    eventually(|| server.info("clients")["connected_clients"] == "1");
}

/// A name or a proxy that leads new connections to another server, while old ones stay.
#[test]
fn the_server_that_is_watched_is_the_one_that_data_comes_from() {
    let (Some(first), Some(second)) = (
        or_leave_out("tiers on a name that moves", Server::start()),
        or_leave_out("tiers on a name that moves", Server::start()),
    ) else {
        return;
    };
    let name = Proxy::before(first.port());
    let service = warm(tier(&format!("redis://127.0.0.1:{}", name.port())));
    name.lead_to(second.port());
    // The connections for data end; that of the watch does not.
    let clients = first.command(&["CLIENT", "LIST"]).text();
    for client in clients
        .lines()
        .filter(|client| !client.contains("flags=PB") && !client.contains("flags=B"))
    {
        let id = client
            .strip_prefix("id=")
            .and_then(|rest| rest.split(' ').next())
            .unwrap();
        first.command(&["CLIENT", "KILL", "ID", id, "SKIPME", "yes"]);
    }
    service.double_ring(4).set(10).unwrap();
    eventually(|| {
        second
            .command(&["GET", service.double_ring(4).key().as_str()])
            .text()
            == "10"
    });
    eventually(|| service.tier.is_watching());
    eventually(|| service.double(4) == 10 && !service.tier.near().is_empty());
    second.command(&["SET", service.double_ring(4).key().as_str(), "99"]);
    eventually(|| service.double(4) == 99);
}
