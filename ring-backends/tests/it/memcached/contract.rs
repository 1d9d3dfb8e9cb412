//! Memcached keeps the contract of storages, in both colours, on one server and on three.

use std::sync::Mutex;
use std::thread::{self, sleep};
use std::time::Duration;

use ring_cache::testing::contract;
use ring_cache_backends::Memcached;
use ring_cache_test_servers as servers;

use super::{patient, runtime};

/// memcached counts seconds, and an expiry may be up to one second shorter.
const UNIT: Duration = Duration::from_secs(2);

/// The cases at a time.
const AT_A_TIME: usize = 16;

/// Servers for values of a little more than 1 MiB.
fn start(count: usize) -> Option<Vec<servers::Memcached>> {
    let start = || servers::Memcached::options().arguments(["-I", "2m"]).start();
    let started = (0..count).map(|_| servers::or_leave_out("the contract of memcached", start()));
    started.collect()
}

fn storage(servers: &[servers::Memcached]) -> Memcached {
    let addresses: Vec<_> = servers.iter().map(servers::Memcached::address).collect();
    patient(addresses)
}

/// Runs the cases with these names, several at a time: most of their time they wait for expiries.
fn in_parallel(cases: Vec<&str>, run: impl Fn(&str) + Sync) {
    let cases = Mutex::new(cases);
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some(case) = cases.lock().unwrap().pop() else {
                        return;
                    };
                    run(case);
                }
            });
        }
    });
}

// The storages of a case share their servers, and have a namespace of their own.

fn blocking(count: usize) {
    let Some(servers) = start(count) else { return };
    let contract = |case: &str| {
        let (servers, namespace) = (&servers, format!("blocking {case} "));
        let make = move || storage(servers).namespace(&namespace);
        let contract = contract::blocking(make).bytes();
        contract.expires(sleep).expiry_unit(UNIT).clones().shared()
    };
    in_parallel(contract("").cases(), |case| contract(case).only(case).run());
}

fn awaited(count: usize) {
    let (Some(servers), runtime) = (start(count), runtime()) else {
        return;
    };
    let contract = |case: &str| {
        let (servers, namespace) = (&servers, format!("awaited {case} "));
        let make = move || storage(servers).namespace(&namespace);
        let contract = contract::awaited(make, |future| runtime.block_on(future)).bytes();
        contract.expires(sleep).expiry_unit(UNIT).clones().shared()
    };
    in_parallel(contract("").cases(), |case| contract(case).only(case).run());
}

#[test]
fn blocking_on_one_server() {
    blocking(1);
}

#[test]
fn awaited_on_one_server() {
    awaited(1);
}

#[test]
#[ignore = "slow: the contract once more"]
fn blocking_on_three_servers() {
    blocking(3);
}

#[test]
#[ignore = "slow: the contract once more"]
fn awaited_on_three_servers() {
    awaited(3);
}
