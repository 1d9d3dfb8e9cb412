//! The number of connections and threads; calls do not wait for connecting.

use std::net::TcpListener;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use ring_cache_backends::Breaker;
use ring_cache_core::Key;
use ring_cache_core::storage::Storage;

use super::proxy::Proxy;
use super::{PATIENCE, at, open, own};

#[test]
fn opening_does_not_connect() {
    let Some(server) = own("opening Redis") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let redis = at(&proxy.url());
    assert_eq!(proxy.connections(), 0);
    redis.deadline(PATIENCE).get(&Key::of(&"first")).unwrap();
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn one_caller_after_the_other_has_one_connection() {
    let Some(server) = own("one connection to Redis") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let redis = at(&proxy.url()).deadline(PATIENCE);
    for number in 0..100_u32 {
        let redis = redis.clone();
        thread::spawn(move || redis.set(&Key::of(&number), vec![1], None).unwrap())
            .join()
            .unwrap();
    }
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn many_callers_have_a_bounded_number() {
    let Some(server) = own("many callers of Redis") else {
        return;
    };
    let (redis, barrier) = (open(&server), Barrier::new(200));
    thread::scope(|scope| {
        for caller in 0..200_u32 {
            let (redis, barrier) = (&redis, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for number in 0..50_u32 {
                    let key = Key::of(&(caller, number));
                    redis.set(&key, caller.to_be_bytes().to_vec(), None).unwrap();
                    assert_eq!(redis.get(&key).unwrap(), Some(caller.to_be_bytes().to_vec()));
                }
            });
        }
    });
    let connected: usize = server.info("clients")["connected_clients"].parse().unwrap();
    assert!(connected <= 64 + 1, "{connected}, one of them asked for this");
}

#[test]
fn connecting_that_takes_long_is_done_in_few_threads_and_not_waited_for() {
    // It accepts and stays silent.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let deadline = Duration::from_millis(50);
    let redis = &at(&url).deadline(deadline).breaker(Breaker::never());
    let start = Instant::now();
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let call = |caller: u32| {
            redis.get(&Key::of(&caller)).unwrap_err();
            start.elapsed()
        };
        let callers: Vec<_> = (0..50).map(|caller| scope.spawn(move || call(caller))).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    let elapsed = start.elapsed();
    times.sort_unstable();
    // A step of connecting may take a second. Half of the callers are in time also on a busy machine.
    assert!(times[times.len() / 2] < Duration::from_secs(1), "{times:?}");
    listener.set_nonblocking(true).unwrap();
    // Kept open: one that ends is tried again.
    let accepted: Vec<_> = listener.incoming().take_while(Result::is_ok).collect();
    let attempts = accepted.len();
    // Eight at a time, which end after a second, and another one for each 200 ms without any.
    let most = 8 + 8 * elapsed.as_secs() as usize + elapsed.as_millis() as usize / 200;
    assert!((1..=most).contains(&attempts), "{attempts} in {elapsed:?}");
}

#[test]
fn a_late_connection_serves_the_next_call() {
    let Some(server) = own("a Redis that answers late") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let redis = at(&proxy.url()).breaker(Breaker::never());
    server.stop();
    let hurried = redis.clone().deadline(Duration::from_millis(20));
    hurried.get(&Key::of(&"late")).unwrap_err();
    server.cont();
    redis.deadline(PATIENCE).get(&Key::of(&"late")).unwrap();
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn connections_end_with_the_storage() {
    let Some(server) = own("the end of a storage in Redis") else {
        return;
    };
    let redis = open(&server);
    redis.get(&Key::of(&"end")).unwrap();
    drop(redis);
    super::eventually(|| server.info("clients")["connected_clients"] == "1");
}
