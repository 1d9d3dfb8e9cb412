//! A process that forks after it used its storages, like a server that forks workers: both continue.
//!
//! Threads are not forked, so a test that forks is its own process: this test program again.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use std::{env, process};

use ring_cache::coder::Json;
use ring_cache::{Lru, RingKey, ring_impl};
use ring_cache_backends::{Blocking, Disk, Memcached, Redis, RedisCluster, RedisHash, Tiered};
use ring_cache_test_servers::{
    Memcached as MemcachedServer, Proxy, Redis as Server, RedisCluster as Servers, Spoil, or_leave_out,
};
use serde::{Deserialize, Serialize};

use crate::random::Random;

const PART: &str = "RING_CACHE_TEST_FORK";
const SERVER: &str = "RING_CACHE_TEST_SERVER";
const KEYS: u64 = 200;
const ROUNDS: u64 = 1_500;
const DEADLINE: Duration = Duration::from_secs(20);

#[derive(RingKey)]
struct On<S> {
    #[ring_key(skip)]
    storage: S,
}

macro_rules! squares {
    ($($Storage:ty),*) => {$(
        #[ring_impl(storage = self.storage as $Storage, coder = Json)]
        impl On<$Storage> {
            #[ring(key_prefix = "square")]
            fn square(&self, number: u64) -> u64 {
                number * number
            }

            #[ring(key_prefix = "cube")]
            async fn cube(&self, number: u64) -> u64 {
                number * number * number
            }
        }
    )*};
}
squares!(Redis, RedisHash, RedisCluster, Memcached, Tiered<Lru<u64>, Redis>);

#[ring_impl(disk = self.storage, coder = Json)]
impl On<Disk> {
    #[ring(key_prefix = "square")]
    fn square(&self, number: u64) -> u64 {
        number * number
    }
}

#[ring_impl(disk = self.storage, coder = Json)]
impl On<Blocking<Disk>> {
    #[ring(key_prefix = "cube")]
    async fn cube(&self, number: u64) -> u64 {
        number * number * number
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// The calls of both sides. Returns the number of wrong answers.
fn ask(blocking: &dyn Fn(u64) -> u64, awaited: &dyn Fn(u64) -> u64) -> u64 {
    let mut random = Random::seeded(u64::from(process::id()));
    let number = |random: &mut Random| random.below(KEYS);
    (0..ROUNDS)
        .map(|_| {
            let (one, other) = (number(&mut random), number(&mut random));
            u64::from(blocking(one) != one * one) + u64::from(awaited(other) != other * other * other)
        })
        .sum()
}

/// Uses the storage, forks, and uses it on both sides at the same time.
fn fork_and_ask(blocking: impl Fn(u64) -> u64, awaited: impl Fn(&tokio::runtime::Runtime, u64) -> u64) {
    let parents = runtime();
    for number in 0..KEYS {
        blocking(number);
        awaited(&parents, number);
    }
    match fork::fork().unwrap() {
        fork::Fork::Child => {
            let own = runtime();
            let wrong = ask(&blocking, &|number| awaited(&own, number));
            std::mem::forget(own);
            process::exit(i32::from(wrong > 0));
        }
        fork::Fork::Parent(child) => {
            let wrong = ask(&blocking, &|number| awaited(&parents, number));
            let status = fork::waitpid(child).unwrap();
            assert_eq!((wrong, status), (0, 0), "answers to others");
        }
    }
}

macro_rules! forks {
    ($storage:expr) => {{
        let on = On { storage: $storage };
        fork_and_ask(
            |number| {
                // From the storage, if stored.
                let found = on.square_ring(number).get().unwrap();
                found.unwrap_or_else(|| on.square(number))
            },
            |runtime, number| {
                runtime.block_on(async {
                    let found = on.cube_ring(number).get().await.unwrap();
                    match found {
                        Some(found) => found,
                        None => on.cube(number).await,
                    }
                })
            },
        );
    }};
}

/// Tiers in the child get reports of changes, as those in the parent.
fn tiers_are_told(url: &str) {
    let tier = Tiered::new(Lru::new(100), Redis::open(url).unwrap().deadline(DEADLINE));
    let on = On { storage: tier };
    let elsewhere = Redis::open(url).unwrap().deadline(DEADLINE);
    on.square(3);
    eventually(|| on.storage.is_watching());
    eventually(|| on.square(3) == 9 && on.storage.near().get(&on.square_ring(3).key()).is_some());
    match fork::fork().unwrap() {
        fork::Fork::Child => {
            let start = Instant::now();
            while on.square(3) != 7 && start.elapsed() < DEADLINE {
                sleep(Duration::from_millis(5));
            }
            process::exit(i32::from(on.square(3) != 7));
        }
        fork::Fork::Parent(child) => {
            sleep(Duration::from_millis(200));
            let changed = On { storage: elsewhere };
            changed.square_ring(3).set(7).unwrap();
            eventually(|| on.square(3) == 7);
            assert_eq!(fork::waitpid(child).unwrap(), 0, "the child was not told");
        }
    }
}

thread_local! {
    static IS_SLOW: Cell<bool> = const { Cell::new(false) };
}

/// A value that some threads take long to drop.
#[derive(Clone, Serialize, Deserialize)]
struct Slow(u64);

impl Drop for Slow {
    fn drop(&mut self) {
        if IS_SLOW.get() {
            sleep(Duration::from_millis(100));
        }
    }
}

#[ring_impl(storage = self.storage as Tiered<Lru<Slow>, Redis>, coder = Json)]
impl On<Tiered<Lru<Slow>, Redis>> {
    #[ring(key_prefix = "slow")]
    fn slow(&self, number: u64) -> Slow {
        Slow(number)
    }
}

/// Ends a child that hangs.
fn exit_later() {
    thread::spawn(|| {
        sleep(DEADLINE);
        process::exit(2);
    });
}

/// A thread takes long to put values near, and others give way. A child does not wait for that thread.
fn tiers_beside_a_fill(url: &str) {
    let on = On {
        storage: Tiered::new(Lru::new(1), Redis::open(url).unwrap().deadline(DEADLINE)),
    };
    on.slow(0);
    eventually(|| on.storage.is_watching());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            IS_SLOW.set(true);
            for number in (0..2).cycle().take_while(|_| !is_over.load(Ordering::Relaxed)) {
                on.slow(number);
            }
            IS_SLOW.set(false);
        });
        for _ in 0..10 {
            sleep(Duration::from_millis(40));
            match fork::fork().unwrap() {
                fork::Fork::Child => {
                    exit_later();
                    let right = (0..2).all(|number| {
                        let _ = on.slow_ring(number).delete();
                        on.slow(number).0 == number
                    });
                    process::exit(i32::from(!right));
                }
                fork::Fork::Parent(child) => assert_eq!(fork::waitpid(child).unwrap(), 0, "it hangs"),
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

static BEGAN: AtomicBool = AtomicBool::new(false);
static ENDED: AtomicBool = AtomicBool::new(false);

/// A value that some threads take long to clone.
struct Watched(u64);

impl Clone for Watched {
    fn clone(&self) -> Self {
        if IS_SLOW.get() {
            BEGAN.store(true, Ordering::SeqCst);
            sleep(Duration::from_millis(200));
            ENDED.store(true, Ordering::SeqCst);
        }
        Watched(self.0)
    }
}

#[ring_impl(lru = self.storage)]
impl On<Lru<Watched>> {
    #[ring]
    fn watched(&self, number: u64) -> Watched {
        Watched(number)
    }
}

/// A writer in a child waits for readers of the child, though the child has no other threads of its parent.
fn readers_in_a_child() {
    let on = On {
        storage: Lru::new(10),
    };
    let read = || (0..200).for_each(|_| assert_eq!(on.watched(1).0, 1));
    read();
    // A thread of the child gets what this thread leaves behind.
    thread::scope(|scope| scope.spawn(read).join().unwrap());
    read();
    match fork::fork().unwrap() {
        fork::Fork::Child => {
            exit_later();
            read();
            let waited = thread::scope(|scope| {
                scope.spawn(|| {
                    assert_eq!(on.watched(1).0, 1);
                    IS_SLOW.set(true);
                    assert_eq!(on.watched(1).0, 1);
                });
                while !BEGAN.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                on.watched_ring(1).delete();
                ENDED.load(Ordering::SeqCst)
            });
            process::exit(i32::from(!waited));
        }
        fork::Fork::Parent(child) => {
            assert_eq!(
                fork::waitpid(child).unwrap(),
                0,
                "the value was removed while it was cloned"
            );
        }
    }
}

fn eventually(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < DEADLINE, "it did not happen");
        sleep(Duration::from_millis(5));
    }
}

/// Not a test of its own: the part of the processes that fork.
#[test]
fn child_part() {
    let (Ok(part), Ok(server)) = (env::var(PART), env::var(SERVER)) else {
        return;
    };
    let redis = || Redis::open(&server).unwrap().deadline(DEADLINE);
    match part.as_str() {
        "redis" => forks!(redis()),
        "hash" => forks!(RedisHash::open(&server).unwrap().deadline(DEADLINE)),
        "cluster" => forks!(RedisCluster::open(server.split(' ')).unwrap().deadline(DEADLINE)),
        "memcached" => forks!(Memcached::open(&server).unwrap().deadline(DEADLINE)),
        "tiers" => {
            forks!(Tiered::new(Lru::new(50), redis()));
            tiers_are_told(&server);
            tiers_beside_a_fill(&server);
        }
        "pauses" => pauses(&server),
        "interrupted" => interrupted(&server),
        "disk" => disks(&server),
        "readers" => readers_in_a_child(),
        part => panic!("unknown part {part}"),
    }
}

/// Reads from tiers all the time. After a pause of the process, it must read the current far value.
fn pauses(url: &str) {
    let on = On {
        storage: Tiered::new(Lru::new(100), Redis::open(url).unwrap().deadline(DEADLINE)),
    };
    eventually(|| on.square(3) == 9 && on.storage.near().get(&on.square_ring(3).key()).is_some());
    println!("\nready");
    let mut last = Instant::now();
    loop {
        let read = on.square(3);
        if last.elapsed() > Duration::from_secs(1) {
            // The read value may be an older one.
            let after = on.square(3);
            let far = On {
                storage: on.storage.far().clone(),
            };
            assert_eq!(after, far.square(3), "{:?} later", last.elapsed());
        }
        if read == 7 {
            return;
        }
        last = Instant::now();
    }
}

/// Reads from two slow servers.
fn interrupted(addresses: &str) {
    let (redis, memcached) = addresses.split_once(' ').unwrap();
    let redis = Redis::open(redis).unwrap().deadline(DEADLINE);
    let memcached = Memcached::open(memcached).unwrap().deadline(DEADLINE);
    let (redis, memcached) = (On { storage: redis }, On { storage: memcached });
    println!("\nready");
    for number in 0..5 {
        assert_eq!(redis.square_ring(number).get().unwrap(), None);
        assert_eq!(memcached.square_ring(number).get().unwrap(), None);
    }
}

/// A pause of the process interrupts its waits, as a signal does. It is not a failure of the server.
#[test]
fn a_pause_in_the_middle_of_a_call_is_no_failure() {
    let what = "a process that is stopped while it waits";
    let (Some(redis), Some(memcached)) = (
        or_leave_out(what, Server::start()),
        or_leave_out(what, MemcachedServer::start()),
    ) else {
        return;
    };
    let slow = |port| {
        let proxy = Proxy::before(port);
        proxy.set(Spoil::Delay(Duration::from_millis(30)));
        proxy
    };
    let (redis, memcached) = (slow(redis.port()), slow(memcached.port()));
    let addresses = format!(
        "redis://127.0.0.1:{} 127.0.0.1:{}",
        redis.port(),
        memcached.port()
    );
    let mut child = command("interrupted", &addresses)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "ready"));
    while child.try_wait().unwrap().is_none() {
        for name in ["-STOP", "-CONT"] {
            // It may have ended.
            let id = child.id().to_string();
            let _ = Command::new("kill")
                .args([name, &id])
                .stderr(Stdio::null())
                .status();
        }
        sleep(Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
}

/// While it does not run, as on a sleeping machine, a process gets no reports.
#[test]
fn values_changed_while_the_process_was_stopped_are_not_read_near() {
    let Some(server) = or_leave_out("tiers in a process that is stopped", Server::start()) else {
        return;
    };
    let mut child = command("pauses", &server.url())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "ready"));
    let signal = |name: &str| {
        let id = child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    };
    signal("-STOP");
    sleep(Duration::from_millis(1_500));
    let changed = On {
        storage: Redis::open(server.url()).unwrap().deadline(DEADLINE),
    };
    changed.square_ring(3).set(7).unwrap();
    sleep(Duration::from_millis(1_500));
    signal("-CONT");
    assert!(child.wait().unwrap().success());
}

/// Forks while threads use a file. The child computes at once, and does not touch the file.
fn disks(path: &str) {
    let disk = Disk::open(path).unwrap().deadline(DEADLINE);
    let on = On {
        storage: disk.clone(),
    };
    let shared = On {
        storage: Blocking::new(disk),
    };
    for number in 0..20 {
        on.square(number);
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for number in (0..20).cycle().take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    assert_eq!(on.square_ring(number).update(), number * number);
                }
            });
        }
        for _ in 0..5 {
            match fork::fork().unwrap() {
                fork::Fork::Child => {
                    exit_later();
                    let refused = on.square_ring(1).get().unwrap_err().to_string();
                    let own = runtime();
                    let right = (0..20).all(|number| {
                        on.square(number) == number * number
                            && own.block_on(shared.cube(number)) == number * number * number
                    });
                    std::mem::forget(own);
                    process::exit(i32::from(!right || !refused.contains("fork")));
                }
                fork::Fork::Parent(child) => assert_eq!(fork::waitpid(child).unwrap(), 0, "it hangs"),
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    for number in 0..20 {
        assert_eq!(on.square_ring(number).get().unwrap(), Some(number * number));
    }
    assert_eq!(on.storage.damages().files, 0);
}

/// The command for a part in its own process, which may fork.
fn command(part: &str, server: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "forked::child_part", "--nocapture", "--test-threads=1"])
        .env(PART, part)
        .env(SERVER, server);
    command
}

/// Runs a part in a process that may fork.
fn play(part: &str, server: &str) {
    let output = command(part, server).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{part}: {said}");
}

#[test]
fn redis() {
    let Some(server) = or_leave_out("forks with Redis", Server::start()) else {
        return;
    };
    play("redis", &server.url());
    play("hash", &server.url());
}

#[test]
fn tiers() {
    let Some(server) = or_leave_out("forks with tiers", Server::start()) else {
        return;
    };
    play("tiers", &server.url());
}

#[test]
fn a_writer_in_a_child_waits_for_the_readers_of_the_child() {
    play("readers", "");
}

#[test]
fn disk() {
    let folder = env::temp_dir().join(format!("ring-cache-forked-{}", process::id()));
    play("disk", &folder.join("cache.db").display().to_string());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn cluster() {
    let Some(servers) = or_leave_out("forks with a cluster", Servers::start()) else {
        return;
    };
    play("cluster", &servers.urls().join(" "));
}

#[test]
fn memcached() {
    let Some(server) = or_leave_out("forks with memcached", MemcachedServer::start()) else {
        return;
    };
    play("memcached", &server.address());
}
