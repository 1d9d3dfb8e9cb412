//! Memcached keeps the contract of storages, in both colours, on one server and on three.

use std::thread::{self, sleep};
use std::time::Duration;

use ring_cache::testing::contract;
use ring_cache_backends::Memcached;
use ring_cache_test_servers as servers;

use super::{patient, runtime};

/// memcached counts seconds, and an expiry may be up to one second shorter.
const UNIT: Duration = Duration::from_secs(2);

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

fn blocking(count: usize) {
    let Some(servers) = start(count) else { return };
    // The storages share their servers.
    let contract = contract::blocking(|| storage(&servers).namespace("blocking")).bytes();
    contract.expires(sleep).expiry_unit(UNIT).clones().shared().run();
}

fn awaited(count: usize) {
    let Some(servers) = start(count) else { return };
    let runtime = runtime();
    let awaited = contract::awaited(
        || storage(&servers).namespace("awaited"),
        |future| runtime.block_on(future),
    );
    awaited
        .bytes()
        .expires(sleep)
        .expiry_unit(UNIT)
        .clones()
        .shared()
        .run();
}

/// Most of the time they wait for expiries, so they run in parallel.
fn both(contracts: [(&str, fn()); 2]) {
    thread::scope(|scope| {
        for (name, contract) in contracts {
            let named = thread::Builder::new().name(name.into());
            named.spawn_scoped(scope, contract).unwrap();
        }
    });
}

#[test]
fn in_both_colours_on_one_server() {
    both([("blocking", || blocking(1)), ("awaited", || awaited(1))]);
}

#[test]
#[ignore = "slow: the contract once more"]
fn in_both_colours_on_three_servers() {
    both([("blocking", || blocking(3)), ("awaited", || awaited(3))]);
}
