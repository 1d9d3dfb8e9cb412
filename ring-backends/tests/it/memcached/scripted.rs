//! Servers with scripted replies.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

pub(super) struct Scripted {
    port: u16,
    /// The number of connections.
    pub(super) connections: Arc<AtomicUsize>,
}

impl Scripted {
    /// A server that greets like memcached, and replies to each line by `reply`. `None` closes the connection.
    pub(super) fn replying(reply: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Scripted {
        Self::start(move |line| match line {
            "mn" => Some(b"MN\r\n".to_vec()),
            "version" => Some(b"VERSION 1.6.18\r\n".to_vec()),
            line => reply(line),
        })
    }

    /// A server that replies to each line by `reply`.
    pub(super) fn start(reply: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, reply) = (listener.local_addr().unwrap().port(), Arc::new(reply));
        let connections: Arc<AtomicUsize> = Arc::default();
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let reply = Arc::clone(&reply);
                thread::spawn(move || serve(stream, &*reply));
            }
        });
        Scripted { port, connections }
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn serve(mut stream: TcpStream, reply: &dyn Fn(&str) -> Option<Vec<u8>>) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        match reply(&line) {
            Some(bytes) if stream.write_all(&bytes).is_ok() => {}
            _ => break,
        }
    }
    let _ = stream.shutdown(std::net::Shutdown::Both);
}

/// The number of a command, which its reply must repeat.
pub(super) fn number(command: &str) -> &str {
    let number = command.split(' ').find(|word| word.starts_with('O'));
    number.expect("every command has a number")
}
