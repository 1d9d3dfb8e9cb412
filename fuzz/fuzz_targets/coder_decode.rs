//! Whatever bytes lie in a storage: a coder gives a value or an error, takes no more memory than they can ask for, and
//! what it gave is encoded and decoded to the same.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::net::IpAddr;
use std::time::Duration;

use libfuzzer_sys::{Corpus, fuzz_target};
use ring_cache::coder::{Cbor, Coder, Json, Raw};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What serde takes beforehand for a list of announced length, at most: a mebibyte, for each level of lists.
const ANNOUNCED: u64 = 1 << 20;
/// How deep values of CBOR may be nested.
const LEVELS: u64 = 64;
/// What one byte may come to: an element of a list that doubles while it grows.
const FOR_A_BYTE: u64 = 1024;
/// What costs something whatever the input is, such as an error.
const ANYWAY: u64 = 16 << 10;

/// A value as users have them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Order {
    id: u64,
    owner: Option<Owner>,
    lines: Vec<(String, i32, f64)>,
    #[serde(default)]
    notes: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid: Option<Duration>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Owner {
    Nobody,
    Person(String),
    Company { name: String, number: u128 },
    Pair(char, bool),
}

/// One that is told apart by a field, so that serde keeps the others meanwhile.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Event {
    Seen { at: i64, by: Vec<String> },
    Gone { why: Option<String> },
}

/// One that is whatever fits first.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
enum Loose {
    Flag(bool),
    Number(i64),
    Text(String),
    Many(Vec<Loose>),
    Named(BTreeMap<String, Loose>),
}

/// One as deep as it likes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Tree {
    name: String,
    branches: Vec<Tree>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Nest(Vec<Nest>);

/// `levels`: how many lists there can be within each other.
fn decode<C: Coder<V>, V: Debug>(bytes: &[u8], levels: u64) -> Option<()> {
    let mut decoded = None;
    let allocated = allocation_counter::measure(|| decoded = C::decode(bytes).ok());
    let allowed = ANYWAY + levels * ANNOUNCED + FOR_A_BYTE * bytes.len() as u64;
    assert!(
        allocated.bytes_max <= allowed,
        "{} bytes became {}",
        bytes.len(),
        allocated.bytes_max
    );
    let value = decoded?;
    let encoded = C::encode(&value).expect("what was decoded can be encoded");
    let again = C::decode(&encoded).expect("what was encoded can be decoded");
    // By `Debug`, which knows one NaN.
    assert_eq!(format!("{again:?}"), format!("{value:?}"));
    Some(())
}

fn both<V: Serialize + DeserializeOwned + Debug>(json: bool, levels: u64, bytes: &[u8]) -> Option<()> {
    if json {
        // It announces no lengths.
        decode::<Json, V>(bytes, 0)
    } else {
        decode::<Cbor, V>(bytes, levels)
    }
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((&kind, bytes)) = input.split_first() else {
        return Corpus::Reject;
    };
    let json = kind & 128 != 0;
    _ = match kind & 15 {
        0 => both::<Order>(json, 3, bytes),
        1 => both::<Vec<Order>>(json, 4, bytes),
        2 => both::<Event>(json, LEVELS, bytes),
        3 => both::<Loose>(json, 2 * LEVELS, bytes),
        4 => both::<Tree>(json, LEVELS, bytes),
        5 => both::<Nest>(json, LEVELS, bytes),
        6 => both::<String>(json, 0, bytes),
        7 => both::<Vec<u8>>(json, 1, bytes),
        8 => both::<BTreeMap<u32, BTreeSet<i8>>>(json, 2, bytes),
        9 => both::<(f32, f64, u128, i128, char, ())>(json, 0, bytes),
        10 => both::<[[u16; 4]; 3]>(json, 0, bytes),
        11 => both::<Result<IpAddr, Option<Box<Owner>>>>(json, 1, bytes),
        12 => both::<Vec<()>>(json, 1, bytes),
        13 => both::<Vec<[u64; 16]>>(json, 1, bytes),
        14 => decode::<Raw, String>(bytes, 0),
        _ => decode::<Raw, Vec<u8>>(bytes, 0),
    };
    Corpus::Keep
});
