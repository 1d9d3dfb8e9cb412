use ring_cache::{RingKey, ring, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

struct Client;

#[ring_impl]
impl Page {
    #[ring]
    fn client(&self) -> Client { //~
        Client
    }

    #[ring]
    fn fallible(&self) -> Result<Client, String> { //~
        Ok(Client)
    }
}

#[ring]
fn client() -> Vec<Client> { //~
    Vec::new()
}

fn main() {}
