//! Servers that announce a value of 512 MB: the call ends at its deadline, and so does the connection.

use std::any::Any;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ring_cache_backends::{Memcached, Redis};
use ring_cache_core::storage::{AsyncStorage, Storage};

const ANNOUNCED: usize = 512 << 20;
const DEADLINE: Duration = Duration::from_millis(200);
/// Enough for any expected event on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The speed of the announced value.
#[derive(Clone, Copy, Debug)]
struct Pace {
    bytes: usize,
    pause: Duration,
}

const PACES: [Pace; 2] = [
    Pace {
        bytes: 512,
        pause: Duration::from_millis(10),
    },
    Pace {
        bytes: 256 << 10,
        pause: Duration::ZERO,
    },
];

/// A server that answers lines, and then announces a value.
struct Announcing {
    port: u16,
    /// The number of announced values.
    announced: Arc<AtomicUsize>,
    /// The number of connections that ended within one.
    ended: Arc<AtomicUsize>,
}

/// The reply to a line.
enum Says {
    Nothing,
    This(&'static str),
    /// The beginning of a value that continues.
    Announces(String),
}

impl Announcing {
    fn start(pace: Pace, says: fn(&str) -> Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (announced, ended) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let server = Announcing {
            port: listener.local_addr().unwrap().port(),
            announced: Arc::clone(&announced),
            ended: Arc::clone(&ended),
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (announced, ended) = (Arc::clone(&announced), Arc::clone(&ended));
                thread::spawn(move || {
                    let Some(stream) = announce(stream, says, &announced) else {
                        return;
                    };
                    if send_value(stream, pace) < ANNOUNCED {
                        ended.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        server
    }

    fn redis(pace: Pace) -> Self {
        Announcing::start(pace, |line| match line {
            // The end of `ECHO ring`.
            "ring" => Says::This("$4\r\nring\r\n"),
            "GET" => Says::Announces(format!("${ANNOUNCED}\r\n")),
            _ => Says::Nothing,
        })
    }

    fn memcached(pace: Pace) -> Self {
        Announcing::start(pace, |line| match line {
            "mn" => Says::This("MN\r\n"),
            "version" => Says::This("VERSION 1.6.18\r\n"),
            line if line.starts_with("mg ") => Says::Announces(format!("VA {ANNOUNCED}\r\n")),
            _ => Says::Nothing,
        })
    }

    /// The connection ends without another request to the storage.
    fn assert_ended(&self, call: &str, pace: Pace, took: Duration) {
        assert_eq!(self.announced.load(Ordering::SeqCst), 1, "{call}, {pace:?}");
        // Otherwise, at either pace the value would last longer.
        assert!(took < PATIENCE / 2, "{call}, {pace:?}: {took:?}");
        let start = Instant::now();
        while self.ended.load(Ordering::SeqCst) == 0 {
            assert!(
                start.elapsed() < PATIENCE,
                "{call}, {pace:?}: it is still connected"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Answers until a value is announced.
fn announce(mut stream: TcpStream, says: fn(&str) -> Says, announced: &AtomicUsize) -> Option<TcpStream> {
    let lines = BufReader::new(stream.try_clone().ok()?).lines();
    for line in lines.map_while(Result::ok) {
        match says(&line) {
            Says::Nothing => {}
            Says::This(text) => stream.write_all(text.as_bytes()).ok()?,
            Says::Announces(text) => {
                announced.fetch_add(1, Ordering::SeqCst);
                stream.write_all(text.as_bytes()).ok()?;
                return Some(stream);
            }
        }
    }
    None
}

/// Sends a value, until the connection ends. Returns the number of bytes sent.
fn send_value(mut stream: TcpStream, pace: Pace) -> usize {
    let (piece, mut sent) = (vec![b'7'; pace.bytes], 0);
    while sent < ANNOUNCED && stream.write_all(&piece).is_ok() {
        sent += piece.len();
        thread::sleep(pace.pause);
    }
    sent
}

fn redis(server: &Announcing) -> Redis {
    Redis::open(format!("redis://127.0.0.1:{}", server.port))
        .unwrap()
        .deadline(DEADLINE)
}

fn memcached(server: &Announcing) -> Memcached {
    Memcached::open(format!("127.0.0.1:{}", server.port))
        .unwrap()
        .deadline(DEADLINE)
}

fn assert_ends(start: fn(Pace) -> Announcing, blocking: fn(&Announcing), awaited: AwaitedCall) {
    for pace in PACES {
        let (server, begun) = (start(pace), Instant::now());
        blocking(&server);
        server.assert_ended("blocking", pace, begun.elapsed());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (server, begun) = (start(pace), Instant::now());
        let storage = runtime.block_on(awaited(&server));
        server.assert_ended("awaited", pace, begun.elapsed());
        drop(storage);
    }
}

/// Calls once. Returns the storage, so that dropping it does not end the connection.
type AwaitedCall = fn(&Announcing) -> Pin<Box<dyn Future<Output = Box<dyn Any>>>>;

#[test]
fn by_redis() {
    assert_ends(
        Announcing::redis,
        |server| assert!(Storage::read(&redis(server), &1, None).is_err()),
        |server| {
            let storage = redis(server);
            Box::pin(async move {
                assert!(AsyncStorage::read(&storage, &1, None).await.is_err());
                Box::new(storage) as Box<dyn Any>
            })
        },
    );
}

#[test]
fn by_memcached() {
    assert_ends(
        Announcing::memcached,
        |server| assert!(Storage::read(&memcached(server), &1, None).is_err()),
        |server| {
            let storage = memcached(server);
            Box::pin(async move {
                assert!(AsyncStorage::read(&storage, &1, None).await.is_err());
                Box::new(storage) as Box<dyn Any>
            })
        },
    );
}
