//! Servers that refuse, are not memcached, or send unexpected replies.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ring_cache::coder::Json;
use ring_cache::{Error, ErrorKind, RingKey, ring_impl};
use ring_cache_backends::{Breaker, Memcached};
use ring_cache_core::storage::{AsyncStorage, Storage};
use ring_cache_test_servers as servers;

use super::scripted::{Scripted, number};
use super::{patient, read, read_async, run, start, write};

/// More than the server takes.
const TOO_LARGE: usize = 2_000_000;

#[test]
fn too_large_a_value_is_refused_and_the_older_is_gone() {
    let Some((server, storage)) = start("large values in memcached") else {
        return;
    };
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.to_string().contains("too large"), "{error}");
    };
    write(&storage, "key", "old").unwrap();
    refused(Storage::write(&storage, "key", vec![0; TOO_LARGE], None, None).unwrap_err());
    assert_eq!(read(&storage, "key").unwrap(), None);
    assert_eq!(server.value("key"), None);
    run(async {
        super::write_async(&storage, "key", "old").await.unwrap();
        refused(
            AsyncStorage::write(&storage, "key", vec![0; TOO_LARGE], None, None)
                .await
                .unwrap_err(),
        );
        assert_eq!(read_async(&storage, "key").await.unwrap(), None);
        // One among others.
        let entries = vec![
            ("a", vec![1], None),
            ("b", vec![0; TOO_LARGE], None),
            ("c", vec![3], None),
        ];
        refused(
            AsyncStorage::write_many(&storage, entries, None)
                .await
                .unwrap_err(),
        );
        assert_eq!(read_async(&storage, "b").await.unwrap(), None);
    });
    // The connection is usable, and the server not in doubt.
    write(&storage, "key", "new").unwrap();
    assert_eq!(read(&storage, "key").unwrap().unwrap(), b"new");
    assert_eq!((storage.health().refused, storage.health().broken), (3, 0));
}

#[test]
fn out_of_memory() {
    let started = servers::Memcached::options().memory(4).arguments(["-M"]).start();
    let Some(server) = servers::or_leave_out("memcached that is full", started) else {
        return;
    };
    let storage = patient(server.url());
    let fill = |n: u32| Storage::write(&storage, &n, vec![0; 100_000], None, None);
    let error = (0..10_000).find_map(|n| fill(n).err()).expect("it is never full");
    assert!(error.to_string().contains("out of memory"), "{error}");
    assert!(Storage::read(&storage, &0_u32, None).unwrap().is_some());
    assert!(Storage::remove(&storage, &0_u32, None).unwrap());
}

#[derive(RingKey)]
struct Numbers {
    #[ring_key(skip)]
    storage: Memcached,
}

#[ring_impl(storage = self.storage as Memcached, coder = Json)]
impl Numbers {
    #[ring(key_prefix = "list")]
    fn list(&self, n: u32) -> Vec<u32> {
        vec![n, n + 1]
    }

    #[ring(key_prefix = "list")]
    async fn list_async(&self, n: u32) -> Vec<u32> {
        vec![n, n + 1]
    }
}

#[test]
fn foreign_and_truncated_bytes_are_replaced() {
    let Some((server, storage)) = start("foreign bytes in memcached") else {
        return;
    };
    let numbers = Numbers { storage };
    for wrong in ["[1", "", "nonsense", "{}", "\"text\"", "[1,2]\0"] {
        let put = || server.command(format!("set list:Numbers:1 0 0 {}\r\n{wrong}", wrong.len()));
        put();
        assert_eq!(numbers.list_ring(1).get().unwrap(), None, "{wrong}");
        assert_eq!(numbers.list(1), [1, 2]);
        assert_eq!(server.value("list:Numbers:1").unwrap(), b"[1,2]");
        put();
        assert_eq!(run(numbers.list_async(1)), [1, 2]);
        assert_eq!(server.value("list:Numbers:1").unwrap(), b"[1,2]");
    }
}

/// For any reply of a server, the plain call returns, verbs return an error, and nothing panics.
fn is_an_error(server: &Scripted, expected: &str) {
    let numbers = Numbers {
        storage: patient(server.address()).breaker(Breaker::never()),
    };
    let storage = &numbers.storage;
    let errors = [
        read(storage, "key").unwrap_err(),
        write(storage, "key", "value").unwrap_err(),
        Storage::remove(storage, "key", None).unwrap_err(),
        Storage::contains(storage, "key", None).unwrap_err(),
        Storage::renew(storage, "key", Duration::from_secs(1), None).unwrap_err(),
        Storage::read_many(storage, &["a", "b"], None).unwrap_err(),
        run(read_async(storage, "key")).unwrap_err(),
        run(AsyncStorage::read_many(storage, &["a", "b"], None)).unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(numbers.list(1), [1, 2]);
    assert_eq!(run(numbers.list_async(1)), [1, 2]);
}

#[test]
fn garbage() {
    for reply in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "-ERR unknown command\r\n",
        "\0\u{1}\r\n",
        "STORED\r\n",
    ] {
        is_an_error(
            &Scripted::start(|_| Some(reply.into())),
            "the server is not memcached",
        );
        let server = Scripted::replying(|_| Some(reply.into()));
        is_an_error(&server, "unknown or incomplete return code");
    }
    let endless = "x".repeat(100_000);
    is_an_error(
        &Scripted::start(move |_| Some(endless.clone().into())),
        "a line that does not end",
    );
    let endless = "x".repeat(100_000);
    is_an_error(
        &Scripted::replying(move |_| Some(endless.clone().into())),
        "a line that does not end",
    );
}

#[test]
fn an_older_memcached() {
    let old = |line: &str| match line {
        "mn" => Some(b"MN\r\n".to_vec()),
        _ => Some(b"VERSION 1.6.9\r\n".to_vec()),
    };
    is_an_error(
        &Scripted::start(old),
        "the server is not memcached 1.6.10 or newer",
    );
}

#[test]
fn cut_connections() {
    // At its end, or by a reset.
    is_an_error(&Scripted::start(|line| (line == "mn").then(Vec::new)), "e");
    is_an_error(&Scripted::replying(|_| None), "e");
}

#[test]
fn half_a_value() {
    let reply = |line: &str| Some(format!("VA 10 {}\r\nabc", number(line)).into_bytes());
    let storage = Memcached::open(Scripted::replying(reply).address()).unwrap();
    let storage = storage.deadline(Duration::from_millis(200));
    assert_eq!(read(&storage, "key").unwrap_err().kind(), ErrorKind::Deadline);
    assert_eq!(
        run(read_async(&storage, "key")).unwrap_err().kind(),
        ErrorKind::Deadline
    );
}

/// The reply to another command is never taken for that to this one, and the connection is closed.
#[test]
fn replies_to_something_else() {
    let wrong: [fn(&str) -> String; 4] = [
        |_| "VA 5\r\nwrong\r\n".into(),
        |line| format!("VA 5 {}1\r\nwrong\r\n", number(line)),
        |line| format!("NS {}\r\n", number(line)),
        |line| format!("MN {}\r\n", number(line)),
    ];
    for reply in wrong {
        let server = Scripted::replying(move |line| Some(reply(line).into_bytes()));
        is_an_error(&server, "the reply ");
        assert!(server.connections.load(Ordering::SeqCst) >= 8);
    }
    // As a server that sends too many replies.
    let more = |line: &str| Some(format!("EN {0}\r\nVA 5 {0}\r\nwrong\r\n", number(line)).into_bytes());
    let storage = patient(Scripted::replying(more).address());
    let storage = storage.breaker(Breaker::never());
    for _ in 0..20 {
        assert!(matches!(read(&storage, "key"), Ok(None) | Err(_)));
        assert!(matches!(run(read_async(&storage, "key")), Ok(None) | Err(_)));
    }
}

/// A late duplicate reply is skipped, and the connection stays usable.
#[test]
fn replies_to_earlier_commands() {
    let last: Mutex<String> = Mutex::default();
    let server = Scripted::replying(move |line| {
        let reply = format!("HD {}\r\n", number(line));
        let again = std::mem::replace(&mut *last.lock().unwrap(), reply.clone());
        Some([again, reply].concat().into_bytes())
    });
    let storage = patient(server.address());
    for _ in 0..10 {
        assert!(Storage::contains(&storage, "key", None).unwrap());
        assert!(Storage::remove(&storage, "key", None).unwrap());
    }
    run(async {
        for _ in 0..10 {
            assert!(AsyncStorage::contains(&storage, "key", None).await.unwrap());
            assert!(AsyncStorage::remove(&storage, "key", None).await.unwrap());
        }
    });
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
    assert_eq!(storage.health(), Default::default());
}

/// A change is sent once if its outcome is unknown: it might take effect after a newer one.
#[test]
fn changes_are_not_asked_again_on_nonsense() {
    let (looks, changes): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
    let seen = (Arc::clone(&looks), Arc::clone(&changes));
    let server = Scripted::replying(move |line| {
        let count = if line.starts_with("mg") { &seen.0 } else { &seen.1 };
        count.fetch_add(1, Ordering::SeqCst);
        Some(b"nonsense\r\n".into())
    });
    let storage = patient(server.address()).breaker(Breaker::never());
    read(&storage, "key").unwrap_err();
    Storage::remove(&storage, "key", None).unwrap_err();
    assert_eq!(
        (looks.load(Ordering::SeqCst), changes.load(Ordering::SeqCst)),
        (2, 1)
    );
}

/// The first command on each connection is answered, then it is cut, as by a server that closes idle connections.
#[test]
fn a_connection_that_died_while_idle() {
    let asked: Arc<AtomicUsize> = Arc::default();
    let count = Arc::clone(&asked);
    let server = Scripted::replying(move |line| {
        let first = count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        first.then(|| format!("EN {}\r\n", number(line)).into_bytes())
    });
    let storage = patient(server.address());
    for _ in 0..10 {
        assert_eq!(read(&storage, "key").unwrap(), None);
    }
    run(async {
        for _ in 0..10 {
            assert_eq!(read_async(&storage, "key").await.unwrap(), None);
        }
    });
    assert_eq!(storage.health(), Default::default());
}
