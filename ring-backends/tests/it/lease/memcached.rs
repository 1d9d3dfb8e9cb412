//! Leases on memcached: a key beside the entry, and no other trace.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use ring_cache::Memcached;
use ring_cache_test_servers::{Memcached as Server, or_leave_out};

use super::service::{Gate, PATIENCE, Service, eventually};

#[test]
fn l6_others_see_no_value_while_one_computes() {
    let Some(server) = or_leave_out("memcached while a value is computed", Server::start()) else {
        return;
    };
    let open = || Memcached::open(server.address()).unwrap().deadline(PATIENCE);
    let gate = Gate::default();
    let one = Service::behind_gate(open(), &gate, |id| id);
    thread::scope(|scope| {
        let computing = scope.spawn(|| one.get(1));
        gate.wait_for(1);
        assert_eq!(server.value("leased:1"), None);
        assert!(server.value("leased:1%lease").is_some());
        gate.open();
        assert_eq!(computing.join().unwrap(), Ok(1));
    });
    assert_eq!(server.value("leased:1"), Some(b"1".to_vec()));
    eventually(|| server.value("leased:1%lease").is_none());
}

#[test]
fn l3_what_is_not_stored_releases_its_lease_at_once_on_memcached() {
    let Some(server) = or_leave_out("leases that memcached releases", Server::start()) else {
        return;
    };
    let open = || Memcached::open(server.address()).unwrap().deadline(PATIENCE);
    let failing = Service::new(open(), |_| Err("down".into()));
    assert_eq!(failing.get(1), Err("down".into()));
    eventually(|| server.value("leased:1%lease").is_none());
    let panicking = Service::new(open(), |_| panic!("on purpose"));
    assert!(catch_unwind(AssertUnwindSafe(|| panicking.get(2))).is_err());
    eventually(|| server.value("leased:2%lease").is_none());
    let next = Service::new(open(), Ok);
    assert_eq!((next.get(1), next.get(2)), (Ok(1), Ok(2)));
}

#[test]
fn long_keys_have_leases() {
    let Some(server) = or_leave_out("leases of long keys", Server::start()) else {
        return;
    };
    let open = || Memcached::open(server.address()).unwrap().deadline(PATIENCE);
    let (one, other) = (Service::new(open(), Ok), Service::new(open(), Ok));
    for length in [230, 240, 243, 244, 245, 250, 251, 1_000] {
        let text = "k".repeat(length as usize);
        assert_eq!(one.get_text(&text), Ok(length));
        assert_eq!(other.get_text_ring(&text).get().unwrap(), Some(length));
        assert!(other.get_text_ring(&text).delete().unwrap());
    }
    assert_eq!(one.get_text_cache().stats().errors, 0);
}
