//! The user's names that generated code must not use.

#![allow(dead_code, non_upper_case_globals, unused)]

use ::std::sync::LazyLock;

use ring_cache::{RingKey, ring, ring_impl};

fn name() -> u32 {
    100
}
fn own() {}
static CACHE: LazyLock<ring_cache::Lru<u32>> = LazyLock::new(|| ring_cache::Lru::new(7));
static __CACHE: LazyLock<ring_cache::Map<u32>> = LazyLock::new(ring_cache::Map::new);
const STORAGE: usize = 9;
const OWN: usize = 11;

#[derive(RingKey, Clone)]
struct Call;
#[derive(RingKey, Clone)]
struct Lru(u32);
#[derive(Clone)]
struct Here;
enum Option {}
enum Vec {}
enum Body {}
enum String {}
enum Key {}
mod std {}
mod core {}
mod ring_cache_core {}

#[ring_impl]
impl Call {
    #[ring(lru = CACHE)]
    fn shared(&self, name: u32, cache: u32, storage: u32) -> u32 {
        name + cache + storage
    }
    #[ring(map = __CACHE)]
    fn in_map(&self, call: u32, body: u32, ring: u32) -> u32 {
        call + body + ring
    }
    #[ring(capacity = STORAGE + OWN)]
    fn sized(name: u32) -> u32 {
        name
    }
    #[ring]
    fn here(&self) -> Here {
        Here
    }
    #[ring]
    fn lru(value: &Lru) -> Lru {
        Lru(value.0 + 1)
    }
    /// The argument is called `name` in the accessor; the body must not see that.
    #[ring]
    fn global(_name: u32) -> u32 {
        name()
    }
}

impl RingKey for Here {
    fn ring_key<W: ::ring_cache::KeyWriter>(&self, key: &mut W) {
        key.word("here");
    }
}

#[ring_impl]
impl Here {
    const OWN: usize = 5;

    #[ring(capacity = Self::OWN)]
    fn itself(&self) -> Here {
        Here
    }
}

#[ring(capacity = OWN)]
fn function(name: u32, cache: u32, function: u32) -> u32 {
    name + cache + function
}

#[ring]
fn clash(clash: u32, clash_ring: u32, clash_cache: u32) -> u32 {
    clash + clash_ring + clash_cache
}

#[test]
fn names_of_users_do_not_meet_those_of_macros() {
    assert_eq!(Call.shared(1, 2, 3), 6);
    assert_eq!(CACHE.len(), 1);
    assert_eq!(Call.in_map(1, 2, 3), 6);
    assert_eq!(Call::sized(1), 1);
    assert_eq!(Call::sized_cache().storage().capacity(), 20);
    let Here = Call.here();
    assert_eq!(Call::lru(&Lru(1)).0, 2);
    assert_eq!(Call::global(1), 100);
    Here.itself();
    assert_eq!(Here::itself_cache().storage().capacity(), 5);
    assert_eq!(function(1, 2, 3), 6);
    assert_eq!(clash(1, 2, 3), 6);
}

/// The user's types with names of std's types that the cache could not hold.
mod names_of_std {
    use ring_cache::ring;

    #[derive(Clone, Debug, PartialEq)]
    struct Cell(u32);
    #[derive(Clone, Debug, PartialEq)]
    struct RefCell(u32);
    #[derive(Clone, Debug, PartialEq)]
    struct Rc<T>(T);

    #[ring]
    fn cell(n: u32) -> Cell {
        Cell(n)
    }

    #[ring]
    fn nested(n: u32) -> Vec<Rc<RefCell>> {
        vec![Rc(RefCell(n))]
    }

    #[test]
    fn of_types_of_the_user() {
        assert_eq!(cell(1), Cell(1));
        assert_eq!(nested(1), [Rc(RefCell(1))]);
    }
}
