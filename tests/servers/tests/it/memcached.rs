//! One memcached server: commands and signals.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;

use ring_cache_test_servers::{Memcached, or_leave_out};

use crate::{NEVER, SOON};

#[test]
fn replies_are_the_stored_bytes() {
    let Some(memcached) = or_leave_out("replies of memcached", Memcached::start()) else {
        return;
    };
    assert_eq!(memcached.value("key"), None);
    assert_eq!(
        memcached.command(b"set key 7 0 8\r\n\r\nEND\r\n\xff"),
        b"STORED\r\n"
    );
    assert_eq!(memcached.value("key"), Some(b"\r\nEND\r\n\xff".to_vec()));
    assert_eq!(
        memcached.command("get key nothing"),
        b"VALUE key 7 8\r\n\r\nEND\r\n\xff\r\nEND\r\n"
    );
    assert_eq!(memcached.command("set empty 0 0 0\r\n"), b"STORED\r\n");
    assert_eq!(memcached.value("empty"), Some(Vec::new()));
    assert_eq!(memcached.command("nonsense"), b"ERROR\r\n");
    assert_eq!(memcached.statistics()["curr_items"], "2");
    assert_eq!(memcached.statistics()["pid"], memcached.process_id().to_string());
}

#[test]
fn long_values_come_whole() {
    let Some(memcached) = or_leave_out("long values in memcached", Memcached::start()) else {
        return;
    };
    let value = vec![b'x'; 300_000];
    let set = [
        format!("set key 0 0 {}\r\n", value.len()).into_bytes(),
        value.clone(),
    ]
    .concat();
    assert_eq!(memcached.command(set), b"STORED\r\n");
    assert_eq!(memcached.value("key"), Some(value));
}

#[test]
fn a_stopped_server_accepts_connections_and_does_not_reply() {
    let Some(memcached) = or_leave_out("a memcached that is stopped", Memcached::start()) else {
        return;
    };
    memcached.stop();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, memcached.port())).is_ok());
    let silence = memcached.command_within(NEVER, "version").unwrap_err();
    assert_eq!(silence.kind(), io::ErrorKind::WouldBlock);
    memcached.cont();
    assert!(memcached.answers_within(SOON));
}

#[test]
fn a_killed_server_refuses_connections_until_it_is_restarted() {
    let Some(memcached) = or_leave_out("a memcached that is killed", Memcached::start()) else {
        return;
    };
    let (port, process) = (memcached.port(), memcached.process_id());
    memcached.command("set key 0 0 1\r\nx");
    memcached.kill();
    let refused = memcached.command_within(SOON, "version").unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);

    memcached.restart();
    assert_eq!(memcached.value("key"), None);
    assert_eq!(memcached.port(), port);
    assert_ne!(memcached.process_id(), process);
}

#[test]
fn it_has_as_much_memory_as_it_is_given() {
    let started = Memcached::options().memory(3).arguments(["-I", "512k"]).start();
    let Some(memcached) = or_leave_out("a small memcached", started) else {
        return;
    };
    assert_eq!(memcached.statistics()["limit_maxbytes"], (3 << 20).to_string());
    let item = format!("set key 0 0 {}\r\n{}", 600 << 10, "x".repeat(600 << 10));
    assert_eq!(
        memcached.command(item),
        b"SERVER_ERROR object too large for cache\r\n"
    );
}

#[test]
fn it_listens_on_a_unix_socket() {
    let started = Memcached::options().unix_socket().start();
    let Some(memcached) = or_leave_out("memcached on a Unix socket", started) else {
        return;
    };
    assert!(Path::new(&memcached.address()).starts_with(memcached.folder()));
    assert_eq!(memcached.url(), format!("memcache://{}", memcached.address()));
    assert_eq!(memcached.command("set key 0 0 1\r\nx"), b"STORED\r\n");
    memcached.restart();
    assert_eq!(memcached.value("key"), None);
}
