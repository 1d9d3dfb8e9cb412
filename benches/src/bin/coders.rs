//! Sizes of encoded values, and the time that encoding and decoding take: in a storage of bytes, each hit decodes, and
//! each store encodes.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ring_cache::coder::{
    Cbor, Coder, EntryKey, Json, Keys, Lz4, MessagePack, Packed, Postcard, Sealed, SealingKey, Zstd,
};
use ring_cache_benches::rounds::{Contender, contender, medians};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    email: Option<String>,
    roles: Vec<Role>,
    score: f64,
    active: bool,
}

#[derive(Clone, Serialize, Deserialize)]
enum Role {
    Admin,
    Member { team: String, since: u32 },
}

struct OfThisProgram;

impl Keys for OfThisProgram {
    fn current() -> Arc<[SealingKey]> {
        static KEYS: LazyLock<Arc<[SealingKey]>> = LazyLock::new(|| [SealingKey::new(1, [1; 32])].into());
        Arc::clone(&KEYS)
    }
}

/// A coder of values `V`, as its functions.
struct Way<V> {
    name: &'static str,
    encode: fn(&V) -> Vec<u8>,
    decode: fn(&[u8]) -> V,
}

fn key() -> String {
    "shop:user:1234".to_owned()
}

fn way<C: Coder<V>, V>(name: &'static str) -> Way<V> {
    Way {
        name,
        encode: |value| C::encode_entry(value, EntryKey::new(&key)).expect("it can be encoded"),
        decode: |bytes| {
            C::decode_entry(bytes, EntryKey::new(&key))
                .ok()
                .expect("it can be decoded")
        },
    }
}

fn ways<V: Serialize + DeserializeOwned>() -> Vec<Way<V>> {
    vec![
        way::<Json, V>("Json"),
        way::<Cbor, V>("Cbor"),
        way::<MessagePack, V>("MessagePack"),
        way::<Postcard, V>("Postcard"),
        way::<Packed<Cbor, Lz4>, V>("Packed<Cbor, Lz4>"),
        way::<Packed<Cbor, Zstd>, V>("Packed<Cbor, Zstd>"),
        way::<Sealed<Cbor, OfThisProgram>, V>("Sealed<Cbor, _>"),
        way::<Sealed<Packed<Cbor, Lz4>, OfThisProgram>, V>("Sealed<Packed<Cbor, Lz4>, _>"),
    ]
}

/// Does the work this many times.
fn repeat<'w>(calls: usize, mut work: Box<dyn FnMut() + 'w>) -> impl FnMut() + 'w {
    move || (0..calls).for_each(|_| work())
}

/// A line for each coder: bytes, and the medians of a call in microseconds.
fn measure<V: Serialize + DeserializeOwned>(title: &str, value: &V, rounds: usize) {
    let ways = ways::<V>();
    let encoded: Vec<_> = ways.iter().map(|way| (way.encode)(value)).collect();
    // About a millisecond a round.
    let calls = (200_000 / (encoded[0].len() + 200)).max(1);
    let mut contenders: Vec<Contender<'_, (usize, bool)>> = Vec::new();
    for (place, way) in ways.iter().enumerate() {
        let bytes = &encoded[place];
        let encode = Box::new(|| _ = black_box((way.encode)(black_box(value))));
        let decode = Box::new(move || _ = black_box((way.decode)(black_box(bytes))));
        contenders.push(contender((place, false), repeat(calls, encode)));
        contenders.push(contender((place, true), repeat(calls, decode)));
    }
    let times = medians(rounds, contenders);
    let time = |name: (usize, bool)| {
        let (_, time) = times
            .iter()
            .find(|(found, _)| *found == name)
            .expect("it was measured");
        Duration::as_secs_f64(time) * 1e6 / calls as f64
    };
    for (place, way) in ways.iter().enumerate() {
        let (size, encode, decode) = (encoded[place].len(), time((place, false)), time((place, true)));
        println!(
            "| {title} | `{}` | {size} | {encode:.2} | {decode:.2} |",
            way.name
        );
    }
}

fn user(id: u64) -> User {
    User {
        id,
        name: format!("User {id}"),
        email: (id % 3 != 0).then(|| format!("user{id}@example.com")),
        roles: vec![
            Role::Admin,
            Role::Member {
                team: format!("team {}", id % 7),
                since: 2020,
            },
        ],
        score: id as f64 / 7.0,
        active: id % 2 == 0,
    }
}

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--short") {
        11
    } else {
        101
    };
    println!("| value | coder | bytes | store: encode (µs) | hit: decode (µs) |\n|---|---|---:|---:|---:|");
    measure("a number", &1234_u64, rounds);
    measure("a struct with 6 fields", &user(1234), rounds);
    measure("100 of them", &(0..100).map(user).collect::<Vec<_>>(), rounds);
    measure(
        "10 KiB of text",
        &"Rings keep what was computed. ".repeat(350),
        rounds,
    );
    measure(
        "1,000 `f64`",
        &(0..1000).map(|n| f64::from(n).sqrt()).collect::<Vec<_>>(),
        rounds,
    );
}
