//! A coder decodes its bytes to the same value, or refuses to encode.

use std::fmt::Debug;

use ring_cache_core::coder::{Cbor, Coder, Json, MessagePack, Postcard};
use ring_cache_core::storage::Coded;
use ring_cache_core::{Map, Plain};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::support::Cache;

/// Each coder restores the value.
#[track_caller]
fn comes_back<V: Serialize + DeserializeOwned + Debug + PartialEq>(value: &V) {
    assert_eq!(through::<Postcard, V>(value).expect("Postcard"), *value);
    comes_back_by_names(value);
}

/// Each coder that writes the names of fields restores the value.
#[track_caller]
fn comes_back_by_names<V: Serialize + DeserializeOwned + Debug + PartialEq>(value: &V) {
    assert_eq!(through::<Cbor, V>(value).expect("CBOR"), *value);
    assert_eq!(through::<Json, V>(value).expect("JSON"), *value);
    assert_eq!(through::<MessagePack, V>(value).expect("MessagePack"), *value);
}

/// Each coder that writes `None` as null refuses the value; Postcard restores it.
#[track_caller]
fn is_refused<V: Serialize + DeserializeOwned + Debug>(value: &V) {
    let read = through::<Postcard, V>(value).expect("Postcard");
    assert_eq!(format!("{read:?}"), format!("{value:?}"));
    for refused in [
        Cbor::encode(value),
        Json::encode(value),
        MessagePack::encode(value),
    ] {
        let cause = refused
            .expect_err("it would be read as another value")
            .to_string();
        assert!(cause.contains("`Some`"), "{cause}");
    }
}

fn through<C: Coder<V>, V>(value: &V) -> Option<V> {
    let bytes = C::encode(value).ok()?;
    Some(C::decode(&bytes).expect("written bytes can be read"))
}

/// Numbers that an inexact decimal parser reads as their neighbours.
#[test]
fn numbers_with_a_fraction_to_the_last_bit() {
    for number in [
        -6.1e30,
        0.1 + 0.2,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        2.638_344_616_030_823e-256,
        -0.0,
    ] {
        comes_back(&number);
    }
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let double = f64::from_bits(bits);
        let single = f32::from_bits((bits >> 32) as u32);
        if double.is_finite() && single.is_finite() {
            comes_back(&(double, single));
        }
    }
}

#[test]
fn none_inside_some_is_refused() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Unit;

    assert!(Cbor::encode(&Some(Unit)).is_err() && Json::encode(&Some(Unit)).is_err());
    // There it is an empty array.
    assert_eq!(through::<MessagePack, _>(&Some(Unit)), Some(Some(Unit)));
    assert_eq!(through::<Postcard, _>(&Some(Unit)), Some(Some(Unit)));
    is_refused(&Some(None::<u8>));
    is_refused(&Some(()));
    is_refused(&vec![None, Some(Some(1_u8)), Some(None)]);
    is_refused(&Ok::<_, u8>(Some(Some(None::<String>))));
    comes_back(&None::<Option<u8>>);
    comes_back(&Some(Some(1_u8)));
    comes_back(&(None::<u8>, (), Some("null".to_owned()), Some(0xf6_u8)));
}

#[test]
fn none_inside_some_is_refused_at_any_depth() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Inner(Option<u8>);

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    enum Answer {
        Nothing,
        Newtype(Option<Inner>),
        Tuple(u8, Option<Inner>),
        Struct { inner: Option<Inner> },
    }

    let (there, absent) = (|| Some(Inner(Some(1))), || Some(Inner(None)));
    comes_back(&Some(Answer::Nothing));
    for (kept, refused) in [
        (Answer::Newtype(there()), Answer::Newtype(absent())),
        (Answer::Tuple(1, there()), Answer::Tuple(1, absent())),
        (
            Answer::Struct { inner: there() },
            Answer::Struct { inner: absent() },
        ),
    ] {
        comes_back(&kept);
        is_refused(&refused);
    }
    is_refused(
        &std::collections::BTreeMap::from([("a", absent())])
            .into_values()
            .collect::<Vec<_>>(),
    );
    is_refused(&std::collections::BTreeMap::from([("a".to_owned(), absent())]));
}

#[test]
fn json_has_no_infinity_and_no_nan() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(Json::encode(&number).is_err());
        assert!(Json::encode(&Some(number)).is_err());
        assert!(Json::encode(&Some(number as f32)).is_err());
        let back = through::<Cbor, _>(&Some(number))
            .flatten()
            .expect("CBOR has them");
        assert_eq!(back.to_string(), number.to_string());
    }
}

#[test]
fn values_of_any_shape_may_be_null() {
    assert!(Json::encode(&Some(serde_json::Value::Null)).is_err());
    comes_back_by_names(&Some(serde_json::json!([null, { "a": null }])));
    assert!(Cbor::encode(&Some(ciborium::Value::Null)).is_err());
    assert!(MessagePack::encode(&Some(serde_json::Value::Null)).is_err());
}

#[test]
fn types_that_read_their_own_nulls_are_not_refused() {
    /// The usual way to distinguish a null field from a missing one.
    fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u8>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Change {
        #[serde(
            default,
            deserialize_with = "present",
            skip_serializing_if = "Option::is_none"
        )]
        age: Option<Option<u8>>,
    }

    for age in [None, Some(None), Some(Some(7))] {
        comes_back_by_names(&Change { age });
    }

    fn or_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Option::deserialize(deserializer).map(|number| number.unwrap_or(f64::NAN))
    }

    #[derive(Deserialize, Serialize)]
    struct Measured(#[serde(deserialize_with = "or_nan")] f64);

    let bytes = Json::encode(&Measured(f64::NAN)).expect("it reads null as NaN");
    assert!(<Json as Coder<Measured>>::decode(&bytes).unwrap().0.is_nan());
}

#[test]
fn a_refused_value_is_computed_every_time() {
    let (ring, map) = (crate::support::ring(), Map::new());
    for _ in 0..2 {
        let cached = Cache::new(ring, Coded::<_, Cbor>::from(&map))
            .bind::<Plain<Option<Option<u8>>>, _, _>((), |()| Some(None));
        assert_eq!(cached.get_or_update(), Some(None));
    }
    assert!(map.is_empty());
}

/// Postcard has no names, so an omitted field shifts all that follow.
#[test]
fn c4_postcard_refuses_values_with_fields_left_out() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Shifted {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first: Option<u8>,
        second: Vec<u8>,
        third: Vec<Vec<u8>>,
    }

    let full = Shifted {
        first: Some(5),
        second: vec![1, 7],
        third: vec![vec![]],
    };
    let left_out = Shifted {
        first: None,
        second: vec![5],
        third: vec![vec![7], vec![0]],
    };
    comes_back(&full);
    comes_back_by_names(&left_out);
    // Its bytes are those of the other, and encode to the same bytes again.
    assert_eq!(postcard::to_stdvec(&left_out).ok(), Postcard::encode(&full).ok());
    let cause = Postcard::encode(&left_out).unwrap_err().to_string();
    assert!(cause.contains("as another value"), "{cause}");
}

#[test]
fn c4_postcard_refuses_types_that_need_names() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Seen { at: u64 },
    }

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Flat {
        #[serde(flatten)]
        inner: std::collections::BTreeMap<String, u8>,
    }

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct WriteOnly {
        #[serde(skip_deserializing)]
        count: u8,
        rest: u8,
    }

    comes_back_by_names(&Tagged::Seen { at: 1 });
    comes_back_by_names(&Flat {
        inner: [("a".to_owned(), 1)].into(),
    });
    assert!(Postcard::encode(&Tagged::Seen { at: 1 }).is_err());
    assert!(
        Postcard::encode(&Flat {
            inner: [("a".to_owned(), 1)].into()
        })
        .is_err()
    );
    assert!(Postcard::encode(&WriteOnly { count: 1, rest: 2 }).is_err());
}

#[test]
fn collections_without_an_order_come_back() {
    let numbers = 0..1000_u32;
    comes_back(&numbers.clone().collect::<std::collections::HashSet<_>>());
    comes_back(
        &numbers
            .map(|n| (n.to_string(), n))
            .collect::<std::collections::HashMap<_, _>>(),
    );
    comes_back(&(u128::MAX, i128::MIN, f64::MIN_POSITIVE, 'ß', "text".to_owned()));
}

proptest::proptest! {
    #[test]
    fn any_value_comes_back(
        value: (Option<Vec<i64>>, std::collections::BTreeMap<String, (u8, Option<bool>)>, Result<char, u128>),
    ) {
        comes_back(&value);
    }
}
