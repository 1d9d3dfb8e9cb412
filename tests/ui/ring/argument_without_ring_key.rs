use ring_cache::{RingKey, ring, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

struct Client;

#[ring]
fn fetch(client: &Client, url: &str) -> String { //~
    let _ = client;
    url.to_owned()
}

#[ring]
fn generic<T: Clone>(value: T) -> u32 { //~
    let _ = value;
    1
}

#[ring_impl]
impl Page {
    #[ring]
    fn all(&self, clients: Vec<Client>, limit: std::time::Instant) -> usize { //~ 2
        let _ = limit;
        clients.len()
    }
}

fn main() {}
