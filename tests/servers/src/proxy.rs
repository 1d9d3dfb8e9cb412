//! A proxy before a server, over loopback TCP: it forwards, counts and disturbs the traffic.

mod spoiling;

use std::io::Read;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::connection::PATIENCE;
use crate::place::free_port;
use spoiling::Direction;

/// A disturbance of connections by a [`Proxy`]. It applies to existing and to new connections from when it is
/// [set](Proxy::set).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoil {
    /// None: all bytes are forwarded.
    Nothing,
    /// Requests and replies are delayed by this time each.
    Delay(Duration),
    /// Replies come byte by byte, each after this time.
    Trickle(Duration),
    /// Each connection ends within its next bytes of replies, in this number.
    CutReplies(usize),
    /// Each connection ends within its next bytes of requests, in this number.
    CutQuestions(usize),
    /// In every third message of a server one byte is changed, sometimes more.
    Corrupt,
    /// Every third message of a server comes twice.
    Double,
    /// Every third message of a server is lost.
    Swallow,
    /// No bytes are forwarded, without notice; connections that were used meanwhile stay silent for ever.
    Hole,
    /// Like [`Hole`](Spoil::Hole), for new connections only. Existing ones end.
    HoleForNew,
    /// Connections are refused. Existing ones end.
    Refuse,
    /// Connections are reset at their first bytes. Existing ones end.
    Reset,
}

/// A proxy on a free port of 127.0.0.1. It ends when this is dropped, with all its connections.
///
/// ```
/// use std::time::Duration;
/// use ring_cache_test_servers::{Proxy, Redis, Spoil, or_leave_out};
///
/// let Some(redis) = or_leave_out("replies of Redis that come late", Redis::start()) else { return };
/// let proxy = Proxy::before(redis.port());
/// proxy.set(Spoil::Delay(Duration::from_millis(20)));
/// // Clients connect to `proxy.port()`.
/// assert_eq!((proxy.connections(), proxy.spoiled()), (0, 0));
/// ```
pub struct Proxy {
    port: u16,
    line: Arc<Line>,
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

/// The state of all connections.
struct Line {
    target: AtomicU16,
    spoil: Mutex<Spoil>,
    closing: AtomicBool,
    /// The number of times that a client began to send after the server had.
    round_trips: AtomicUsize,
    connections: AtomicUsize,
    spoiled: AtomicUsize,
    /// The seed of the pseudo-random choices.
    seed: u64,
    ends: Mutex<Vec<Weak<Ends>>>,
}

/// Both ends of one connection.
struct Ends {
    client: TcpStream,
    server: TcpStream,
    /// The seed of this connection's pseudo-random choices.
    number: u64,
    /// Whether the server was the last to send.
    answered: AtomicBool,
    is_hole: AtomicBool,
}

impl Proxy {
    /// A proxy before the server on this port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub fn before(target: u16) -> Proxy {
        Proxy::seeded(target, 1)
    }

    /// A proxy whose disturbances depend on the seed.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub fn seeded(target: u16, seed: u64) -> Proxy {
        let line = Arc::new(Line {
            target: AtomicU16::new(target),
            spoil: Mutex::new(Spoil::Nothing),
            closing: AtomicBool::new(false),
            round_trips: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            spoiled: AtomicUsize::new(0),
            seed,
            ends: Mutex::default(),
        });
        let listening = || {
            let port = free_port();
            Some((port, TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?))
        };
        let (port, listener) = std::iter::from_fn(|| Some(listening()))
            .take(100)
            .flatten()
            .next()
            .expect("a free port is found in a hundred attempts");
        let acceptor = Mutex::new(Some(line.accept_from(listener)));
        Proxy { port, line, acceptor }
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of times that clients began to send after the server had.
    pub fn round_trips(&self) -> usize {
        self.line.round_trips.load(Ordering::SeqCst)
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        self.line.connections.load(Ordering::SeqCst)
    }

    /// The number of disturbed messages and connections.
    pub fn spoiled(&self) -> usize {
        self.line.spoiled.load(Ordering::SeqCst)
    }

    /// From now on disturbs connections in this way.
    ///
    /// # Panics
    ///
    /// If another process took the port while connections were refused.
    pub fn set(&self, spoil: Spoil) {
        *lock(&self.line.spoil) = spoil;
        if spoil == Spoil::Refuse {
            self.close();
        } else {
            self.open();
        }
        if matches!(spoil, Spoil::HoleForNew | Spoil::Refuse | Spoil::Reset) {
            self.cut();
        }
    }

    /// Leads new connections to another server, like a name after a failover. Existing ones stay.
    pub fn lead_to(&self, target: u16) {
        self.line.target.store(target, Ordering::SeqCst);
    }

    /// Drops the existing connections without notice, like a firewall: no bytes are forwarded on them any more.
    pub fn forget(&self) {
        for ends in lock(&self.line.ends).drain(..) {
            if let Some(ends) = ends.upgrade() {
                ends.is_hole.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Ends all connections.
    pub fn cut(&self) {
        for ends in lock(&self.line.ends).drain(..) {
            if let Some(ends) = ends.upgrade() {
                ends.end();
            }
        }
    }

    fn open(&self) {
        let mut acceptor = lock(&self.acceptor);
        if acceptor.is_none() {
            self.line.closing.store(false, Ordering::SeqCst);
            *acceptor = Some(self.line.accept_from(listen_again(self.port)));
        }
    }

    fn close(&self) {
        if let Some(acceptor) = lock(&self.acceptor).take() {
            self.line.closing.store(true, Ordering::SeqCst);
            // The acceptor checks only at a connection.
            drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
            _ = acceptor.join();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.close();
        self.cut();
    }
}

fn listen_again(port: u16) -> TcpListener {
    let start = Instant::now();
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return listener,
            Err(error) => assert!(start.elapsed() < PATIENCE, "the proxy's port is taken: {error}"),
        }
        thread::sleep(Duration::from_millis(1));
    }
}

impl Line {
    fn spoil(&self) -> Spoil {
        *lock(&self.spoil)
    }

    /// Counts a disturbance.
    fn spoiled(&self) {
        self.spoiled.fetch_add(1, Ordering::SeqCst);
    }

    fn accept_from(self: &Arc<Self>, listener: TcpListener) -> JoinHandle<()> {
        let line = Arc::clone(self);
        thread::spawn(move || {
            for client in listener.incoming() {
                if line.closing.load(Ordering::SeqCst) {
                    break;
                }
                if let Ok(client) = client {
                    line.accept(client);
                }
            }
        })
    }

    fn accept(self: &Arc<Self>, client: TcpStream) {
        let number = self.connections.fetch_add(1, Ordering::SeqCst) as u64;
        if self.spoil() == Spoil::Reset {
            self.spoiled();
            thread::spawn(move || reset(&client));
            return;
        }
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target.load(Ordering::SeqCst))) else {
            return;
        };
        for stream in [&client, &server] {
            _ = stream.set_nodelay(true);
        }
        let is_hole = self.spoil() == Spoil::HoleForNew;
        if is_hole {
            self.spoiled();
        }
        let ends = Arc::new(Ends {
            client,
            server,
            number: self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (number << 20),
            answered: AtomicBool::new(true),
            is_hole: AtomicBool::new(is_hole),
        });
        let mut all = lock(&self.ends);
        all.retain(|ends| ends.strong_count() > 0);
        all.push(Arc::downgrade(&ends));
        drop(all);
        for direction in [Direction::Question, Direction::Reply] {
            let (line, ends) = (Arc::clone(self), Arc::clone(&ends));
            thread::spawn(move || line.pass(&ends, direction));
        }
    }

    fn pass(&self, ends: &Ends, direction: Direction) {
        let (mut from, mut to) = match direction {
            Direction::Question => (&ends.client, &ends.server),
            Direction::Reply => (&ends.server, &ends.client),
        };
        let mut spoiling = spoiling::Spoiling::of(self, ends, direction);
        let mut bytes = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            self.count(ends, direction);
            if spoiling.pass(&mut bytes[..count], &mut to).is_err() {
                break;
            }
        }
        ends.end();
    }

    fn count(&self, ends: &Ends, direction: Direction) {
        match direction {
            Direction::Reply => ends.answered.store(true, Ordering::SeqCst),
            Direction::Question => {
                let begins = ends.answered.swap(false, Ordering::SeqCst);
                self.round_trips.fetch_add(begins.into(), Ordering::SeqCst);
            }
        }
    }
}

/// Closing a connection with unread bytes resets it.
fn reset(client: &TcpStream) {
    _ = client.set_read_timeout(Some(PATIENCE));
    _ = client.peek(&mut [0]);
}

impl Ends {
    fn end(&self) {
        for stream in [&self.client, &self.server] {
            _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
