//! Missing programs: the tests left out, and the messages.

use std::process::Output;

use ring_cache_test_servers::{Memcached, Redis, or_leave_out};

use crate::another_process;

#[test]
#[ignore = "is run by those below, where there are no programs"]
fn child_needs_redis() {
    let started = or_leave_out("a test of Redis", Redis::start());
    assert!(started.is_none());
}

#[test]
#[ignore = "is run by those below, where there are no programs"]
fn child_needs_memcached() {
    let started = or_leave_out("a test of memcached", Memcached::start());
    assert!(started.is_none());
}

/// Without any programs, under the harness that captures output.
fn without_programs(test: &str, servers: &str) -> (Output, String) {
    let mut command = another_process::test(test);
    let output = command
        .env("PATH", "/nonexistent")
        .env("RING_CACHE_SERVERS", servers)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned();
    (output, said)
}

#[test]
fn what_is_left_out_is_said_on_stderr() {
    for (test, what, program) in [
        ("missing::child_needs_redis", "a test of Redis", "redis-server"),
        (
            "missing::child_needs_memcached",
            "a test of memcached",
            "memcached",
        ),
    ] {
        let (output, _) = without_programs(test, "");
        assert!(output.status.success());
        let line = format!(
            "!!! LEFT OUT: {what}: `{program}` is not installed. On Debian and Ubuntu: apt-get install {program}."
        );
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&line), "{said}");
    }
}

#[test]
fn nothing_is_left_out_where_servers_are_required() {
    let (output, said) = without_programs("missing::child_needs_redis", "required");
    assert!(!output.status.success());
    assert!(
        said.contains("a test of Redis: `redis-server` is not installed."),
        "{said}"
    );
    assert!(said.contains("RING_CACHE_SERVERS=required"), "{said}");
}
