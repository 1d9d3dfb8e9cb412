//! `RedisCluster`: keys on many servers.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use ring_cache::coder::Json;
use ring_cache::{Calls, ring_impl};
use ring_cache_backends::{Breaker, RedisCluster};
use ring_cache_core::Key;
use ring_cache_core::storage::{Storage, StorageBase};
use ring_cache_test_servers::{Missing, RedisCluster as Servers, RedisOptions, Reply, or_leave_out};

use super::{On, PATIENCE, eventually};

#[ring_impl]
impl On<RedisCluster> {
    #[ring(storage = self.storage as RedisCluster, coder = Json, key_prefix = "length", expire = "60s")]
    fn length(&self, text: String) -> usize {
        text.len()
    }
    #[ring(storage = self.storage as RedisCluster, coder = Json, key_prefix = "lengthy")]
    fn lengthy(&self, text: String) -> usize {
        text.len()
    }
    #[cfg(feature = "tokio")]
    #[ring(storage = self.storage as RedisCluster, coder = Json, key_prefix = "length", expire = "60s")]
    async fn length_async(&self, text: String) -> usize {
        text.len()
    }
}

/// The cluster shared by tests that do not harm it.
pub(super) fn shared(what: &str) -> Option<&'static Servers> {
    static SERVERS: LazyLock<Result<Servers, Missing>> = LazyLock::new(Servers::start);
    match &*SERVERS {
        Ok(servers) => Some(servers),
        Err(_) => or_leave_out(what, Servers::start()).map(|_| unreachable!("it was missing before")),
    }
}

fn open(servers: &Servers) -> On<RedisCluster> {
    open_at(servers.urls())
}

fn open_at<U: AsRef<str>>(urls: impl IntoIterator<Item = U>) -> On<RedisCluster> {
    let storage = RedisCluster::open(urls).unwrap();
    On { storage }.deadline(PATIENCE)
}

fn texts(count: usize) -> impl Iterator<Item = String> + Clone {
    (0..count).map(|number| format!("text {number}"))
}

#[test]
fn every_verb() -> Result<(), ring_cache::Error> {
    let Some(servers) = shared("the verbs of RedisCluster") else {
        return Ok(());
    };
    let redis = open(servers).namespace("verbs");
    let call = || redis.length_ring("four".into());
    assert_eq!(call().get()?, None);
    assert_eq!(redis.length("four".into()), 4);
    assert_eq!(call().get()?, Some(4));
    call().set(5)?;
    assert_eq!(redis.length("four".into()), 5);
    assert_eq!(call().update(), 4);
    assert!(call().has()? && call().touch()?);
    assert!(call().delete()? && !call().delete()? && !call().touch()?);
    #[cfg(feature = "tokio")]
    super::awaited::runtime().block_on(async {
        let call = || redis.length_async_ring("four".into());
        assert_eq!(call().get().await?, None);
        assert_eq!(redis.length_async("four".into()).await, 4);
        assert_eq!(call().get().await?, Some(4));
        assert!(call().has().await? && call().touch().await? && call().delete().await?);
        Ok::<_, ring_cache::Error>(())
    })?;
    Ok(())
}

#[test]
fn one_address_is_enough() {
    let Some(servers) = shared("one address of a cluster") else {
        return;
    };
    let redis = open_at([&servers.urls()[0]]).namespace("one");
    let all = texts(50).map(|text| redis.length_ring(text)).get_or_update_many();
    assert_eq!(all.len(), 50);
    assert!(texts(50).all(|text| redis.length_ring(text).has().unwrap()));
}

#[test]
fn a_client_that_was_made_elsewhere_will_do() {
    let Some(servers) = shared("a client of a cluster") else {
        return;
    };
    let client = redis::cluster::ClusterClient::new(servers.urls()).unwrap();
    let storage = RedisCluster::from_client(client);
    let redis = On { storage }.deadline(PATIENCE).namespace("client");
    redis.length("four".into());
    let mut connection = redis.backend().get_connection().unwrap();
    let key = redis.length_ring("four".into()).key().to_string();
    let stored: String = redis::cmd("GET").arg(key).query(&mut connection).unwrap();
    assert_eq!(stored, "4");
}

#[test]
fn bulk_reaches_all_servers() -> Result<(), ring_cache::Error> {
    let Some(servers) = shared("bulk calls to a cluster") else {
        return Ok(());
    };
    let redis = open(servers).namespace("bulk");
    let calls = || texts(1_000).map(|text| redis.length_ring(text));
    let all = calls().get_or_update_many();
    assert_eq!(all, texts(1_000).map(|text| text.len()).collect::<Vec<_>>());
    assert_eq!(calls().get_many()?, all.into_iter().map(Some).collect::<Vec<_>>());
    let keys: Vec<Key> = calls().key_many();
    for node in servers.nodes() {
        let own = keys
            .iter()
            .filter(|key| servers.node_of(key.as_str()).port() == node.port());
        assert!(own.count() > 100);
    }
    assert_eq!(calls().has_many()?, [true; 1_000]);
    assert_eq!(calls().touch_many()?, [true; 1_000]);
    assert!(
        redis.read_many_expiring(&keys, None)?.iter().all(|found| found
            .as_ref()
            .unwrap()
            .remaining
            .is_some())
    );
    assert_eq!(calls().delete_many()?, [true; 1_000]);
    Ok(())
}

#[test]
fn braces_do_not_keep_keys_together() {
    let Some(servers) = shared("braces in keys of a cluster") else {
        return;
    };
    let redis = open(servers).namespace("braces");
    let call = |number: u32| redis.length_ring(format!("{{same}}{number}"));
    let stored = call(1).stored_key();
    assert_eq!(stored, format!("{{}}{}", call(1).key()));
    let ports: std::collections::HashSet<u16> = (0..100)
        .map(|number| {
            call(number).get_or_update();
            let node = servers.node_of(call(number).stored_key());
            assert_eq!(
                node.command(&["EXISTS", &call(number).stored_key()]),
                Reply::Integer(1)
            );
            node.port()
        })
        .collect();
    assert_eq!(ports.len(), servers.nodes().len());
    assert_eq!(
        redis.length_ring("plain".into()).stored_key(),
        "braces:length:On:plain"
    );
    // A key that looks like the spread form of another.
    let odd = Key::of(&"{}x");
    assert_ne!(redis.stored_key(&odd), redis.stored_key(&Key::of(&"x")));
}

#[test]
fn clear_reaches_all_servers_and_no_other_ring() {
    let Some(servers) = shared("clear of a cluster") else {
        return;
    };
    let (redis, other) = (open(servers).namespace("clear"), open(servers).namespace("x*"));
    for redis in [&redis, &other] {
        for text in texts(100).chain(["{a}".into(), "{}".into()]) {
            redis.length(text.clone());
            redis.lengthy(text);
        }
    }
    redis.length_cache().clear().unwrap();
    for text in texts(100).chain(["{a}".into(), "{}".into()]) {
        assert!(!redis.length_ring(text.clone()).has().unwrap());
        assert!(redis.lengthy_ring(text.clone()).has().unwrap());
        assert!(other.length_ring(text).has().unwrap());
    }
    #[cfg(feature = "tokio")]
    super::awaited::runtime().block_on(async { other.length_async_cache().clear().await.unwrap() });
    #[cfg(feature = "tokio")]
    assert!(!other.length_ring("{a}".into()).has().unwrap());
}

#[test]
fn other_types_are_nothing_in_bulk_and_an_error_alone() {
    let Some(servers) = shared("other types in a cluster") else {
        return;
    };
    let redis = open(servers).namespace("types");
    let call = || redis.length_ring("four".into());
    let key = call().key().to_string();
    servers.node_of(&key).command(&["LPUSH", &key, "x"]);
    assert!(call().get().unwrap_err().to_string().contains("WRONGTYPE"));
    let calls = || ["four", "seven"].map(|text| redis.length_ring(text.into()));
    assert_eq!(calls().get_many().unwrap(), [None, None]);
    assert_eq!(redis.length("four".into()), 4);
    assert_eq!(call().get().unwrap(), Some(4));
}

#[test]
fn passwords_reach_all_servers_and_no_error() {
    let started = Servers::start_with(&RedisOptions::default().password("s3ntinel"));
    let Some(servers) = or_leave_out("a cluster with a password", started) else {
        return;
    };
    let redis = open(&servers);
    assert!(!format!("{:?} {:?}", *redis, redis.health()).contains("s3ntinel"));
    texts(50).map(|text| redis.length_ring(text)).get_or_update_many();
    assert!(texts(50).all(|text| redis.length_ring(text).has().unwrap()));
    let wrong: Vec<String> = servers
        .urls()
        .iter()
        .map(|url| url.replace("s3ntinel", "s3ntinel-wrong"))
        .collect();
    let error = open_at(wrong).get(&Key::of(&1_u8)).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3ntinel"));
}

/// Moves the slot of a key to another server; `stable` says how far.
fn migrate(servers: &Servers, key: &Key, stable: bool) {
    let (from, to) = {
        let from = servers.node_of(key.as_str());
        (
            from,
            servers
                .nodes()
                .iter()
                .find(|node| node.port() != from.port())
                .unwrap(),
        )
    };
    let id = |node: &ring_cache_test_servers::Redis| node.command(&["CLUSTER", "MYID"]).text();
    let Reply::Integer(slot) = from.command(&["CLUSTER", "KEYSLOT", key.as_str()]) else {
        panic!()
    };
    let slot = slot.to_string();
    to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
    from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
    if stable {
        for node in [to, from] {
            node.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
        }
    }
}

#[test]
fn keys_that_move_are_followed() {
    let Some(servers) = or_leave_out("moving slots of a cluster", Servers::start()) else {
        return;
    };
    let redis = open(&servers);
    for (text, stable) in [("moved", true), ("asked for", false)] {
        let call = || redis.length_ring(text.into());
        call().get().unwrap();
        migrate(&servers, &call().key(), stable);
        call().set(77).unwrap();
        assert_eq!(call().get().unwrap(), Some(77), "{text}");
        let calls = texts(100)
            .chain([text.to_owned()])
            .map(|text| redis.length_ring(text));
        assert_eq!(calls.get_many().unwrap()[100], Some(77), "{text}");
        #[cfg(feature = "tokio")]
        super::awaited::runtime().block_on(async {
            let read = redis.length_async_ring(text.into()).get().await;
            assert_eq!(read.unwrap(), Some(77), "{text}");
        });
        assert!(call().delete().unwrap());
    }
    assert_eq!(redis.health(), ring_cache_backends::Health::default());
}

#[test]
fn a_server_that_dies_fails_its_own_keys_only() {
    let Some(servers) = or_leave_out("a dying server of a cluster", Servers::start()) else {
        return;
    };
    // The others must continue, as when a replica steps in.
    for node in servers.nodes() {
        node.command(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]);
    }
    let redis = open(&servers).breaker(Breaker::never());
    let keys: Vec<Key> = (0..60_u32).map(|number| Key::of(&number)).collect();
    redis.read_many(&keys, None).unwrap();
    let lost = servers.node(0);
    let is_lost = |key: &Key| servers.node_of(key.as_str()).port() == lost.port();
    assert!(keys.iter().any(&is_lost) && !keys.iter().all(&is_lost));
    let (gone, there): (Vec<&Key>, Vec<&Key>) = keys.iter().partition(|key| is_lost(key));
    lost.kill();
    for key in &there {
        redis.set(key, vec![1], None).unwrap();
        assert_eq!(redis.get(key).unwrap(), Some(vec![1]));
    }
    for key in &gone {
        redis.get(key).unwrap_err();
    }
    lost.restart();
    servers.wait_until_ok();
    for key in &gone {
        redis.set(key, vec![2], None).unwrap();
        assert_eq!(redis.get(key).unwrap(), Some(vec![2]));
    }
}

#[test]
fn a_server_that_hangs_keeps_to_the_deadline() {
    let Some(servers) = or_leave_out("a hanging server of a cluster", Servers::start()) else {
        return;
    };
    let deadline = Duration::from_millis(100);
    let redis = open(&servers).breaker(Breaker::never());
    let keys: Vec<Key> = (0..60_u32).map(|number| Key::of(&number)).collect();
    let entries = keys.iter().map(|key| (key.clone(), vec![1], None)).collect();
    redis.write_many(entries, None).unwrap();
    let hanging = servers.node(1);
    let (stuck, free): (Vec<&Key>, Vec<&Key>) = keys
        .iter()
        .partition(|key| servers.node_of(key.as_str()).port() == hanging.port());
    hanging.stop();
    let hurried = redis.clone().deadline(deadline);
    let start = Instant::now();
    hurried.get(stuck[0]).unwrap_err();
    // Keys on the others are found, unless they are late as well on a busy machine.
    if let Ok(found) = hurried.read_many(&keys, None) {
        let found = keys.iter().zip(found).filter(|(_, found)| found.is_some());
        assert!(found.clone().all(|(key, _)| !stuck.contains(&key)));
    }
    assert!(
        start.elapsed() < 2 * deadline + Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    for key in &free {
        redis.get(key).unwrap();
    }
    hanging.cont();
    eventually(|| redis.get(stuck[0]).is_ok());
}

/// Hanging or down: plain calls and repairs of other keys are not affected.
#[test]
fn a_server_that_is_down_costs_its_own_keys_only() {
    let Some(servers) = or_leave_out("a cluster without one server", Servers::start()) else {
        return;
    };
    // With the default breaker.
    let redis = open(&servers);
    let keys: Vec<Key> = (0..60_u32).map(|number| Key::of(&number)).collect();
    let entries = keys.iter().map(|key| (key.clone(), vec![1], None)).collect();
    redis.write_many(entries, None).unwrap();
    let lost = servers.node(2);
    let (gone, there): (Vec<&Key>, Vec<&Key>) = keys
        .iter()
        .partition(|key| servers.node_of(key.as_str()).port() == lost.port());
    for hangs in [true, false] {
        if hangs {
            lost.stop();
        } else {
            lost.kill();
        }
        let hurried = redis.clone().deadline(Duration::from_millis(50));
        for key in gone.iter().cycle().take(20) {
            // Failed changes are repaired later.
            hurried.set(key, vec![2], None).unwrap_err();
        }
        for key in &there {
            assert_eq!(redis.get(key).unwrap(), Some(vec![1]), "hangs: {hangs}");
            redis.set(key, vec![1], None).unwrap();
        }
        let found = redis.read_many(&there, None).unwrap();
        assert!(found.iter().all(|found| *found == Some(vec![1])));
        let error = hurried.get(gone[0]).unwrap_err().to_string();
        assert!(error.contains(&format!("127.0.0.1:{}", lost.port())), "{error}");
        if hangs {
            lost.cont();
        } else {
            lost.restart();
            servers.wait_until_ok();
        }
        // Without a call.
        eventually(|| redis.health().repairs == 0);
        for key in &gone {
            assert_eq!(redis.get(key).unwrap(), None, "an old value came back");
            redis.set(key, vec![1], None).unwrap();
        }
    }
}
