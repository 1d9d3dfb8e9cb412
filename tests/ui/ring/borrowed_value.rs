use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

use std::borrow::Cow;

#[ring_impl]
impl Page {
    #[ring]
    fn text(&self) -> &str { //~
        &self.url
    }

    #[ring]
    fn slice(&self) -> Option<&[u8]> { //~
        None
    }

    #[ring]
    fn cow(&self) -> Cow<'_, str> { //~
        Cow::Borrowed(&self.url)
    }

    #[ring]
    fn named<'a>(&'a self, _other: &str) -> Result<Vec<&'a str>, String> { //~
        Ok(vec![&self.url])
    }

    #[ring]
    fn lasts() -> &'static str {
        "is fine"
    }
}

struct View<'a> {
    text: &'a str,
}

impl RingKey for View<'_> {
    fn ring_key<W: ring_cache::KeyWriter>(&self, key: &mut W) {
        self.text.ring_key(key);
    }
}

#[ring_impl]
impl View<'_> {
    #[ring]
    fn itself(&self) -> Self { //~
        View { text: self.text }
    }
}

fn main() {}
