//! Redis as the far tier: values that others change do not stay near.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ring_cache::coder::Json;
use ring_cache::storage::{CodedStorage, Expiring, Storage, StorageBase};
use ring_cache::{Lru, RingKey, ring_impl};
use ring_cache_backends::{Redis, Tiered};
use ring_cache_test_servers::Redis as Server;
use tokio::runtime::Builder;

use crate::blocking::gated::PATIENCE;
use crate::blocking::{eventually, run};
use crate::redis::shared;

type Tier = Tiered<Lru<u32>, Redis>;
type View<'t> = <Tier as CodedStorage<Json>>::View<'t>;

/// A process with tiers on a server that others use as well.
pub(super) struct Process<'s> {
    pub(super) server: &'s Server,
    pub(super) tier: Tier,
    /// An entry that marks progress.
    last: String,
}

impl<'s> Process<'s> {
    /// Entries are stored far away before it begins, so it gets no reports of them.
    pub(super) fn start(server: &'s Server, namespace: &str, entries: &[(&str, u32)]) -> Self {
        let far = Redis::open(server.url()).unwrap();
        let far = far.namespace(namespace).deadline(PATIENCE);
        static PROCESSES: AtomicU32 = AtomicU32::new(0);
        let process = Process {
            server,
            tier: Tiered::new(Lru::new(1_000), far),
            last: format!("last{}", PROCESSES.fetch_add(1, Ordering::SeqCst)),
        };
        for (key, value) in entries.iter().chain([&(&*process.last, 0)]) {
            process.elsewhere(&["SET", &process.text(key), &value.to_string()]);
        }
        assert!(!process.tier.is_watching());
        process.read(&process.last);
        run(eventually(|| process.tier.is_watching()));
        process
    }

    pub(super) fn view(&self) -> View<'_> {
        CodedStorage::<Json>::coded(&self.tier)
    }

    pub(super) fn text(&self, key: &str) -> String {
        self.tier.far().stored_key(key)
    }

    pub(super) fn read(&self, key: &str) -> Option<u32> {
        Storage::read(&self.view(), key, None).unwrap()
    }

    /// Brings a far entry near.
    pub(super) fn bring_near(&self, key: &str, value: u32) {
        assert_eq!(self.read(key), Some(value));
        assert_eq!(self.tier.near().get(key), Some(value));
    }

    pub(super) fn elsewhere(&self, words: &[&str]) {
        self.server.command(words);
    }

    /// Returns when all changes so far have been reported.
    pub(super) fn settle(&self) {
        self.bring_near(&self.last, 0);
        self.elsewhere(&["SET", &self.text(&self.last), "0"]);
        run(eventually(|| !self.tier.near().has(&*self.last)));
    }
}

#[test]
fn whatever_others_do_to_an_entry() {
    let Some(server) = shared("changes elsewhere") else {
        return;
    };
    let entries = ["set", "deleted", "expires", "renamed", "counted", "stays"].map(|key| (key, 1));
    let process = Process::start(server, "foreign", &entries);
    let text = |key| process.text(key);
    for (key, value) in entries {
        process.bring_near(key, value);
    }
    process.elsewhere(&["SET", &text("set"), "2"]);
    process.elsewhere(&["DEL", &text("deleted")]);
    process.elsewhere(&["PEXPIRE", &text("expires"), "100000"]);
    process.elsewhere(&["RENAME", &text("renamed"), &text("other")]);
    process.elsewhere(&["INCRBY", &text("counted"), "41"]);
    process.settle();
    for key in ["set", "deleted", "expires", "renamed", "counted"] {
        assert!(!process.tier.near().has(key), "{key} stays near");
    }
    assert_eq!(process.tier.near().get("stays"), Some(1));
    let after = ["set", "deleted", "expires", "renamed", "counted"].map(|key| process.read(key));
    assert_eq!(after, [Some(2), None, Some(1), None, Some(42)]);
    let Ok(Some(Expiring {
        remaining: Some(left),
        ..
    })) = Storage::read_expiring(process.tier.near(), "expires", None)
    else {
        panic!("it is near, and will expire");
    };
    assert!(left > Duration::from_secs(50) && left <= Duration::from_secs(100));
    process.elsewhere(&["PERSIST", &text("expires")]);
    process.settle();
    process.bring_near("expires", 1);
    assert_eq!(
        Storage::read_expiring(process.tier.near(), "expires", None),
        Ok(Some(Expiring {
            value: 1,
            remaining: None
        }))
    );
}

#[test]
fn flushed() {
    let Some(server) = ring_cache_test_servers::or_leave_out("FLUSHALL", Server::start()) else {
        return;
    };
    let names: Vec<_> = (0..200).map(|n| format!("key{n}")).collect();
    let entries: Vec<_> = names.iter().map(|name| (&**name, 1)).collect();
    for flush in ["FLUSHALL", "FLUSHDB"] {
        let process = Process::start(&server, "", &entries);
        for name in &names {
            process.bring_near(name, 1);
        }
        process.elsewhere(&[flush]);
        run(eventually(|| process.tier.near().is_empty()));
        assert_eq!(process.read("key7"), None);
        assert!(process.tier.is_watching());
    }
}

#[test]
fn other_namespaces_do_not_matter() {
    let Some(server) = shared("namespaces of tiers") else {
        return;
    };
    let shop = Process::start(server, "shop1", &[("a", 1)]);
    let other = Process::start(server, "shop2", &[("a", 2)]);
    shop.bring_near("a", 1);
    other.bring_near("a", 2);
    shop.elsewhere(&["SET", &other.text("a"), "3"]);
    shop.elsewhere(&["SET", "a", "4"]);
    shop.elsewhere(&["SET", "shop11:a", "5"]);
    other.settle();
    shop.settle();
    assert_eq!(shop.tier.near().get("a"), Some(1));
    assert_eq!(other.tier.near().get("a"), None);
    assert_eq!((shop.read("a"), other.read("a")), (Some(1), Some(3)));
}

/// A process gets reports of its own writes. Near values after them, if any, are right.
#[test]
fn ones_own_changes() {
    let Some(server) = shared("own changes in tiers") else {
        return;
    };
    let process = Process::start(server, "own", &[]);
    let other = Process::start(server, "own", &[("a", 0)]);
    for round in 1..=50 {
        Storage::write(&process.view(), "a", round, None, None).unwrap();
        assert_eq!(process.read("a"), Some(round));
        if round % 10 == 0 {
            other.settle();
            assert_eq!(other.read("a"), Some(round));
        }
    }
    process.settle();
    process.bring_near("a", 50);
    assert!(Storage::remove(&process.view(), "a", None).unwrap());
    assert_eq!(process.read("a"), None);
    other.settle();
    assert_eq!(other.read("a"), None);
}

#[derive(RingKey)]
struct Shop {
    #[ring_key(skip)]
    tier: std::sync::Arc<Tier>,
}

#[ring_impl(storage = self.tier as Tier, coder = Json, expire = "10m")]
impl Shop {
    #[ring]
    fn number(&self, id: u32) -> u32 {
        id
    }

    #[ring]
    async fn number_async(&self, id: u32) -> u32 {
        id
    }
}

#[test]
fn methods_of_both_colours() {
    let Some(server) = shared("methods on tiers") else {
        return;
    };
    let process = Process::start(server, "methods", &[]);
    let shop = Shop {
        tier: std::sync::Arc::new(process.tier.clone()),
    };
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let both = || (shop.number(7), runtime.block_on(shop.number_async(8)));
    assert_eq!(both(), (7, 8));
    let keys = [shop.number_ring(7).key(), shop.number_async_ring(8).key()];
    process.settle();
    assert_eq!(both(), (7, 8));
    assert!(keys.iter().all(|key| process.tier.near().has(key)));
    for key in &keys {
        process.elsewhere(&["SET", key.as_str(), "70"]);
    }
    process.settle();
    assert_eq!(both(), (70, 70));
    runtime.block_on(shop.number_async_cache().clear()).unwrap();
    shop.number_cache().clear().unwrap();
    assert!(!shop.number_ring(7).has().unwrap());
    assert!(!runtime.block_on(shop.number_async_ring(8).has()).unwrap());
}
