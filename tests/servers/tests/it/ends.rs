//! A server leaves nothing behind, however the process that started it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read, stdin};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ring_cache_test_servers::{Memcached, Missing, Redis, RedisCluster, or_leave_out};

use crate::another_process::{self, exists};
use crate::eventually;

/// Servers of each kind: a waiting, a stopped, and a killed one.
struct Servers {
    redis: Redis,
    cluster: RedisCluster,
    memcached: Memcached,
}

impl Servers {
    fn start() -> Result<Servers, Missing> {
        let redis = Redis::options().unix_socket().tls().persistent().start()?;
        let cluster = RedisCluster::start()?;
        let memcached = Memcached::options().unix_socket().start()?;
        cluster.node(0).stop();
        cluster.node(1).kill();
        memcached.stop();
        Ok(Servers {
            redis,
            cluster,
            memcached,
        })
    }

    fn processes(&self) -> Vec<u32> {
        let [stopped, running] = [0, 2].map(|node| self.cluster.node(node).process_id());
        vec![
            self.redis.process_id(),
            stopped,
            running,
            self.memcached.process_id(),
        ]
    }

    fn folders(&self) -> Vec<PathBuf> {
        let redis = [&self.redis]
            .into_iter()
            .chain(self.cluster.nodes())
            .map(Redis::folder);
        redis
            .chain([self.memcached.folder()])
            .map(PathBuf::from)
            .collect()
    }
}

#[test]
fn nothing_is_left_after_a_drop() {
    let Some(servers) = or_leave_out("the end of servers", Servers::start()) else {
        return;
    };
    let (processes, folders) = (servers.processes(), servers.folders());
    assert!(processes.iter().all(|process| exists(&process.to_string())));
    for folder in &folders {
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
    drop(servers);
    assert!(!processes.iter().any(|process| exists(&process.to_string())));
    assert!(!folders.iter().any(|folder| folder.exists()));
}

#[test]
#[ignore = "is run by those below, to be killed"]
fn child_says_its_servers_and_waits() {
    let Some(servers) = or_leave_out("the end of a process", Servers::start()) else {
        return;
    };
    for process in servers.processes() {
        println!("process={process}");
    }
    for folder in servers.folders() {
        println!("folder={}", folder.display());
    }
    println!("waits");
    _ = stdin().read(&mut [0]);
    std::mem::forget(servers);
}

/// Starts the waiting process, ends it by `end`, and checks that nothing is left.
fn nothing_is_left_after(end: impl FnOnce(&mut std::process::Child)) {
    let mut command = another_process::test("ends::child_says_its_servers_and_waits");
    command
        .arg("--nocapture")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let said: Vec<_> = output.by_ref().take_while(|line| line != "waits").collect();
    let all = |name: &str| {
        said.iter()
            .filter_map(|line| line.strip_prefix(name))
            .map(str::to_owned)
            .collect()
    };
    let (processes, folders): (Vec<String>, Vec<String>) = (all("process="), all("folder="));
    if processes.is_empty() {
        // It has reported on stderr what it leaves out.
        assert!(child.wait().unwrap().success());
        return;
    }
    assert_eq!((processes.len(), folders.len()), (4, 5));
    end(&mut child);
    child.wait().unwrap();
    eventually("no folders", || {
        !folders.iter().any(|folder| fs::exists(folder).unwrap())
    });
    assert!(!processes.iter().any(|process| exists(process)));
}

#[test]
fn nothing_is_left_after_the_process_was_killed() {
    nothing_is_left_after(|process| process.kill().unwrap());
}

/// Like a terminal for Ctrl-C.
#[test]
fn nothing_is_left_after_an_interrupt() {
    nothing_is_left_after(|process| {
        let status = Command::new("sh")
            .args(["-c", "kill -s INT \"$1\"", "signal", &process.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    });
}

#[test]
fn nothing_is_left_of_a_handle_that_is_never_dropped() {
    nothing_is_left_after(|process| drop(process.stdin.take()));
}
