use ring_cache::{RingKey, ring, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

#[ring(fallible)]
fn number(n: u32) -> u32 { //~
    n
}

#[ring(fallible)]
fn nothing(_n: u32) {} //~

#[derive(Clone)]
struct Body;

#[ring(fallible)]
fn body() -> Body { //~
    Body
}

#[ring(fallible)]
async fn awaited(n: u32) -> Vec<u32> { //~
    vec![n]
}

#[ring(fallible)]
fn generic<T: RingKey>(n: T) -> std::marker::PhantomData<T> { //~
    std::marker::PhantomData
}

#[ring_impl(fallible)]
impl Page {
    #[ring]
    fn content(&self) -> Option<String> { //~
        None
    }
}

fn main() {}
