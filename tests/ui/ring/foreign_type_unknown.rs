//! A type that only the compiler knows to be another crate's.

use std::net::UdpSocket;

use ring_cache::ring_impl;

trait Fetch {
    fn fetch(&self) -> String;
}

#[ring_impl]
impl Fetch for UdpSocket {
    #[ring(ignore(self))]
    fn fetch(&self) -> String {
        String::new()
    }
}

fn main() {}
