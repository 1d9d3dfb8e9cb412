use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

trait Fetch {
    fn fetch(&self) -> String;
}

#[ring_impl]
impl Fetch for String { //~
    #[ring]
    fn fetch(&self) -> String {
        self.clone()
    }
}

#[ring_impl]
impl<T> Fetch for Vec<T> { //~
    #[ring]
    fn fetch(&self) -> String {
        String::new()
    }
}

#[ring_impl]
impl<T: RingKey> Fetch for &T { //~
    #[ring]
    fn fetch(&self) -> String {
        String::new()
    }
}

#[ring_impl]
impl<T: Iterator> Fetch for T { //~ 2
    #[ring(ignore(self))]
    fn fetch(&self) -> String {
        String::new()
    }
}

#[ring_impl]
impl Fetch for std::net::TcpStream { //~
    #[ring(ignore(self))]
    fn fetch(&self) -> String {
        String::new()
    }
}

#[ring_impl(accessors = PageRing)] //~
impl Page {
    #[ring]
    fn content(&self) -> String {
        self.url.clone()
    }
}

fn main() {}
