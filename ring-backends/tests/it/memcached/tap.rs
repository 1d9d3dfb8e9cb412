//! A proxy between a storage and its server that records the requests.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

pub(super) struct Tap {
    port: u16,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    asked: Vec<u8>,
    /// The number of times that the storage spoke after the server.
    turns: usize,
    server_spoke: bool,
}

impl Tap {
    /// A proxy before the server at `port`.
    pub(super) fn on(port: u16) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let heard: Arc<Mutex<Heard>> = Arc::default();
        let tap = Tap {
            port: listener.local_addr().unwrap().port(),
            heard: Arc::clone(&heard),
        };
        thread::spawn(move || {
            for storage in listener.incoming() {
                let (Ok(storage), Ok(server)) = (storage, TcpStream::connect(("127.0.0.1", port))) else {
                    continue;
                };
                let (heard, other) = (Arc::clone(&heard), Arc::clone(&heard));
                let (back, forth) = (server.try_clone().unwrap(), storage.try_clone().unwrap());
                thread::spawn(move || pass_on(storage, server, |bytes| heard.lock().unwrap().asked(bytes)));
                thread::spawn(move || pass_on(back, forth, |_| other.lock().unwrap().server_spoke = true));
            }
        });
        tap
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The requests since the last time, and the number of turns.
    pub(super) fn asked(&self) -> (String, usize) {
        let mut heard = self.heard.lock().unwrap();
        let asked = std::mem::take(&mut *heard);
        heard.server_spoke = true;
        (String::from_utf8(asked.asked).unwrap(), asked.turns)
    }
}

impl Heard {
    fn asked(&mut self, bytes: &[u8]) {
        self.turns += usize::from(std::mem::take(&mut self.server_spoke));
        self.asked.extend_from_slice(bytes);
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, mut note: impl FnMut(&[u8])) {
    let mut bytes = [0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        note(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
