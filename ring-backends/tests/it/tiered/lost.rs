//! A server that dies, hangs or disconnects: near entries are not used while no changes are reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ring_cache::coder::Json;
use ring_cache::storage::{ChangeObserver, CodedStorage, Storage, StorageBase};
use ring_cache::{Lru, RingKey, ring_impl};
use ring_cache_backends::{Redis, Tiered};
use ring_cache_test_servers::{Redis as Server, or_leave_out};

use super::changed_elsewhere::Process;
use crate::blocking::{eventually, run};

/// The ids of the connections that get reports of changes.
fn watching(server: &Server) -> Vec<String> {
    let clients = server.command(&["CLIENT", "LIST"]).text();
    let fields = |client: &str, name: &str| {
        let mut fields = client.split(' ');
        fields
            .find_map(|field| field.strip_prefix(name).map(str::to_owned))
            .unwrap()
    };
    let told = clients
        .lines()
        .filter(|client| fields(client, "flags=").contains('B'));
    told.map(|client| fields(client, "id=")).collect()
}

#[test]
fn the_connection_is_lost() {
    let Some(server) = or_leave_out("lost connections of tiers", Server::start()) else {
        return;
    };
    let process = Process::start(&server, "", &[("a", 1)]);
    for value in 1..=3 {
        process.settle();
        process.bring_near("a", value);
        let [connection] = &*watching(&server) else {
            panic!("one is told")
        };
        assert_eq!(server.command(&["CLIENT", "KILL", "ID", connection]).text(), "1");
        process.elsewhere(&["SET", "a", &(value + 1).to_string()]);
        run(eventually(|| process.tier.near().is_empty()));
        assert_eq!(process.read("a"), Some(value + 1));
        run(eventually(|| process.tier.is_watching()));
        process.bring_near("a", value + 1);
    }
}

#[test]
fn the_server_dies_and_comes_back() {
    let Some(server) = or_leave_out("restarted servers of tiers", Server::start()) else {
        return;
    };
    let process = Process::start(&server, "", &[("a", 1)]);
    process.bring_near("a", 1);
    server.kill();
    run(eventually(|| {
        !process.tier.is_watching() && process.tier.near().is_empty()
    }));
    assert!(Storage::read(&process.view(), "a", None).is_err());
    server.restart();
    run(eventually(|| process.tier.is_watching()));
    run(eventually(|| {
        matches!(Storage::read(&process.view(), "a", None), Ok(None))
    }));
    process.elsewhere(&["SET", "a", "2"]);
    run(eventually(|| {
        process.read("a") == Some(2) && process.tier.near().has("a")
    }));
}

/// The last heartbeat may be one interval old. After a second, near entries are not used.
#[test]
fn the_server_hangs() {
    let Some(server) = or_leave_out("hanging servers of tiers", Server::start()) else {
        return;
    };
    let process = Process::start(&server, "", &[("a", 1)]);
    process.bring_near("a", 1);
    server.stop();
    let start = Instant::now();
    run(eventually(|| !process.tier.is_watching()));
    // A busy machine may be late.
    assert!(
        start.elapsed() < Duration::from_millis(1800),
        "{:?}",
        start.elapsed()
    );
    run(eventually(|| process.tier.near().is_empty()));
    server.cont();
    process.elsewhere(&["SET", "a", "2"]);
    assert_eq!(process.read("a"), Some(2));
    run(eventually(|| process.tier.is_watching()));
    run(eventually(|| {
        process.read("a") == Some(2) && process.tier.near().has("a")
    }));
}

/// An observer that stays until the test ends it.
#[derive(Default)]
struct Told {
    began: AtomicUsize,
    is_gone: AtomicBool,
}

impl ChangeObserver for Told {
    fn began(&self) {
        self.began.fetch_add(1, Ordering::SeqCst);
    }
    fn ended(&self) {}
    fn changed(&self, _: &str) {}
    fn all_changed(&self) {}
    fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::SeqCst)
    }
}

/// The observer is released soon after it is gone.
fn assert_let_go(told: &Arc<Told>) {
    assert!(Arc::strong_count(told) > 1);
    told.is_gone.store(true, Ordering::SeqCst);
    let start = Instant::now();
    run(eventually(|| Arc::strong_count(told) == 1));
    assert!(
        start.elapsed() < Duration::from_millis(1500),
        "{:?}",
        start.elapsed()
    );
}

fn watch(server: &Server) -> Arc<Told> {
    let told = Arc::<Told>::default();
    assert!(Redis::open(server.url()).unwrap().watch(told.clone()));
    told
}

#[test]
fn the_watch_ends_without_observers() {
    let Some(server) = or_leave_out("the end of watching", Server::start()) else {
        return;
    };
    let begun = || {
        let told = watch(&server);
        run(eventually(|| told.began.load(Ordering::SeqCst) == 1));
        told
    };
    assert_let_go(&begun());
    run(eventually(|| watching(&server).is_empty()));
    // It hangs; the second one cannot even connect.
    let connected = begun();
    server.stop();
    let connecting = watch(&server);
    assert_let_go(&connected);
    assert_let_go(&connecting);
    server.cont();
    // It is down; the second one never found it.
    let connected = begun();
    server.kill();
    let connecting = watch(&server);
    assert_let_go(&connected);
    assert_let_go(&connecting);
    server.restart();
    // The same with the last handle of a tier.
    let process = Process::start(&server, "", &[]);
    assert_eq!(watching(&server).len(), 1);
    drop(process);
    run(eventually(|| watching(&server).is_empty()));
}

type Tier = Tiered<Lru<u32>, Redis>;

#[derive(RingKey)]
struct Numbers {
    #[ring_key(skip)]
    tier: Tier,
}

#[ring_impl(storage = self.tier as Tier, coder = Json)]
impl Numbers {
    #[ring]
    fn number(&self, id: u32) -> u32 {
        id
    }
}

/// Look-up and store together take no longer than the deadline, and the answer is the body's.
#[test]
fn one_call_spends_one_deadline() {
    const DEADLINE: Duration = Duration::from_secs(1);
    let Some(server) = or_leave_out("deadlines of tiers", Server::start()) else {
        return;
    };
    let far = Redis::open(server.url()).unwrap().deadline(DEADLINE);
    let numbers = Numbers {
        tier: Tiered::new(Lru::new(10), far),
    };
    assert_eq!(numbers.number(1), 1);
    server.stop();
    let start = Instant::now();
    assert_eq!(numbers.number(2), 2);
    assert!(start.elapsed() < DEADLINE * 18 / 10, "{:?}", start.elapsed());
    let view = CodedStorage::<Json>::coded(&numbers.tier);
    let start = Instant::now();
    let until = start + Duration::from_millis(50);
    assert!(Storage::read(&view, &3, Some(until)).is_err());
    assert!(start.elapsed() < DEADLINE * 8 / 10, "{:?}", start.elapsed());
    server.cont();
}
