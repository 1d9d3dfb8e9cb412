//! The same functions, cached in Rust on each server with each coder, and calls of them.

use ring_cache::coder::{Json, Raw};
use ring_cache::ring;

use super::call::{SharedCall, shared_call};
use super::servers::{MEMCACHED, REDIS};
use super::value::{Answer, Shared};

/// Everything printable but `%`.
const PRINTABLE: &str =
    "!\"#$&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/// The longest for a memcached key of 249 bytes, which the original does not hash.
const LONG: [u8; 244] = [b'x'; 244];

const fn long() -> &'static str {
    match std::str::from_utf8(&LONG) {
        Ok(long) => long,
        Err(_) => unreachable!(),
    }
}

const NO_NUMBERS: &[i64] = &[];
const NO_STRINGS: &[&str] = &[];
const NO_LISTS: &[Vec<i64>] = &[];

macro_rules! rings {
    ($name:ident: $storage:literal, $kind:ident = $place:ident, $coder:ident of $value:ty) => {
        pub(crate) mod $name {
            use super::*;

            #[ring($kind = $place, coder = $coder, expire = "60s", key_prefix = "nothing")]
            pub(crate) fn nothing() -> $value {
                Shared::compute()
            }
            #[ring($kind = $place, coder = $coder, expire = "60s", key_prefix = "number")]
            pub(crate) fn number(_n: i64) -> $value {
                Shared::compute()
            }
            #[ring($kind = $place, coder = $coder, expire = "60s", key_prefix = "wide")]
            pub(crate) fn wide(_n: i128) -> $value {
                Shared::compute()
            }
            #[ring($kind = $place, coder = $coder, expire = "60s", key_prefix = "large")]
            pub(crate) fn large(_n: u128) -> $value {
                Shared::compute()
            }
            #[ring($kind = $place, coder = $coder, expire = "60s", key_prefix = "text")]
            pub(crate) fn text(_text: &str) -> $value {
                Shared::compute()
            }
            #[ring($kind = $place, coder = $coder, expire = "60s", key_prefix = "numbers")]
            pub(crate) fn numbers(_numbers: &[i64]) -> $value {
                Shared::compute()
            }
            #[ring($kind = $place, coder = $coder, expire = "60s", key_prefix = "texts")]
            pub(crate) fn texts(_texts: &[&str]) -> $value {
                Shared::compute()
            }
            #[ring($kind = $place, coder = $coder, expire = "60s", key_prefix = "lists")]
            pub(crate) fn lists(_lists: &[Vec<i64>]) -> $value {
                Shared::compute()
            }
            #[ring($kind = $place, coder = $coder, expire = "60s", key_prefix = "pair:of{two}")]
            pub(crate) fn pair(_n: i64, _text: &str) -> $value {
                Shared::compute()
            }
            #[ring($kind = $place, coder = $coder, expire = "60s", key_prefix = "words")]
            pub(crate) fn words(_one: &str, _other: &str) -> $value {
                Shared::compute()
            }
            #[ring($kind = $place, coder = $coder, expire = "60s", key_prefix = "triple")]
            pub(crate) fn triple(_numbers: &[i64], _texts: &[&str], _n: u8) -> $value {
                Shared::compute()
            }

            pub(crate) fn calls() -> Vec<SharedCall<$value>> {
                vec![
                    shared_call!($storage: nothing_ring()),
                    shared_call!($storage: number_ring(0)),
                    shared_call!($storage: number_ring(42)),
                    shared_call!($storage: number_ring(-7)),
                    shared_call!($storage: number_ring(i64::MIN)),
                    shared_call!($storage: number_ring(i64::MAX)),
                    shared_call!($storage: wide_ring(i128::MIN)),
                    shared_call!($storage: large_ring(u128::MAX)),
                    shared_call!($storage: text_ring("plain")),
                    shared_call!($storage: text_ring("")),
                    shared_call!($storage: text_ring(":")),
                    shared_call!($storage: text_ring("http://example.com/?a=b&c=d#e")),
                    shared_call!($storage: text_ring("{}{0}{self!r}{{")),
                    shared_call!($storage: text_ring("[1,2]")),
                    shared_call!($storage: text_ring(PRINTABLE)),
                    shared_call!($storage: text_ring(long())),
                    shared_call!($storage: numbers_ring(NO_NUMBERS)),
                    shared_call!($storage: numbers_ring(&[1, 2, 3])),
                    shared_call!($storage: numbers_ring(&[-1, i64::MIN])),
                    shared_call!($storage: texts_ring(NO_STRINGS)),
                    shared_call!($storage: texts_ring(&["a", "", "{}"])),
                    shared_call!($storage: texts_ring(&["it's", "say\"hi\"", "both'\"", "back\\slash", "a:b,"])),
                    shared_call!($storage: texts_ring(&[PRINTABLE])),
                    shared_call!($storage: lists_ring(NO_LISTS)),
                    shared_call!($storage: lists_ring(&[vec![1, 2], vec![], vec![-3]])),
                    shared_call!($storage: pair_ring(-1, "")),
                    shared_call!($storage: pair_ring(1, "a:b:")),
                    shared_call!($storage: words_ring("", "")),
                    shared_call!($storage: words_ring("{}'\"\\,[(+=", "{a}")),
                    shared_call!($storage: triple_ring(&[1, 2], &["a", "it's"], 255)),
                    shared_call!($storage: triple_ring(NO_NUMBERS, NO_STRINGS, 0)),
                ]
            }
        }
    };
}

rings!(redis_json: "redis", redis = REDIS, Json of Answer);
rings!(redis_bytes: "redis", redis = REDIS, Raw of Vec<u8>);
rings!(memcached_json: "memcached", memcached = MEMCACHED, Json of Answer);
rings!(memcached_bytes: "memcached", memcached = MEMCACHED, Raw of Vec<u8>);
