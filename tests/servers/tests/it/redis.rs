//! One Redis server: commands and signals.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::thread;

use ring_cache_test_servers::{Redis, Reply, or_leave_out};

use crate::{NEVER, SOON};

fn ok() -> Reply {
    Reply::Status("OK".into())
}

#[test]
fn replies_are_the_stored_bytes() {
    let Some(redis) = or_leave_out("replies of Redis", Redis::start()) else {
        return;
    };
    assert_eq!(redis.command(&["GET", "key"]), Reply::Nil);
    assert_eq!(redis.command(&[b"SET".as_slice(), b"key", b"\r\n\0\xff"]), ok());
    assert_eq!(
        redis.command(&["GET", "key"]),
        Reply::Bytes(b"\r\n\0\xff".to_vec())
    );
    assert_eq!(redis.command(&["SET", "empty", ""]), ok());
    let both = Reply::Array(vec![Reply::Bytes(Vec::new()), Reply::Nil]);
    assert_eq!(redis.command(&["MGET", "empty", "nothing"]), both);
    assert_eq!(redis.command(&["TTL", "key"]), Reply::Integer(-1));
    assert!(
        matches!(redis.command(&["LPUSH", "key", "x"]), Reply::Error(error) if error.starts_with("WRONGTYPE "))
    );
    assert!(redis.info("keyspace")["db0"].starts_with("keys=2,"));
    assert_eq!(redis.info("server")["tcp_port"], redis.port().to_string());
    assert_eq!(redis.info("server")["process_id"], redis.process_id().to_string());
}

#[test]
fn a_stopped_server_accepts_connections_and_does_not_reply() {
    let Some(redis) = or_leave_out("a Redis that is stopped", Redis::start()) else {
        return;
    };
    redis.stop();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, redis.port())).is_ok());
    let silence = redis.command_within(NEVER, &["PING"]).unwrap_err();
    assert_eq!(silence.kind(), io::ErrorKind::WouldBlock);
    redis.cont();
    assert!(redis.answers_within(SOON));
}

#[test]
fn a_killed_server_refuses_connections_until_it_is_restarted() {
    let Some(redis) = or_leave_out("a Redis that is killed", Redis::start()) else {
        return;
    };
    let (port, process) = (redis.port(), redis.process_id());
    redis.command(&["SET", "key", "value"]);
    redis.kill();
    redis.kill();
    let refused = redis.command_within(SOON, &["PING"]).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);

    redis.restart();
    assert_eq!(redis.command(&["GET", "key"]), Reply::Nil);
    assert_eq!(redis.port(), port);
    assert_ne!(redis.process_id(), process);
}

#[test]
fn a_restart_ends_what_runs_also_if_it_is_stopped() {
    let Some(redis) = or_leave_out("a Redis that is restarted", Redis::start()) else {
        return;
    };
    redis.command(&["SET", "key", "value"]);
    redis.stop();
    redis.restart();
    assert_eq!(redis.command(&["GET", "key"]), Reply::Nil);
}

#[test]
fn a_persistent_server_has_all_after_a_restart() {
    let started = Redis::options().persistent().start();
    let Some(redis) = or_leave_out("a Redis that is persistent", started) else {
        return;
    };
    redis.command(&["SET", "key", "value"]);
    redis.restart();
    assert_eq!(redis.command(&["GET", "key"]), Reply::Bytes(b"value".to_vec()));
}

/// Redis' own client, which comes with the server.
fn client(url: &str, arguments: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .args(["--no-auth-warning", "-u", url])
        .args(arguments)
        .output()
        .expect("redis-cli starts");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
        .trim()
        .to_owned()
}

#[test]
fn the_password_is_needed_and_part_of_the_url() {
    let started = Redis::options().password("p@ss:w/rd").start();
    let Some(redis) = or_leave_out("a Redis with a password", started) else {
        return;
    };
    let url = redis.url();
    assert_eq!(
        url,
        format!("redis://:p%40ss%3Aw%2Frd@127.0.0.1:{}", redis.port())
    );
    assert_eq!(redis.command(&["PING"]), Reply::Status("PONG".into()));
    // Redis's client sends the user name that other clients imply.
    let url = url.replace("//:", "//default:");
    assert_eq!(client(&url, &["PING"]), "PONG");
    assert!(client(&url.replace("p%40ss", ""), &["PING"]).contains("WRONGPASS"));
}

#[test]
fn arguments_come_last() {
    let started = Redis::options()
        .arguments(["--maxmemory", "2mb"])
        .arguments(["--databases", "1"])
        .start();
    let Some(redis) = or_leave_out("arguments of Redis", started) else {
        return;
    };
    assert_eq!(redis.info("memory")["maxmemory"], "2097152");
    assert!(matches!(redis.command(&["SELECT", "1"]), Reply::Error(_)));
}

#[test]
fn it_listens_on_a_unix_socket() {
    let started = Redis::options().unix_socket().password("secret").start();
    let Some(redis) = or_leave_out("Redis on a Unix socket", started) else {
        return;
    };
    assert!(UnixStream::connect(redis.unix_socket()).is_ok());
    let url = format!("redis+unix://{}?pass=secret", redis.unix_socket().display());
    assert_eq!(redis.unix_url(), url);
}

#[test]
fn with_tls_clients_trust_it_by_its_own_authority_only() {
    let start = || Redis::options().tls().start();
    let Some(redis) = or_leave_out("Redis with TLS", start()) else {
        return;
    };
    let Some(another) = or_leave_out("Redis with TLS", start()) else {
        return;
    };
    assert!(redis.tls_url().starts_with("rediss://127.0.0.1:"));
    assert_ne!(redis.tls_url(), redis.url().replace("redis", "rediss"));
    let ping = |authority: &Path| {
        client(
            &redis.tls_url(),
            &["--cacert", &authority.display().to_string(), "PING"],
        )
    };
    assert_eq!(ping(redis.authority()), "PONG");
    assert!(ping(another.authority()).contains("certificate verify failed"));
}

#[test]
fn a_server_that_does_not_come_up_shows_its_log() {
    let options = Redis::options().arguments(["--maxmemory", "much"]);
    let Some(panic) = or_leave_out("a Redis that does not start", panic_of(|| options.start())) else {
        return;
    };
    assert!(panic.contains("redis-server ended"), "{panic}");
    assert!(panic.contains("argument must be a memory value"), "{panic}");
}

#[test]
fn a_port_that_others_took_is_given_up_at_last() {
    let others = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = others.local_addr().unwrap().port().to_string();
    let options = Redis::options().arguments(["--port", &port]);
    let Some(panic) = or_leave_out("a Redis without a port", panic_of(|| options.start())) else {
        return;
    };
    assert!(panic.contains("free port"), "{panic}");
}

/// Another server answers on the port of a killed one.
#[test]
fn another_server_on_the_port_is_not_taken_for_the_restarted_one() {
    let Some(redis) = or_leave_out("a Redis whose port was taken", Redis::start()) else {
        return;
    };
    let Some(another) = or_leave_out("a Redis whose port was taken", Redis::start()) else {
        return;
    };
    redis.kill();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, redis.port())).unwrap();
    let port = another.port();
    thread::spawn(move || {
        listener
            .incoming()
            .for_each(|client| forward(client.unwrap(), port))
    });
    assert!(redis.answers_within(SOON));
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| redis.restart())) else {
        panic!("it was taken for it")
    };
    let panic = panic.downcast::<String>().unwrap();
    assert!(panic.contains("another process listens"), "{panic}");
}

fn forward(client: TcpStream, port: u16) {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    for (mut from, mut to) in [
        (client.try_clone().unwrap(), server.try_clone().unwrap()),
        (server, client),
    ] {
        // It ends when either side goes away.
        thread::spawn(move || io::copy(&mut from, &mut to));
    }
}

/// The panic message in place of a server.
fn panic_of<T, E>(start: impl Fn() -> Result<T, E>) -> Result<String, E> {
    match catch_unwind(AssertUnwindSafe(start)) {
        Ok(Ok(_)) => panic!("it started"),
        Ok(Err(missing)) => Err(missing),
        Err(panic) => Ok(*panic.downcast().expect("a message")),
    }
}
