//! Manual impls, as users write them.

use std::time::{Duration, SystemTime};

use arbitrary::Arbitrary;
use ring_cache::key::CallKey;
use ring_cache::{Bracket, Key, KeyWriter, RingKey};

use super::RING;

/// Parts one after another.
#[derive(Arbitrary, Debug, PartialEq)]
pub(crate) struct Parts<A, B>(pub(crate) A, pub(crate) B);

impl<A: RingKey, B: RingKey> RingKey for Parts<A, B> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.0.ring_key(key);
        self.1.ring_key(key);
    }
}

/// Shapes named by a word, or by a label, which the hash omits.
#[derive(Arbitrary, Debug, PartialEq)]
pub(crate) enum Shapes {
    Circle(u16),
    Square(u16),
    Sphere(u16, Vec<u8>),
    Sphera(u16, Vec<u8>),
    Named(String),
    Count(u64),
}

impl RingKey for Shapes {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match self {
            Shapes::Circle(size) => {
                key.label("circle");
                size.ring_key(key);
            }
            Shapes::Square(size) => {
                key.label("square");
                size.ring_key(key);
            }
            Shapes::Sphere(size, bytes) => {
                bytes.ring_key(key);
                size.ring_key(key);
                key.label("sphere");
            }
            Shapes::Sphera(size, bytes) => {
                bytes.ring_key(key);
                size.ring_key(key);
                key.label("sphera");
            }
            Shapes::Named(name) => {
                key.word("named");
                name.ring_key(key);
            }
            Shapes::Count(count) => {
                key.word("count");
                count.ring_key(key);
            }
        }
    }
}

/// Any number of parts, as a group.
#[derive(Arbitrary, Debug, PartialEq)]
pub(crate) struct Grouped(Vec<(bool, String)>);

impl RingKey for Grouped {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.open("parts", Bracket::Square);
        for (labelled, part) in &self.0 {
            key.begin_element();
            if *labelled {
                key.label("l");
            }
            key.text(part);
            key.end_element();
        }
        key.close(Bracket::Square);
    }
}

/// The key of a call as an argument of another.
#[derive(Arbitrary, Debug, PartialEq)]
pub(crate) struct Nested {
    first: String,
    other: u8,
    beside: bool,
}

impl RingKey for Nested {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        let parts = (&*self.first, self.other);
        let inner = Key::of(&CallKey::new(*RING, &parts));
        (self.beside, inner).ring_key(key);
    }
}

/// Before the Unix epoch, or after it.
#[derive(Arbitrary, Debug)]
pub(crate) struct Moment {
    before: bool,
    seconds: u32,
    nanos: u16,
}

impl Moment {
    pub(crate) fn time(&self) -> SystemTime {
        let since = Duration::new(self.seconds.into(), self.nanos.into());
        if self.before {
            SystemTime::UNIX_EPOCH - since
        } else {
            SystemTime::UNIX_EPOCH + since
        }
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.time() == other.time()
    }
}

impl RingKey for Moment {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.time().ring_key(key);
    }
}
