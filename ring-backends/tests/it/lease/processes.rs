//! Leases among real processes: this test program again, killed and stopped.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write, stdin};
use std::panic;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use ring_cache::{Memcached, Redis, RedisCluster};
use ring_cache_test_servers::{
    Memcached as MemcachedServer, Redis as Server, RedisCluster as Servers, or_leave_out,
};

use super::service::{PATIENCE, Service, eventually};
use crate::random::Random;

const PART: &str = "RING_CACHE_TEST_LEASE";
const SERVER: &str = "RING_CACHE_TEST_SERVER";
/// A file with a line for each computation.
const LOG: &str = "RING_CACHE_TEST_LOG";
const CALLERS: usize = 64;

/// A process with a part.
struct Process {
    child: Child,
    /// `None` when a thread reads it.
    says: Option<BufReader<ChildStdout>>,
    told: ChildStdin,
}

impl Process {
    fn start(part: &str, server: &str, log: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "lease::processes::child_part",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(PART, part)
            .env(SERVER, server)
            .env(LOG, log)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = child.stdout.take().map(BufReader::new);
        let told = child.stdin.take().unwrap();
        let mut process = Process { child, says, told };
        process.hear("ready");
        process
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.told, "{line}").unwrap();
    }

    /// Waits for a line with this beginning, and returns the rest.
    fn hear(&mut self, beginning: &str) -> String {
        let mut lines = self.says.as_mut().expect("the output is read once").lines();
        let line = lines.find_map(|line| line.unwrap().strip_prefix(beginning).map(str::to_owned));
        line.unwrap_or_else(|| panic!("the process never said {beginning}"))
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Stops it, and waits until it has stopped: until then its threads may run.
    fn stop(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "the process has ended: {ended:?}");
        self.signal("-STOP");
        let id = self.child.id().to_string();
        eventually(|| {
            let output = Command::new("ps").args(["-o", "state=", "-p", &id]).output();
            output.unwrap().stdout.trim_ascii().starts_with(b"T")
        });
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn say(line: &str) {
    println!("\n{line}");
}

fn heard() -> String {
    let mut line = String::new();
    stdin().read_line(&mut line).unwrap();
    line.trim().to_owned()
}

/// A unique file in the folder for temporary files.
fn log(name: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("ring-cache-lease-{}-{name}", process::id()));
    drop(fs::remove_file(&path));
    path
}

/// Notes a computation.
fn note() {
    let path = env::var(LOG).unwrap();
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(b"computed\n").unwrap();
}

/// Logs a computation of some length, whose value names the process.
fn compute(_: u32) -> Result<u32, String> {
    note();
    thread::sleep(Duration::from_millis(300));
    Ok(process::id())
}

/// Computes until it is told to continue.
fn hold(_: u32) -> Result<u32, String> {
    note();
    say("computing");
    heard();
    Ok(process::id())
}

/// Many concurrent callers of one key.
fn burst(get: impl Fn() -> Result<u32, String> + Sync) {
    say("ready");
    heard();
    let values: Vec<_> = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(&get)).collect();
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap().unwrap())
            .collect()
    });
    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
    say(&format!("value {}", values[0]));
    heard();
}

fn one_call(get: impl Fn() -> Result<u32, String>) {
    say("ready");
    heard();
    say(&format!("returned {}", get().unwrap()));
    heard();
}

/// Not a test of its own: the part of the processes.
#[test]
fn child_part() {
    let (Ok(part), Ok(server)) = (env::var(PART), env::var(SERVER)) else {
        return;
    };
    let redis = || Redis::open(&server).unwrap().deadline(PATIENCE);
    match part.as_str() {
        "burst on redis" => {
            let service = Service::new(redis(), compute);
            burst(|| service.get(1));
        }
        "burst on memcached" => {
            let service = Service::new(Memcached::open(&server).unwrap().deadline(PATIENCE), compute);
            burst(|| service.get(1));
        }
        "burst on a cluster" => {
            let cluster = RedisCluster::open(server.split(' ')).unwrap().deadline(PATIENCE);
            let service = Service::new(cluster, compute);
            burst(|| service.get(1));
        }
        "hold briefly" => {
            let service = Service::new(redis(), hold);
            one_call(|| service.get_briefly(1));
        }
        "history" => history(&server),
        part => panic!("unknown part {part}"),
    }
}

/// Four processes with 64 callers each, for one cold key.
fn one_computation(part: &str, server: &str) {
    let log = log(&part.replace(' ', "-"));
    let mut processes: Vec<_> = (0..4).map(|_| Process::start(part, server, &log)).collect();
    processes.iter_mut().for_each(|process| process.tell("go"));
    let values: Vec<_> = processes
        .iter_mut()
        .map(|process| process.hear("value "))
        .collect();
    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
    assert_eq!(fs::read_to_string(&log).unwrap(), "computed\n");
    fs::remove_file(log).unwrap();
}

#[test]
fn four_processes_compute_a_cold_key_once_on_redis() {
    let Some(server) = or_leave_out("processes on Redis", Server::start()) else {
        return;
    };
    one_computation("burst on redis", &server.url());
}

#[test]
fn four_processes_compute_a_cold_key_once_on_memcached() {
    let Some(server) = or_leave_out("processes on memcached", MemcachedServer::start()) else {
        return;
    };
    one_computation("burst on memcached", &server.address());
}

#[test]
fn four_processes_compute_a_cold_key_once_on_a_cluster() {
    let Some(servers) = or_leave_out("processes on a cluster", Servers::start()) else {
        return;
    };
    one_computation("burst on a cluster", &servers.urls().join(" "));
}

#[test]
fn a_holder_that_is_killed_costs_the_life_of_its_lease() {
    let Some(server) = or_leave_out("holders that are killed", Server::start()) else {
        return;
    };
    let log = log("killed");
    let mut holder = Process::start("hold briefly", &server.url(), &log);
    holder.tell("go");
    holder.hear("computing");
    holder.kill();
    let next = Service::new(Redis::open(server.url()).unwrap().deadline(PATIENCE), Ok);
    eventually(|| {
        next.get_briefly(1).unwrap();
        next.get_briefly_ring(1).get().unwrap() == Some(1)
    });
    fs::remove_file(log).unwrap();
}

#[test]
fn a_holder_that_was_stopped_stores_nothing_when_it_goes_on() {
    let Some(server) = or_leave_out("holders that are stopped", Server::start()) else {
        return;
    };
    let log = log("stopped");
    let mut holder = Process::start("hold briefly", &server.url(), &log);
    holder.tell("go");
    holder.hear("computing");
    holder.stop();
    holder.tell("go on");
    let next = Service::new(Redis::open(server.url()).unwrap().deadline(PATIENCE), Ok);
    // It waits at most for the life of the lease.
    eventually(|| {
        next.get_briefly(1).unwrap();
        next.get_briefly_ring(1).get().unwrap() == Some(1)
    });
    holder.signal("-CONT");
    let id = holder.child.id().to_string();
    assert_eq!(holder.hear("returned "), id, "its caller gets the computed value");
    assert_eq!(next.get_briefly_ring(1).get().unwrap(), Some(1));
    fs::remove_file(log).unwrap();
}

const KEYS: u32 = 3;
/// The minimum time of the history.
const HISTORY: Duration = Duration::from_secs(4);

/// Reads the true value of a key: 0 at first.
fn truth(connection: &mut redis::Connection, kind: &str, id: u32) -> u32 {
    let read: Option<u32> = redis::cmd("GET")
        .arg(format!("{kind}:{id}"))
        .query(connection)
        .unwrap();
    read.unwrap_or(0)
}

fn connect(redis: &Redis) -> redis::Connection {
    redis.backend().get_connection().unwrap()
}

/// Computes the true value, and checks that each stored one is at least as new as the last acknowledged delete.
fn history(server: &str) {
    // However long the server pauses, it answers in time: without its answer a process does not know what was forgotten.
    let redis = Redis::open(server).unwrap().deadline(PATIENCE);
    let origin = parking_lot::Mutex::new((connect(&redis), Random::seeded(u64::from(process::id()))));
    let service = Service::new(redis.clone(), move |id| {
        let (value, pause) = {
            let (connection, random) = &mut *origin.lock();
            (truth(connection, "truth", id), random.below(40))
        };
        thread::sleep(Duration::from_millis(pause));
        Ok(value)
    });
    // What one thread finds ends the process.
    panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        process::exit(101);
    }));
    say("ready");
    thread::scope(|scope| {
        for seed in 1..=2 {
            let (looking, random) = (connect(&redis), Random::seeded(u64::from(process::id()) + seed));
            scope.spawn(|| observe(&service, looking, random));
        }
    });
}

fn observe(service: &Service<Redis>, mut looking: redis::Connection, mut random: Random) {
    loop {
        let id = u32::try_from(random.below(u64::from(KEYS))).unwrap();
        let mut acknowledged = || truth(&mut looking, "acknowledged", id);
        service.get_briefly(id).unwrap();
        let before = acknowledged();
        if let Some(stored) = service.get_briefly_ring(id).get().unwrap() {
            assert!(stored >= before, "{stored} is stored, {before} was acknowledged");
            say("found");
        }
        let before = acknowledged();
        let returned = service.get_dependent(id).unwrap();
        assert!(
            returned >= before,
            "{returned} is returned, {before} was acknowledged before the call"
        );
        let before = acknowledged();
        if let Some(stored) = service.get_dependent_ring(id).get().unwrap() {
            assert!(
                stored >= before,
                "{stored} depends, {before} was acknowledged before the call"
            );
            say("found a dependent");
        }
    }
}

/// Changes the true value, deletes the entry, and notes the acknowledgement.
fn change(service: &Service<Redis>, connection: &mut redis::Connection, id: u32) {
    let value: u32 = redis::cmd("INCR")
        .arg(format!("truth:{id}"))
        .query(connection)
        .unwrap();
    eventually(|| service.get_briefly_ring(id).delete().is_ok());
    redis::cmd("SET")
        .arg(format!("acknowledged:{id}"))
        .arg(value)
        .exec(connection)
        .unwrap();
}

/// Three processes of two threads compute; they are stopped for longer than a lease, killed, and cut off.
#[test]
fn l2_i7_no_process_stores_or_returns_what_an_acknowledged_delete_made_out_of_date() {
    let Some(server) = or_leave_out("a history of leases", Server::start()) else {
        return;
    };
    let (url, log) = (server.url(), log("history"));
    let redis = Redis::open(&url).unwrap();
    let mut connection = connect(&redis);
    let service = Service::new(redis, |_| panic!("the writer does not compute"));
    let found = Arc::<[AtomicU32; 2]>::default();
    let start = || counting(Process::start("history", &url, &log), Arc::clone(&found));
    let mut processes: Vec<_> = (0..3).map(|_| start()).collect();
    let mut random = Random::seeded(7);
    let begin = Instant::now();
    // Also on a busy machine some entries must be found: otherwise the history proves nothing.
    while begin.elapsed() < HISTORY || found.iter().any(|found| found.load(SeqCst) < 100) {
        assert!(begin.elapsed() < PATIENCE * 4, "too little was found");
        for _ in 0..20 {
            let id = random.below(u64::from(KEYS));
            change(&service, &mut connection, u32::try_from(id).unwrap());
            thread::sleep(Duration::from_millis(random.below(40)));
        }
        let place = usize::try_from(random.below(3)).unwrap();
        match random.below(4) {
            0 => processes[place] = start(),
            1 => {
                server.command(&["CLIENT", "PAUSE", "150"]);
            }
            _ => {
                processes[place].stop();
                for id in 0..KEYS {
                    change(&service, &mut connection, id);
                }
                thread::sleep(Duration::from_millis(250));
                processes[place].signal("-CONT");
            }
        }
        for process in &mut processes {
            let ended = process.child.try_wait().unwrap();
            assert!(ended.is_none(), "a process found an outdated value: {ended:?}");
        }
    }
    drop(fs::remove_file(log));
}

/// Counts how often a process found an entry, and one that depends on another.
fn counting(mut process: Process, found: Arc<[AtomicU32; 2]>) -> Process {
    let says = process.says.take().expect("the output is read once");
    thread::spawn(move || {
        for line in says.lines().map_while(Result::ok) {
            found[0].fetch_add(u32::from(line == "found"), SeqCst);
            found[1].fetch_add(u32::from(line == "found a dependent"), SeqCst);
        }
    });
    process
}
