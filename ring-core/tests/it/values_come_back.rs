//! A coder reads its bytes as the same value, or refuses to write them.

use std::fmt::Debug;

use ring_cache_core::coder::{Cbor, Coder, Json};
use ring_cache_core::storage::Coded;
use ring_cache_core::{Map, Plain};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::support::Cache;

/// Each coder restores the value.
#[track_caller]
fn comes_back<V: Serialize + DeserializeOwned + Debug + PartialEq>(value: &V) {
    assert_eq!(through::<Cbor, V>(value).expect("CBOR"), *value);
    assert_eq!(through::<Json, V>(value).expect("JSON"), *value);
}

/// Each coder refuses the value.
#[track_caller]
fn is_refused<V: Serialize + DeserializeOwned + Debug>(value: &V) {
    for refused in [Cbor::encode(value), Json::encode(value)] {
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
    #[derive(Debug, Deserialize, Serialize)]
    struct Unit;

    is_refused(&Some(Unit));
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
    comes_back(&Some(serde_json::json!([null, { "a": null }])));
    assert!(Cbor::encode(&Some(ciborium::Value::Null)).is_err());
}

#[test]
fn types_that_read_what_they_write_are_not_refused() {
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
        comes_back(&Change { age });
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
