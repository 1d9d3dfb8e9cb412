//! For any value, a coder writes bytes that it decodes to the same value, or refuses. It refuses only values other than
//! `None` and `()` that are written as null.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::ops::{Bound, Range};
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::{Corpus, fuzz_target};
use ring_cache::coder::{Cbor, Coder, Json, MessagePack, Postcard};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Names of all lengths, and `None`s at all depths.
#[derive(Arbitrary, Debug, Deserialize, Serialize)]
struct Person {
    id: u64,
    name: Option<String>,
    #[serde(rename = "e-mail")]
    address: Option<Option<String>>,
    height: f32,
    weights: Vec<f64>,
    parents: (Option<Box<Person>>, Option<Box<Person>>),
    nothing: (),
    maybe_nothing: Option<()>,
    #[serde(flatten)]
    more: BTreeMap<String, Vec<Option<bool>>>,
}

#[derive(Arbitrary, Debug, Deserialize, Serialize)]
struct Unit;

#[derive(Arbitrary, Debug, Deserialize, Serialize)]
struct Newtype<T>(T);

#[derive(Arbitrary, Debug, Deserialize, Serialize)]
enum Outside {
    Nothing,
    One(Option<f64>),
    Two(Option<i128>, u128),
    Named {
        unit: Unit,
        letter: char,
        maybe: Option<Unit>,
    },
}

#[derive(Arbitrary, Debug, Deserialize, Serialize)]
#[serde(tag = "kind")]
enum Inside {
    Nothing,
    Named {
        at: i64,
        by: Option<Option<u8>>,
        share: f32,
    },
}

#[derive(Arbitrary, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", content = "value")]
enum Beside {
    Nothing,
    One(Option<Newtype<Option<u8>>>),
    Two(i8, Option<String>),
    Named { share: Option<f64> },
}

#[derive(Arbitrary, Debug, Deserialize, Serialize)]
struct Std {
    address: IpAddr,
    bound: Bound<Option<u8>>,
    duration: Duration,
    number: NonZeroU16,
    range: Range<i64>,
    result: Result<Option<()>, Unit>,
}

/// Whether the value contains a part, by its `Debug` text, that is written as null.
fn may_be_refused(read: &str, json: bool) -> bool {
    let nothing = ["(None", "(()", "(Unit", "(Newtype("]
        .iter()
        .any(|nothing| read.contains(nothing));
    nothing || json && ["NaN", "inf"].iter().any(|number| read.contains(number))
}

fn check<C: Coder<V>, V: Debug>(value: &V, json: bool) {
    let read = format!("{value:?}");
    match C::encode(value) {
        Ok(bytes) => {
            let back = C::decode(&bytes).expect("what was written can be read");
            assert_eq!(format!("{back:?}"), read);
        }
        Err(cause) => assert!(may_be_refused(&read, json), "{cause}: {read}"),
    }
}

fn both<V>(bytes: &mut Unstructured<'_>) -> Option<()>
where
    V: for<'a> Arbitrary<'a> + Debug + DeserializeOwned + Serialize,
{
    let value = V::arbitrary(bytes).ok()?;
    check::<Cbor, V>(&value, false);
    check::<Json, V>(&value, true);
    check::<MessagePack, V>(&value, false);
    check_nameless(&value);
    Some(())
}

/// Postcard also refuses types that need names, and never writes bytes of another value.
fn check_nameless<V: DeserializeOwned + Serialize + Debug>(value: &V) {
    if let Ok(bytes) = Postcard::encode(value) {
        let back: V = Postcard::decode(&bytes).expect("what was written can be read");
        assert_eq!(format!("{back:?}"), format!("{value:?}"));
    }
}

/// With keys that are impossible in JSON.
fn cbor<V>(bytes: &mut Unstructured<'_>) -> Option<()>
where
    V: for<'a> Arbitrary<'a> + Debug + DeserializeOwned + Serialize,
{
    check::<Cbor, V>(&V::arbitrary(bytes).ok()?, false);
    Some(())
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((&kind, bytes)) = input.split_first() else {
        return Corpus::Reject;
    };
    let bytes = &mut Unstructured::new(bytes);
    let checked = match kind & 15 {
        0 => both::<Person>(bytes),
        1 => both::<Outside>(bytes),
        2 => both::<Inside>(bytes),
        3 => both::<Beside>(bytes),
        4 => both::<Std>(bytes),
        5 => both::<(f64, f32)>(bytes),
        6 => both::<Vec<Newtype<f64>>>(bytes),
        7 => both::<Option<Option<Option<u8>>>>(bytes),
        8 => both::<Vec<Option<Outside>>>(bytes),
        9 => both::<Option<Vec<Option<Newtype<Unit>>>>>(bytes),
        10 => both::<BTreeMap<i64, Beside>>(bytes),
        11 => both::<BTreeMap<char, BTreeSet<(bool, Option<u8>)>>>(bytes),
        12 => both::<(i128, u128, char, String)>(bytes),
        13 => both::<Result<Newtype<Option<String>>, ()>>(bytes),
        14 => cbor::<BTreeMap<Option<u8>, Vec<u8>>>(bytes),
        _ => cbor::<BTreeMap<Vec<i64>, BTreeMap<(char, bool), Inside>>>(bytes),
    };
    if checked.is_some() {
        Corpus::Keep
    } else {
        Corpus::Reject
    }
});
