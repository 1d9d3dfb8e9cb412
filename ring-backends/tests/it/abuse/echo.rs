//! A server that refuses everything, and repeats what it received.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Starts it. Each reply begins with `reply`. Returns its address.
pub(super) fn start(reply: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || repeat(stream, reply));
        }
    });
    address
}

fn repeat(mut stream: TcpStream, reply: &str) {
    let mut bytes = [0; 1 << 14];
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        let heard = String::from_utf8_lossy(&bytes[..count]);
        let said = match heard.strip_prefix("mn\r\n") {
            Some(_) => "MN\r\nVERSION 1.6.18\r\n".to_owned(),
            None => format!("{reply}{}\r\n", heard.replace("\r\n", " ")).repeat(commands(&heard)),
        };
        if stream.write_all(said.as_bytes()).is_err() {
            return;
        }
    }
}

/// The number of commands in a message to Redis or memcached.
fn commands(heard: &str) -> usize {
    let begin = ["*", "mg ", "md ", "ms "];
    let lines = heard.split("\r\n");
    lines
        .filter(|line| begin.iter().any(|begin| line.starts_with(begin)))
        .count()
        .max(1)
}
