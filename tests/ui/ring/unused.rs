//! Unused methods are reported as if they were not cached, and nothing else is.
#![deny(dead_code)]

use ring_cache::{RingKey, ring, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

#[ring_impl]
impl Page {
    #[ring]
    fn used(&self) -> String {
        self.helper()
    }

    #[ring]
    fn only_controlled(&self) -> String {
        self.helper()
    }

    #[ring]
    fn never_used(&self) -> String { //~
        self.helper_of_never_used()
    }

    fn helper(&self) -> String {
        self.url.clone()
    }

    fn helper_of_never_used(&self) -> String {
        self.url.clone()
    }
}

#[ring]
fn never_used() -> u32 { //~
    1
}

fn main() {
    let page = Page { url: String::new() };
    page.used();
    page.only_controlled_ring().delete();
}
