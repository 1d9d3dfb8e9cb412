//! The user's types and arguments with names of std and of this library.

#![allow(dead_code)]

use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use ring_cache::{RingKey, ring, ring_impl};

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing is awaited"),
    }
}

/// Names of the prelude and of this library, used for types.
mod types {
    use super::*;

    macro_rules! types {
        ($($name:ident)*) => {$(
            #[derive(Clone, RingKey, Debug, PartialEq)]
            pub(super) struct $name(pub(super) u32);
        )*};
    }

    types! { Option Vec String Arc Rc Box Bytes Duration Call Lru Cache Json Body }

    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Send;
    pub(super) struct Sync;

    #[ring]
    pub(super) fn arguments(a: Option, b: Vec, c: String, d: Arc, e: Rc, f: Bytes, g: Duration) -> u32 {
        a.0 + b.0 + c.0 + d.0 + e.0 + f.0 + g.0
    }

    #[ring]
    pub(super) fn option(n: u32) -> Option {
        Option(n)
    }

    #[ring(expire = "1m")]
    pub(super) fn string(n: u32) -> String {
        String(n)
    }

    #[ring(expire = "1m", capacity = 3)]
    pub(super) fn duration(n: u32) -> Duration {
        Duration(n)
    }

    #[ring]
    pub(super) async fn call(n: u32) -> Call {
        Call(n)
    }

    #[ring]
    pub(super) fn json(n: u32) -> std::result::Result<Json, Body> {
        std::result::Result::Ok(Json(n))
    }

    #[derive(RingKey)]
    pub(super) struct Page;

    pub(super) trait Cached {
        fn cached(&self) -> Cache;
    }

    #[ring_impl]
    impl Cached for Page {
        #[ring]
        fn cached(&self) -> Cache {
            Cache(1)
        }
    }
}

/// The user's storages and futures.
mod generic_types {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct Pin<T>(pub(super) T);
    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct Future<T>(pub(super) T);
    pub(super) struct Redis;
    #[derive(RingKey)]
    pub(super) struct Blocking<T>(pub(super) T);
    type Tiered = ring_cache::Lru<u8>;
    type RedisHash<T> = ring_cache::Map<T>;

    static TIERED: LazyLock<Tiered> = LazyLock::new(|| Tiered::new(9));
    static HASH: LazyLock<RedisHash<u8>> = LazyLock::new(RedisHash::new);

    #[ring]
    pub(super) fn pin(n: u32) -> Option<Pin<Vec<u32>>> {
        Some(Pin(vec![n]))
    }

    #[ring]
    pub(super) fn future(n: u32) -> Future<u32> {
        Future(n)
    }

    #[ring(ignore(redis))]
    pub(super) fn redis(n: u32, redis: &Redis) -> u32 {
        let Redis = redis;
        n
    }

    #[ring_impl]
    impl Blocking<u8> {
        #[ring]
        pub(super) fn value(&self) -> u8 {
            self.0
        }
    }

    #[ring(storage = TIERED as Tiered)]
    pub(super) fn tiered(n: u8) -> u8 {
        n
    }

    #[ring(storage = HASH as RedisHash<u8>)]
    pub(super) async fn hash(n: u8) -> u8 {
        n
    }
}

/// Names that generated code could use.
mod arguments {
    use super::*;

    #[ring]
    pub(super) fn values(
        key: u32,
        call: u32,
        cache: u32,
        __key: u32,
        values: u32,
        root: u32,
        ring: u32,
    ) -> u32 {
        key + call + cache + __key + values + root + ring
    }

    #[ring]
    pub(super) fn generic<W: RingKey, V: RingKey, K: RingKey, How: RingKey, S: RingKey>(
        w: W,
        v: V,
        k: K,
        h: How,
        s: S,
    ) -> u32 {
        let _ = (w, v, k, h, s);
        1
    }

    #[ring]
    pub(super) fn crates(core: u32, alloc: u32, std: u32) -> u32 {
        core + alloc + std
    }

    pub(super) mod core {}
    pub(super) mod std {}
}

#[test]
fn names_of_std_and_of_the_library_are_the_users() {
    use types::*;
    let sum = arguments(Option(1), Vec(1), String(1), Arc(1), Rc(1), Bytes(1), Duration(1));
    assert_eq!(sum, 7);
    assert_eq!(
        (option(1), string(2), duration(3)),
        (Option(1), String(2), Duration(3))
    );
    assert_eq!(json(1), std::result::Result::Ok(Json(1)));
    assert_eq!((Page.cached(), ready(call(1))), (Cache(1), Call(1)));
}

#[test]
fn names_of_storages_and_futures_are_the_users() {
    use generic_types::*;
    assert_eq!((pin(1), future(1)), (Some(Pin(vec![1])), Future(1)));
    assert_eq!(
        (redis(1, &Redis), Blocking(3).value(), tiered(4), ready(hash(5))),
        (1, 3, 4, 5)
    );
}

#[test]
fn names_of_arguments_and_parameters_are_the_users() {
    assert_eq!(arguments::values(1, 2, 3, 4, 5, 6, 7), 28);
    assert_eq!(arguments::generic(1, 2, 3, 4, 5), 1);
    assert_eq!(arguments::crates(1, 2, 3), 6);
}
