//! Awaited calls at the same time, whose commands go to the server together: no call gets another's value, whatever happens to
//! replies and calls.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use futures_util::future::{join_all, join3};
use ring_cache_backends::{Breaker, Redis, RedisHash};
use ring_cache_core::Key;
use ring_cache_core::storage::AsyncStorage;

use super::awaited::runtime;
use super::{On, PATIENCE, at, own};

const CALLS: u32 = 100;

/// What happens to one reply.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// It comes twice.
    Doubled,
    Lost,
    /// It comes twice, and that to the next call is lost.
    DoubledBeforeALost,
    /// It comes behind that to the next call.
    Overtaken,
    /// It and all that come with it come twice.
    AllDoubled,
    /// It and all that come with it are lost.
    AllLost,
}

impl Fault {
    /// Whether it happens to the replies to two calls.
    fn is_of_two(self) -> bool {
        matches!(self, Fault::DoubledBeforeALost | Fault::Overtaken)
    }
}

/// How a server replies to look-ups of many keys.
#[derive(Clone, Copy, PartialEq)]
enum Many {
    Known,
    Refused,
    /// As twemproxy does to unknown commands.
    EndsTheConnection,
    /// The connection of the look-up with this number ends.
    EndsOnce(usize),
    /// As to a look-up of one key.
    AsOne,
}

/// A server with values that are their keys, but for those of keys with a 7, which do not exist. One of its replies is
/// disturbed, once.
struct Server {
    port: u16,
    many: Many,
    fault: Fault,
    /// The number of replies until the disturbed one. Those to `ECHO` do not count.
    left: AtomicUsize,
    /// Whether the next reply is disturbed as well.
    goes_on: AtomicBool,
    is_silent: AtomicBool,
    connections: AtomicUsize,
    counts: Mutex<HashMap<String, usize>>,
}

impl Server {
    fn start(fault: Fault, left: usize) -> Arc<Self> {
        Server::with(Many::Known, fault, left)
    }

    fn with(many: Many, fault: Fault, left: usize) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Arc::new(Server {
            port: listener.local_addr().unwrap().port(),
            many,
            fault,
            left: AtomicUsize::new(left),
            goes_on: AtomicBool::new(false),
            is_silent: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            counts: Mutex::default(),
        });
        let accepting = Arc::clone(&server);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                accepting.connections.fetch_add(1, Ordering::SeqCst);
                let server = Arc::clone(&accepting);
                thread::spawn(move || server.serve(stream));
            }
        });
        server
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut input = BufReader::new(stream);
        loop {
            let (mut replies, mut kept, mut fault) = (Vec::new(), Vec::new(), Fault::None);
            // All that came together is answered together.
            while replies.is_empty() || !input.buffer().is_empty() {
                let words = words(&mut input)?;
                *self.counts.lock().unwrap().entry(words[0].clone()).or_default() += 1;
                let reply = self.reply(&words)?;
                let happens = self.fault_of(&words[0]);
                let copies = match happens {
                    Fault::Lost => 0,
                    Fault::Doubled | Fault::DoubledBeforeALost => 2,
                    Fault::None | Fault::Overtaken | Fault::AllDoubled | Fault::AllLost => 1,
                };
                if happens == Fault::Overtaken && kept.is_empty() {
                    kept = reply.into_bytes();
                    continue;
                }
                (0..copies).for_each(|_| replies.extend_from_slice(reply.as_bytes()));
                if happens == Fault::Overtaken {
                    replies.append(&mut kept);
                }
                fault = if happens == Fault::None { fault } else { happens };
            }
            while self.is_silent.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            let copies = match fault {
                Fault::AllLost => 0,
                Fault::AllDoubled => 2,
                _ => 1,
            };
            for _ in 0..copies {
                input.get_mut().write_all(&replies).ok()?;
            }
        }
    }

    /// `None` ends the connection.
    fn reply(&self, words: &[String]) -> Option<String> {
        let bulk = |word: &String| format!("${}\r\n{word}\r\n", word.len());
        let exists = |key: &String| !key.contains('7');
        let value = |key: &String| {
            if exists(key) {
                bulk(key)
            } else {
                "$-1\r\n".to_owned()
            }
        };
        let (command, keys) = words.split_first().unwrap();
        Some(match command.as_str() {
            "MGET" | "EXISTS" if self.many == Many::EndsTheConnection => return None,
            "MGET" if self.many == Many::EndsOnce(self.count("MGET")) => return None,
            "MGET" | "EXISTS" if self.many == Many::Refused => {
                format!("-ERR unknown command '{command}'\r\n")
            }
            "EXISTS" => format!(":{}\r\n", keys.iter().filter(|key| exists(key)).count()),
            "MGET" if matches!(self.many, Many::Known | Many::EndsOnce(_)) => {
                let values: String = keys.iter().map(value).collect();
                format!("*{}\r\n{values}", keys.len())
            }
            "ECHO" => bulk(&keys[0]),
            _ => value(&keys[0]),
        })
    }

    fn fault_of(&self, command: &str) -> Fault {
        let before = |left: usize| left.checked_sub(1);
        let ordering = Ordering::SeqCst;
        if command == "ECHO" {
            Fault::None
        } else if self.left.fetch_update(ordering, ordering, before) == Ok(1) {
            self.goes_on.store(true, ordering);
            self.fault
        } else if !self.goes_on.swap(false, ordering) {
            Fault::None
        } else if self.fault == Fault::DoubledBeforeALost {
            Fault::Lost
        } else if self.fault == Fault::Overtaken {
            Fault::Overtaken
        } else {
            Fault::None
        }
    }

    fn open(&self, deadline: Duration) -> On<Redis> {
        at(&format!("redis://127.0.0.1:{}", self.port))
            .deadline(deadline)
            .breaker(Breaker::never())
    }

    fn count(&self, command: &str) -> usize {
        self.counts.lock().unwrap().get(command).copied().unwrap_or(0)
    }
}

/// One command.
fn words(from: &mut impl BufRead) -> Option<Vec<String>> {
    let count = number(from)?;
    let word = |_| {
        let mut word = vec![0; number(from)? + 2];
        from.read_exact(&mut word).ok()?;
        word.truncate(word.len() - 2);
        String::from_utf8(word).ok()
    };
    (0..count).map(word).collect()
}

fn number(from: &mut impl BufRead) -> Option<usize> {
    let mut line = String::new();
    from.read_line(&mut line).ok()?;
    line.get(1..)?.trim().parse().ok()
}

fn key(number: u32) -> Key {
    Key::of(&number)
}

/// All calls at the same time, each with what it found; `None` for those that failed. After the first time, the connection knows
/// that values are small, and joins look-ups.
async fn look_up_all(redis: &On<Redis>) -> Vec<Option<Option<Vec<u8>>>> {
    let call = |number| async move { redis.get(&key(number)).await.ok() };
    join_all((0..CALLS).map(call)).await
}

/// Looks up all, and asserts that each call found its own.
async fn find_all(redis: &On<Redis>) {
    let all: Vec<_> = (0..CALLS).map(|number| Some(stored(number))).collect();
    assert_eq!(look_up_all(redis).await, all);
}

/// The value of a key is its text.
fn value(number: u32) -> Vec<u8> {
    key(number).to_string().into_bytes()
}

/// What a server of this test has for a key.
fn stored(number: u32) -> Option<Vec<u8>> {
    (!number.to_string().contains('7')).then(|| value(number))
}

#[test]
fn look_ups_at_the_same_time_share_a_connection_and_requests() {
    let server = Server::start(Fault::None, 0);
    let redis = server.open(PATIENCE);
    runtime().block_on(async {
        find_all(&redis).await;
        let (echoes, gets) = (server.count("ECHO"), server.count("GET"));
        find_all(&redis).await;
        let requests = server.count("ECHO") - echoes;
        assert!(requests <= CALLS as usize / 8, "{requests}");
        assert_eq!(server.count("MGET"), server.count("EXISTS"));
        assert_eq!(server.count("MGET") + server.count("GET") - gets, requests);
    });
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

/// What the server does not answer for many keys is asked for each, and that is noticed once.
#[test]
fn a_server_that_does_not_look_up_many_keys() {
    for many in [Many::Refused, Many::AsOne] {
        let server = Server::with(many, Fault::None, 0);
        let redis = server.open(PATIENCE);
        runtime().block_on(async {
            let mut asked = Vec::new();
            for _ in 0..4 {
                find_all(&redis).await;
                asked.push(server.count("MGET"));
            }
            assert!(asked[1] > 0);
            assert_eq!(asked[2..], [asked[1]; 2]);
        });
        assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    }
}

/// Calls do not fail meanwhile, and one connection that ends is enough.
#[test]
fn a_proxy_that_ends_the_connection_at_look_ups_of_many_keys() {
    let server = Server::with(Many::EndsTheConnection, Fault::None, 0);
    let redis = server.open(PATIENCE);
    runtime().block_on(async {
        // Calls that wait for a connection to open are not sent again.
        redis.get(&key(1)).await.unwrap();
        for _ in 0..8 {
            find_all(&redis).await;
        }
    });
    assert_eq!(server.count("MGET"), 1);
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}

/// As when the server restarts.
#[test]
fn a_connection_that_ends_later_is_no_reason_to_look_up_each_key_alone() {
    let server = Server::with(Many::EndsOnce(6), Fault::None, 0);
    let redis = server.open(PATIENCE);
    runtime().block_on(async {
        // Calls that wait for a connection to open are not sent again.
        redis.get(&key(1)).await.unwrap();
        for _ in 0..8 {
            find_all(&redis).await;
        }
    });
    assert!(server.count("MGET") > 12, "{}", server.count("MGET"));
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}

/// Of keys that are looked up together, some do not exist, and one has another type.
#[test]
fn look_ups_together_find_what_each_finds_alone() {
    let Some(server) = own("look-ups of keys of several types at the same time") else {
        return;
    };
    let redis = at(&server.url()).deadline(PATIENCE);
    runtime().block_on(async {
        for number in (0..CALLS).filter(|number| stored(*number).is_some()) {
            redis.set(&key(number), value(number), None).await.unwrap();
        }
        find_all(&redis).await;
        server.command(&["RPUSH", key(7).as_ref(), "a list"]);
        for exists in ["+exists", "-exists"] {
            server.command(&["ACL", "SETUSER", "default", exists]);
            server.command(&["CONFIG", "RESETSTAT"]);
            let call = |number| {
                let redis = &redis;
                async move { redis.get(&key(number)).await }
            };
            let found = join_all((0..CALLS).map(call)).await;
            for (number, found) in (0..CALLS).zip(found) {
                match found {
                    Err(error) if number == 7 => assert!(error.to_string().contains("WRONGTYPE"), "{error}"),
                    found => assert_eq!(found.unwrap(), stored(number)),
                }
            }
            assert!(server.info("commandstats")["cmdstat_mget"].contains("failed_calls=0"));
        }
    });
}

/// Fields of hashes are joined for each hash.
#[test]
fn look_ups_of_fields_at_the_same_time() {
    let Some(server) = own("look-ups of fields at the same time") else {
        return;
    };
    let hash = RedisHash::open(server.url()).unwrap().deadline(PATIENCE);
    runtime().block_on(async {
        let keys: Vec<Key> = (0..CALLS).map(key).collect();
        for (number, key) in keys.iter().enumerate().skip(1) {
            let stored = AsyncStorage::write(&hash, key, vec![number as u8], None, None);
            stored.await.unwrap();
        }
        for _ in 0..2 {
            server.command(&["CONFIG", "RESETSTAT"]);
            let looked_up = keys.iter().map(|key| AsyncStorage::read(&hash, key, None));
            for (number, found) in join_all(looked_up).await.into_iter().enumerate() {
                assert_eq!(found.unwrap(), (number > 0).then(|| vec![number as u8]));
            }
        }
        let stats = server.info("commandstats");
        let calls = stats["cmdstat_hmget"].split(['=', ',']).nth(1).unwrap();
        assert!(calls.parse::<u32>().unwrap() <= CALLS / 8, "{calls}");
        assert!(!stats.contains_key("cmdstat_exists"));
    });
}

/// Whichever reply it happens to, of look-ups alone and joined. Calls are sent again on another connection.
#[test]
fn replies_out_of_step_give_no_call_anothers_value() {
    for fault in [
        Fault::Doubled,
        Fault::Lost,
        Fault::DoubledBeforeALost,
        Fault::Overtaken,
        Fault::AllDoubled,
    ] {
        for left in (1..=5).chain(CALLS as usize - 1..=CALLS as usize + 9) {
            let server = Server::start(fault, 1 + left);
            let redis = server.open(PATIENCE);
            runtime().block_on(async {
                redis.get(&key(0)).await.unwrap();
                for round in 0..3 {
                    let found = look_up_all(&redis).await;
                    let failed = found.iter().filter(|found| found.is_none()).count();
                    // Calls that are disturbed again when they are sent again fail.
                    let may_fail = if round < 2 && fault.is_of_two() {
                        CALLS as usize * 2 / 3
                    } else {
                        0
                    };
                    assert!(failed <= may_fail, "{fault:?} {left} {round}: {failed}");
                    for (number, found) in (0..CALLS).zip(found) {
                        assert!(
                            found.is_none_or(|found| found == stored(number)),
                            "{fault:?} {left} {round}"
                        );
                    }
                }
            });
        }
    }
}

/// Nothing comes that shows the loss: the calls wait until their deadline, and later ones get their own values.
#[test]
fn lost_packets_give_no_call_anothers_value() {
    for left in [
        1,
        2,
        9,
        CALLS as usize + 1,
        CALLS as usize + 2,
        CALLS as usize + 5,
    ] {
        let server = Server::start(Fault::AllLost, left);
        let redis = server.open(Duration::from_millis(300));
        runtime().block_on(async {
            for _ in 0..4 {
                for (number, found) in (0..CALLS).zip(look_up_all(&redis).await) {
                    assert!(found.is_none_or(|found| found == stored(number)));
                }
            }
            find_all(&redis.clone().deadline(PATIENCE)).await;
        });
    }
}

/// Every other call is dropped while its commands wait for the server, and some before they are sent.
#[test]
fn dropped_calls_keep_their_places() {
    let server = Server::start(Fault::None, 0);
    let redis = server.open(PATIENCE);
    runtime().block_on(async {
        find_all(&redis).await;
        for _ in 0..20 {
            server.is_silent.store(true, Ordering::SeqCst);
            let call = |number| {
                let redis = &redis;
                (number, Box::pin(async move { redis.get(&key(number)).await }))
            };
            let mut calls: Vec<_> = (0..CALLS).map(call).collect();
            for (number, call) in &mut calls {
                let begun = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert!(begun.is_pending());
                if *number == CALLS / 2 {
                    // The first half is sent.
                    tokio::task::yield_now().await;
                    tokio::task::yield_now().await;
                }
            }
            calls.retain(|(number, _)| number % 2 == 0);
            server.is_silent.store(false, Ordering::SeqCst);
            for (number, call) in calls {
                assert_eq!(call.await.unwrap(), stored(number));
            }
        }
    });
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

/// The replies come after the deadline of the calls, on a connection that is still used.
#[test]
fn late_replies_are_not_taken_for_those_to_later_calls() {
    let Some(server) = own("late replies of Redis to awaited calls") else {
        return;
    };
    let patient = at(&server.url()).deadline(PATIENCE).breaker(Breaker::never());
    let redis = patient.clone().deadline(Duration::from_millis(50));
    runtime().block_on(async {
        for number in (0..CALLS).filter(|number| stored(*number).is_some()) {
            patient.set(&key(number), value(number), None).await.unwrap();
        }
        for round in 0..6 {
            server.stop();
            // Fewer timeouts than make a connection count as dead, and as many.
            let calls = (0..1 + 8 * (round % 2)).map(|number| {
                let redis = &redis;
                async move { redis.get(&key(number)).await }
            });
            assert!(join_all(calls).await.iter().all(Result::is_err));
            server.cont();
            find_all(&patient).await;
        }
    });
}

/// Calls beside it do not get its replies.
#[test]
fn a_bulk_call_has_an_echo_of_its_own() {
    let server = Server::with(Many::AsOne, Fault::None, 0);
    let redis = server.open(PATIENCE);
    runtime().block_on(async {
        redis.get(&key(0)).await.unwrap();
        let keys: Vec<Key> = (0..200).map(key).collect();
        let single = redis.get(&keys[0]);
        let other = redis.get(&keys[1]);
        // The reply to `MGET` does not fit: only the bulk call sees it.
        let bulk = redis.read_many(&keys, None);
        let (single, other, bulk) = join3(single, other, bulk).await;
        assert_eq!(
            (single.unwrap(), other.unwrap()),
            (Some(value(0)), Some(value(1)))
        );
        bulk.unwrap_err();
    });
    assert_eq!((server.count("MGET"), server.count("ECHO")), (1, 5));
}
