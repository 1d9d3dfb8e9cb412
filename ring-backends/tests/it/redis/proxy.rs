//! A proxy before a server: it counts round trips, and can cut connections or fall silent.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use ring_cache_test_servers::Redis as Server;

pub(super) struct Proxy {
    port: u16,
    line: Arc<Line>,
}

#[derive(Default)]
struct Line {
    /// How often a client began to speak after the server had.
    round_trips: AtomicUsize,
    /// How many connections were made.
    connections: AtomicUsize,
    /// Whether answers are held back.
    silent: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub(super) fn before(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, target) = (listener.local_addr().unwrap().port(), server.port());
        let line = Arc::new(Line::default());
        let shared = Arc::clone(&line);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (
                    client.unwrap(),
                    TcpStream::connect(("127.0.0.1", target)).unwrap(),
                );
                shared.join(client, server);
            }
        });
        Proxy { port, line }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn round_trips(&self) -> usize {
        self.line.round_trips.load(Ordering::SeqCst)
    }

    pub(super) fn connections(&self) -> usize {
        self.line.connections.load(Ordering::SeqCst)
    }

    /// Holds answers back, on connections that there are.
    pub(super) fn fall_silent(&self) {
        self.line.silent.store(true, Ordering::SeqCst);
        self.line.streams.lock().unwrap().clear();
    }

    /// Lets new connections speak.
    pub(super) fn speak(&self) {
        self.line.silent.store(false, Ordering::SeqCst);
    }

    /// Ends all connections.
    pub(super) fn cut(&self) {
        for stream in self.line.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Line {
    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
            self.streams.lock().unwrap().push(stream.try_clone().unwrap());
        }
        self.connections.fetch_add(1, Ordering::SeqCst);
        let answered = Arc::new(AtomicBool::new(true));
        let there = (client.try_clone().unwrap(), server.try_clone().unwrap());
        self.pass(there.0, there.1, Arc::clone(&answered), true);
        self.pass(server, client, answered, false);
    }

    fn pass(self: &Arc<Self>, mut from: TcpStream, mut to: TcpStream, answered: Arc<AtomicBool>, asks: bool) {
        let line = Arc::clone(self);
        let mut muted = false;
        thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                if asks && answered.swap(false, Ordering::SeqCst) {
                    line.round_trips.fetch_add(1, Ordering::SeqCst);
                }
                if !asks {
                    answered.store(true, Ordering::SeqCst);
                    muted |= line.silent.load(Ordering::SeqCst);
                }
                if !muted && to.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}
