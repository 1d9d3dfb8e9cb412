//! Plain calls while others write the same entry: they take no longer than their own deadline.

use std::thread;
use std::time::{Duration, Instant};

use super::fake::{Does, Gate};
use super::shops::{BlockingShop, SHORT, Shop};
use super::{eventually, run};

/// Less than the wait of calls for each other on a fast server.
const LONG: Duration = Duration::from_secs(5);

/// A shop, and the gate at which its next write waits.
fn writing() -> (BlockingShop, Gate) {
    let shop = BlockingShop::new().with(|storage| storage.deadline(SHORT));
    let gate = Gate::default();
    shop.server().on("write", Does::Wait(gate.clone()));
    (shop, gate)
}

#[test]
fn a_write_that_hangs_is_not_waited_for_longer_than_the_deadline() {
    let (shop, gate) = writing();
    thread::scope(|scope| {
        let updating = scope.spawn(|| run(shop.update(1)));
        eventually(|| shop.server().count() == 1);
        let start = Instant::now();
        assert_eq!(run(shop.price(1)), 1);
        let took = start.elapsed();
        gate.open();
        assert_eq!(updating.join().unwrap(), 1);
        assert!(took < LONG, "{took:?}");
    });
}

#[test]
fn a_call_during_a_store_gets_the_value() {
    let (shop, gate) = writing();
    thread::scope(|scope| {
        let first = scope.spawn(|| run(shop.price(1)));
        eventually(|| shop.server().count() == 2);
        let start = Instant::now();
        assert_eq!(run(shop.price(1)), 1);
        let took = start.elapsed();
        gate.open();
        assert_eq!(first.join().unwrap(), 1);
        assert!(took < LONG, "{took:?}");
    });
    assert_eq!(shop.premises().runs(), 1, "it was computed once");
}
