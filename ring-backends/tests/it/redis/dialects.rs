//! Servers, and proxies before them, that do not know a command.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ring_cache_core::Key;
use ring_cache_core::storage::Storage;
use ring_cache_test_servers::{Redis as Server, or_leave_out};

use super::{On, PATIENCE, at, own};

/// The reaction of a proxy to unknown commands.
#[derive(Clone, Copy)]
enum Unknown {
    Says(&'static str),
    /// Like twemproxy.
    EndsTheConnection,
}

/// One command, and its bytes.
fn command(from: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let count = number(from, &mut bytes)?;
    let mut name = String::new();
    for word in 0..count {
        let length = number(from, &mut bytes)?;
        let start = bytes.len();
        from.take(length as u64 + 2).read_to_end(&mut bytes).ok()?;
        if word == 0 {
            name = String::from_utf8_lossy(&bytes[start..start + length]).to_uppercase();
        }
    }
    Some((name, bytes))
}

/// The number in a line such as `$3`, which is appended to `bytes`.
fn number(from: &mut impl BufRead, bytes: &mut Vec<u8>) -> Option<usize> {
    let start = bytes.len();
    from.read_until(b'\n', bytes).ok()?;
    str::from_utf8(bytes.get(start + 1..)?).ok()?.trim().parse().ok()
}

/// Forwards a reply.
fn reply(from: &mut impl BufRead, bytes: &mut Vec<u8>) -> Option<()> {
    let start = bytes.len();
    let number = number(from, bytes);
    match *bytes.get(start)? {
        b'$' => {
            let length = number.map_or(0, |length| length as u64 + 2);
            from.take(length).read_to_end(bytes).ok()?;
        }
        b'*' => {
            for _ in 0..number.unwrap_or(0) {
                reply(from, bytes)?;
            }
        }
        _ => {}
    }
    Some(())
}

fn pass(client: TcpStream, server: u16, known: fn(&str) -> bool, unknown: Unknown) -> Option<()> {
    let mut server = BufReader::new(TcpStream::connect(("127.0.0.1", server)).ok()?);
    let mut client = BufReader::new(client);
    loop {
        let (name, bytes) = command(&mut client)?;
        let mut replied = Vec::new();
        match unknown {
            _ if known(&name) => {
                server.get_mut().write_all(&bytes).ok()?;
                reply(&mut server, &mut replied)?;
            }
            Unknown::Says(text) => replied = format!("-{text}\r\n").into_bytes(),
            Unknown::EndsTheConnection => return None,
        }
        client.get_mut().write_all(&replied).ok()?;
    }
}

/// A proxy that knows some commands.
fn proxy(server: &Server, known: fn(&str) -> bool, unknown: Unknown) -> On<ring_cache_backends::Redis> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, server) = (listener.local_addr().unwrap().port(), server.port());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || pass(client, server, known, unknown));
        }
    });
    at(&format!("redis://127.0.0.1:{port}")).deadline(PATIENCE)
}

/// Each in the words of some proxy.
const SAYINGS: [Unknown; 7] = [
    Unknown::Says("unsupported command 'x'"),
    Unknown::Says("ERR unknown command 'x', with args beginning with: "),
    Unknown::Says("ERR handle request, command 'x' is not allowed"),
    Unknown::Says("ERR unsupported command"),
    Unknown::Says("NOPERM this user has no permissions to run the 'x' command"),
    Unknown::Says("ERR invalid request"),
    Unknown::EndsTheConnection,
];

fn assert_works(redis: &On<ring_cache_backends::Redis>) {
    for round in 0..3_u8 {
        for number in 0..5_u32 {
            let key = Key::of(&number);
            redis.set(&key, vec![round], None).unwrap();
            assert_eq!(redis.get(&key).unwrap(), Some(vec![round]));
        }
    }
    assert!(redis.delete(&Key::of(&1)).unwrap());
    assert_eq!(redis.get(&Key::of(&1)).unwrap(), None);
    let health = redis.health();
    assert_eq!((health.broken, health.refused), (0, 0), "{health:?}");
}

#[test]
fn servers_without_echo() {
    let Some(server) = own("proxies that do not know ECHO") else {
        return;
    };
    let known = |name: &str| !["ECHO", "HELLO", "CLIENT"].contains(&name);
    for unknown in SAYINGS {
        assert_works(&proxy(&server, known, unknown));
    }
}

#[test]
fn servers_without_unlink() {
    let Some(server) = own("proxies that do not know UNLINK") else {
        return;
    };
    for unknown in SAYINGS {
        assert_works(&proxy(&server, |name| name != "UNLINK", unknown));
    }
}

/// As when something between restarts.
#[test]
fn connections_that_end_for_another_reason_do_not_count_as_a_missing_command() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    let Some(server) = own("a proxy that ends two connections") else {
        return;
    };
    let known = |name: &str| name != "UNLINK" || SEEN.fetch_add(1, Ordering::SeqCst) >= 2;
    let redis = proxy(&server, known, Unknown::EndsTheConnection);
    for number in 0..5_u32 {
        redis.set(&Key::of(&number), vec![1], None).unwrap();
        assert!(redis.delete(&Key::of(&number)).unwrap());
    }
    // Two that ended connections, a question, and the four removals after the first.
    assert_eq!(SEEN.load(Ordering::SeqCst), 7);
}

/// Also a proxy, or a cluster behind one address, with keys on several servers.
#[test]
fn servers_without_mget() {
    let Some(server) = own("proxies that do not know MGET") else {
        return;
    };
    let several = Unknown::Says("CROSSSLOT Keys in request don't hash to the same slot");
    for unknown in SAYINGS.into_iter().chain([several]) {
        let redis = proxy(&server, |name| name != "MGET", unknown);
        let keys = [1_u32, 2, 3].map(|number| Key::of(&(number, "many")));
        redis.set(&keys[0], vec![7], None).unwrap();
        redis.set(&keys[2], vec![9], None).unwrap();
        for _ in 0..3 {
            let found = Storage::read_many(&*redis, &keys, None).unwrap();
            assert_eq!(found, [Some(vec![7]), None, Some(vec![9])]);
        }
        let health = redis.health();
        assert_eq!((health.broken, health.refused), (0, 0), "{health:?}");
    }
}

/// Then an entry can be used once, by the look-up that found it.
#[test]
fn servers_that_do_not_tell_how_long_entries_live() {
    let Some(server) = own("proxies that do not know PTTL") else {
        return;
    };
    for unknown in SAYINGS {
        if matches!(unknown, Unknown::Says(_)) {
            let redis = proxy(&server, |name| name != "PTTL", unknown);
            let (there, absent) = (Key::of(&"lives"), Key::of(&"never there"));
            redis.set(&there, vec![7], Some(PATIENCE)).unwrap();
            let found = Storage::read_many_expiring(&*redis, &[there, absent], None).unwrap();
            let found: Vec<_> = found
                .into_iter()
                .map(|found| found.map(|found| (found.value, found.remaining)))
                .collect();
            assert_eq!(found, [Some((vec![7], Some(Duration::ZERO))), None]);
            assert_eq!(redis.health().refused, 0);
        }
    }
}

/// A real server that refuses them to a user.
#[test]
fn a_user_who_may_not_use_every_command() {
    let Some(server) = own("a user without MGET, PTTL and UNLINK") else {
        return;
    };
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    redis::cmd("ACL")
        .arg(&[
            "SETUSER", "reader", "on", ">word", "~*", "+@all", "-mget", "-pttl", "-unlink",
        ])
        .exec(&mut connection)
        .unwrap();
    let redis = at(&format!("redis://reader:word@127.0.0.1:{}", server.port())).deadline(PATIENCE);
    assert_works(&redis);
    let keys = [Key::of(&2_u32), Key::of(&3_u32)];
    assert_eq!(
        Storage::read_many(&*redis, &keys, None).unwrap(),
        [Some(vec![2]), Some(vec![2])]
    );
    assert!(Storage::read_expiring(&*redis, &keys[0], None).unwrap().is_some());
    assert_eq!(redis.health().refused, 0);
}

#[cfg(feature = "tokio")]
#[test]
fn awaited() {
    use ring_cache_core::storage::AsyncStorage;

    let Some(server) = own("proxies that do not know ECHO, awaited") else {
        return;
    };
    let known = |name: &str| !["ECHO", "HELLO", "CLIENT", "UNLINK", "MGET", "PTTL"].contains(&name);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for unknown in SAYINGS {
        let redis = proxy(&server, known, unknown);
        runtime.block_on(async {
            for number in 0..5_u32 {
                let key = Key::of(&number);
                AsyncStorage::set(&*redis, &key, vec![1], None).await.unwrap();
                assert_eq!(AsyncStorage::get(&*redis, &key).await.unwrap(), Some(vec![1]));
                let keys = [key.clone(), Key::of(&"never there")];
                let found = AsyncStorage::read_many(&*redis, &keys, None).await.unwrap();
                assert_eq!(found, [Some(vec![1]), None]);
                if matches!(unknown, Unknown::Says(_)) {
                    let found = AsyncStorage::read_expiring(&*redis, &key, None).await.unwrap();
                    assert_eq!(found.map(|found| found.value), Some(vec![1]));
                }
                assert!(AsyncStorage::delete(&*redis, &key).await.unwrap());
            }
        });
    }
}

/// Commands that the server itself lacks.
#[test]
fn renamed_commands() {
    let started = Server::options()
        .arguments(["--rename-command", "ECHO", "", "--rename-command", "UNLINK", ""])
        .start();
    let Some(server) = or_leave_out("a Redis without ECHO and UNLINK", started) else {
        return;
    };
    assert_works(&at(&server.url()).deadline(PATIENCE));
}
