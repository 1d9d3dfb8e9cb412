//! Python, and the servers of both languages.

use std::io::{Write, stderr};
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ring_cache::{Memcached, Redis, RedisHash};
use ring_cache_test_servers as servers;
use serde_json::Value;

use super::python::Python;

const INTERPRETER: &str = "POLYGLOT_PYTHON";

/// Long enough for any machine: no test here is about a server that does not answer.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Both {
    pub(crate) redis: servers::Redis,
    /// The first is the one of `MEMCACHED`.
    pub(crate) memcached: [servers::Memcached; 3],
    python: Mutex<Python>,
}

static BOTH: LazyLock<Option<Both>> = LazyLock::new(start);

pub(crate) static REDIS: LazyLock<Redis> =
    LazyLock::new(|| Redis::open(both().redis.url()).unwrap().deadline(DEADLINE));

pub(crate) static REDIS_HASH: LazyLock<RedisHash> =
    LazyLock::new(|| RedisHash::open(both().redis.url()).unwrap().deadline(DEADLINE));

pub(crate) static MEMCACHED: LazyLock<Memcached> = LazyLock::new(|| memcached(&both().memcached[..1]));

pub(crate) static MEMCACHED_OF_SEVERAL: LazyLock<Memcached> = LazyLock::new(|| memcached(&both().memcached));

fn memcached(servers: &[servers::Memcached]) -> Memcached {
    let urls: Vec<String> = servers.iter().map(servers::Memcached::url).collect();
    Memcached::open(urls).unwrap().deadline(DEADLINE)
}

/// Python with the original Ring, for one test at a time. `None`, with a message, if it or a server is missing.
pub(crate) fn original() -> Option<Original> {
    let python = BOTH.as_ref()?.python.lock();
    Some(Original(python.unwrap_or_else(PoisonError::into_inner)))
}

/// The servers, if there is Python.
pub(crate) fn both() -> &'static Both {
    BOTH.as_ref().expect("only asked for with Python there")
}

pub(crate) struct Original(MutexGuard<'static, Python>);

impl Original {
    /// The original's answer to `request`: see `rings.py`.
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        self.0
            .ask(request)
            .unwrap_or_else(|error| panic!("Python: {error}"))
    }
}

fn start() -> Option<Both> {
    let what = "one cache for Python and Rust";
    let Some(interpreter) = std::env::var_os(INTERPRETER) else {
        // Not `eprintln!`, which the harness captures.
        _ = writeln!(
            stderr(),
            "!!! LEFT OUT: {what}: {INTERPRETER} names no Python that has the original Ring"
        );
        return None;
    };
    let redis = servers::or_leave_out(what, servers::Redis::start())?;
    let memcached = || servers::or_leave_out(what, servers::Memcached::start());
    let memcached = [memcached()?, memcached()?, memcached()?];
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/polyglot/rings.py");
    let environment = [
        ("REDIS_URL", redis.url()),
        (
            "MEMCACHED_ADDRESSES",
            memcached.each_ref().map(servers::Memcached::address).join(","),
        ),
    ];
    let python = Python::start(&interpreter, &program, &environment)
        .unwrap_or_else(|error| panic!("{INTERPRETER}={}: {error}", interpreter.display()));
    Some(Both {
        redis,
        memcached,
        python: Mutex::new(python),
    })
}
