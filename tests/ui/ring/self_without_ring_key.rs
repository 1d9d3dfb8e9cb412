use ring_cache::ring_impl;

struct Service {
    client: std::net::TcpStream,
}

#[ring_impl]
impl Service {
    #[ring]
    fn fetch(&self, url: &str) -> String { //~
        url.to_owned()
    }

    #[ring(ignore(self))]
    fn is_fine(&self, url: &str) -> String {
        url.to_owned()
    }
}

fn main() {}
