//! Secret values: no error quotes them, whichever coder fails.

use std::fmt;

use ring_cache::coder::{Cbor, Coder, Json, Raw};
use ring_cache::{Error, RingKey, ring_impl};
use ring_cache_backends::Redis;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::secret::{SECRET, assert_debug_redacted, assert_error_redacted};

/// A value whose error quotes the text.
#[derive(Clone, Debug, PartialEq)]
struct Address(String);

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(format!("{} is no address", self.0)))
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Err(D::Error::custom(format!(
            "{} is no address",
            String::deserialize(deserializer)?
        )))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Kind {
    Known,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: Kind,
}

#[derive(RingKey)]
struct Service {
    #[ring_key(skip)]
    redis: Redis,
}

macro_rules! rings {
    ($($method:ident: $value:ty, $coder:ident;)*) => {
        #[ring_impl(storage = self.redis as Redis)]
        impl Service {
            $(#[ring(coder = $coder)]
            fn $method(&self) -> $value {
                unreachable!("nothing is computed")
            })*
        }
    };
}

rings! {
    json_number: u32, Json;
    json_kind: Kind, Json;
    json_named: Named, Json;
    json_address: Address, Json;
    json_unit: (), Json;
    json_character: char, Json;
    json_pair: (u8, u8), Json;
    json_bytes: [u8; 2], Json;
    cbor_number: u32, Cbor;
    cbor_kind: Kind, Cbor;
    cbor_named: Named, Cbor;
    cbor_address: Address, Cbor;
    cbor_unit: (), Cbor;
    cbor_character: char, Cbor;
    cbor_pair: (u8, u8), Cbor;
    raw: String, Raw;
}

fn look_at(error: Result<impl fmt::Debug, Error>) {
    let error = error.unwrap_err();
    assert_error_redacted(&error);
    assert!(error.to_string().len() > "decode failed: ".len());
}

/// Texts, maps and lists with the secret, and halves of them.
fn encoded<C>() -> Vec<Vec<u8>>
where
    C: Coder<String>
        + Coder<Vec<String>>
        + Coder<(String, u8)>
        + Coder<std::collections::BTreeMap<String, String>>,
{
    let map = [(SECRET.to_owned(), SECRET.to_owned())].into();
    let mut all = vec![
        C::encode(&SECRET.to_owned()).unwrap(),
        C::encode(&vec![SECRET.to_owned()]).unwrap(),
        C::encode(&(SECRET.to_owned(), 1)).unwrap(),
        <C as Coder<std::collections::BTreeMap<_, _>>>::encode(&map).unwrap(),
        SECRET.into(),
        [SECRET.as_bytes(), b"\xff"].concat(),
    ];
    let halves: Vec<_> = all
        .iter()
        .map(|bytes| bytes[..bytes.len() - 1].to_vec())
        .collect();
    all.extend(halves);
    all
}

#[test]
fn no_coder_quotes_what_it_cannot_read() {
    let service = Service {
        redis: Redis::open("redis://127.0.0.1:1").unwrap(),
    };
    for bytes in encoded::<Json>() {
        look_at(service.json_number_ring().decode(&bytes));
        look_at(service.json_kind_ring().decode(&bytes));
        look_at(service.json_named_ring().decode(&bytes));
        look_at(service.json_address_ring().decode(&bytes));
        look_at(service.json_unit_ring().decode(&bytes));
        look_at(service.json_character_ring().decode(&bytes));
        look_at(service.json_pair_ring().decode(&bytes));
        look_at(service.json_bytes_ring().decode(&bytes));
    }
    for bytes in encoded::<Cbor>() {
        look_at(service.cbor_number_ring().decode(&bytes));
        look_at(service.cbor_kind_ring().decode(&bytes));
        look_at(service.cbor_named_ring().decode(&bytes));
        look_at(service.cbor_address_ring().decode(&bytes));
        look_at(service.cbor_unit_ring().decode(&bytes));
        look_at(service.cbor_character_ring().decode(&bytes));
        look_at(service.cbor_pair_ring().decode(&bytes));
    }
    look_at(service.raw_ring().decode(&[SECRET.as_bytes(), b"\xff"].concat()));
    assert_debug_redacted(&service.raw_ring());
}

#[test]
fn what_was_expected_is_said() {
    let service = Service {
        redis: Redis::open("redis://127.0.0.1:1").unwrap(),
    };
    let text = Json::encode(&SECRET.to_owned()).unwrap();
    let error = service.json_number_ring().decode(&text).unwrap_err().to_string();
    assert!(
        error.ends_with("invalid type, expected u32 at line 1 column 14"),
        "{error}"
    );
    let error = service.json_named_ring().decode(b"{}").unwrap_err().to_string();
    assert!(error.contains("missing field `name`"), "{error}");
    let text = Cbor::encode(&SECRET.to_owned()).unwrap();
    let error = service.cbor_kind_ring().decode(&text).unwrap_err().to_string();
    assert!(error.ends_with("unknown variant, expected `Known`"), "{error}");
}

#[test]
fn no_coder_quotes_what_it_cannot_write() {
    let service = Service {
        redis: Redis::open("redis://127.0.0.1:1").unwrap(),
    };
    let address = Address(SECRET.into());
    look_at(service.json_address_ring().encode(&address));
    look_at(service.cbor_address_ring().encode(&address));
    look_at(service.json_address_ring().set(address.clone()));
    look_at(service.cbor_address_ring().set(address));
}
