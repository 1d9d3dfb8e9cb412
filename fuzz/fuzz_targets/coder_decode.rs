//! For any bytes in a storage, a coder returns a value or an error, in bounded memory, and the value is encoded and decoded
//! to an equal one.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::net::IpAddr;
use std::time::Duration;

use libfuzzer_sys::{Corpus, fuzz_target};
use ring_cache::coder::{Cbor, Coder, Json, MessagePack, Postcard, Raw};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The most bytes that serde allocates in advance for a list of announced length, for each level of lists.
const ANNOUNCED: u64 = 1 << 20;
/// The greatest depth of CBOR values; that of MessagePack and Postcard is smaller.
const LEVELS: u64 = 64;
/// The most memory for one byte: an element of a list that doubles while it grows.
const FOR_A_BYTE: u64 = 1024;
/// The memory for any input, such as that of an error.
const ANYWAY: u64 = 16 << 10;

/// A typical value.
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

/// An enum with a tag field, for which serde buffers the other fields.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Event {
    Seen { at: i64, by: Vec<String> },
    Gone { why: Option<String> },
}

/// An enum whose first matching variant is taken.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
enum Loose {
    Flag(bool),
    Number(i64),
    Text(String),
    Many(Vec<Loose>),
    Named(BTreeMap<String, Loose>),
}

/// A value of any depth.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Tree {
    name: String,
    branches: Vec<Tree>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Nest(Vec<Nest>);

/// `levels`: the depth of nested lists.
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
    // By `Debug`, for which all NaN are equal.
    assert_eq!(format!("{again:?}"), format!("{value:?}"));
    Some(())
}

/// The coder chosen by the input.
#[derive(Clone, Copy)]
enum Format {
    Cbor,
    Json,
    MessagePack,
    Postcard,
}

impl Format {
    fn of(kind: u8) -> Self {
        match kind >> 4 {
            1 => Format::MessagePack,
            2 => Format::Postcard,
            8.. => Format::Json,
            _ => Format::Cbor,
        }
    }
}

fn coded<V: Serialize + DeserializeOwned + Debug>(format: Format, levels: u64, bytes: &[u8]) -> Option<()> {
    match format {
        Format::Cbor => decode::<Cbor, V>(bytes, levels),
        // It announces no lengths.
        Format::Json => decode::<Json, V>(bytes, 0),
        Format::MessagePack => decode::<MessagePack, V>(bytes, levels),
        Format::Postcard => decode_nameless::<V>(bytes, levels),
    }
}

/// Postcard refuses values that it could not decode again, such as a struct with an omitted field.
fn decode_nameless<V: Serialize + DeserializeOwned + Debug>(bytes: &[u8], levels: u64) -> Option<()> {
    let encodes = <Postcard as Coder<V>>::decode(bytes).is_ok_and(|value| Postcard::encode(&value).is_ok());
    if encodes {
        return decode::<Postcard, V>(bytes, levels);
    }
    let allocated = allocation_counter::measure(|| _ = <Postcard as Coder<V>>::decode(bytes));
    assert!(allocated.bytes_max <= ANYWAY + levels * ANNOUNCED + FOR_A_BYTE * bytes.len() as u64);
    None
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((&kind, bytes)) = input.split_first() else {
        return Corpus::Reject;
    };
    let format = Format::of(kind);
    _ = match kind & 15 {
        0 => coded::<Order>(format, 3, bytes),
        1 => coded::<Vec<Order>>(format, 4, bytes),
        2 => coded::<Event>(format, LEVELS, bytes),
        3 => coded::<Loose>(format, 2 * LEVELS, bytes),
        4 => coded::<Tree>(format, LEVELS, bytes),
        5 => coded::<Nest>(format, LEVELS, bytes),
        6 => coded::<String>(format, 0, bytes),
        7 => coded::<Vec<u8>>(format, 1, bytes),
        8 => coded::<BTreeMap<u32, BTreeSet<i8>>>(format, 2, bytes),
        9 => coded::<(f32, f64, u128, i128, char, ())>(format, 0, bytes),
        10 => coded::<[[u16; 4]; 3]>(format, 0, bytes),
        11 => coded::<Result<IpAddr, Option<Box<Owner>>>>(format, 1, bytes),
        12 => coded::<Vec<()>>(format, 1, bytes),
        13 => coded::<Vec<[u64; 16]>>(format, 1, bytes),
        14 => decode::<Raw, String>(bytes, 0),
        _ => decode::<Raw, Vec<u8>>(bytes, 0),
    };
    Corpus::Keep
});
