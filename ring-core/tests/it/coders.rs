//! Coders: values become bytes and come back, and foreign bytes do no harm.

use ring_cache_core::coder::{Coder, Raw};

#[test]
fn raw_stores_bytes_and_strings_unchanged() {
    let bytes = vec![0_u8, 255, 10, 0];
    assert_eq!(Raw::encode(&bytes).unwrap(), bytes);
    let back: Vec<u8> = Raw::decode(&bytes).unwrap();
    assert_eq!(back, bytes);
    let text = "grün\0".to_owned();
    assert_eq!(Raw::encode(&text).unwrap(), text.as_bytes());
    let back: String = Raw::decode(text.as_bytes()).unwrap();
    assert_eq!(back, text);
    assert!(<Raw as Coder<String>>::decode(&bytes).is_err());
}

#[cfg(feature = "bytes")]
#[test]
fn raw_takes_bytes_of_the_crate_bytes() {
    let value = bytes::Bytes::from_static(b"\0x");
    let encoded = Raw::encode(&value).unwrap();
    assert_eq!(encoded, b"\0x");
    assert_eq!(<Raw as Coder<bytes::Bytes>>::decode(&encoded).unwrap(), value);
}

#[cfg(any(
    feature = "cbor",
    feature = "json",
    feature = "message-pack",
    feature = "postcard"
))]
mod with_serde {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct User {
        id: u64,
        name: Option<String>,
        tags: Vec<Tag>,
        scores: BTreeMap<String, f64>,
        last: (i8, char, bool),
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Tag {
        Admin,
        Team(String),
        Since { year: i32 },
    }

    fn user() -> User {
        User {
            id: u64::MAX,
            name: Some("Ada \u{1f680} \"quoted\"".into()),
            tags: vec![Tag::Admin, Tag::Team("x:y".into()), Tag::Since { year: -44 }],
            scores: BTreeMap::from([("a".into(), 1.5), ("b".into(), -0.0)]),
            last: (-128, 'ß', true),
        }
    }

    /// An older version of it.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Older {
        id: u64,
        email: String,
    }

    /// A value of any depth.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Deep(Vec<Deep>);

    #[cfg(any(feature = "cbor", feature = "message-pack", feature = "postcard"))]
    fn deep(levels: usize) -> Deep {
        (1..levels).fold(Deep(Vec::new()), |inner, _| Deep(vec![inner]))
    }

    fn comes_back<C: Coder<User> + Coder<Option<u8>> + Coder<String>>() {
        let bytes = C::encode(&user()).unwrap();
        let back: User = C::decode(&bytes).unwrap();
        assert_eq!(back, user());
        let back: Option<u8> = C::decode(&C::encode(&None::<u8>).unwrap()).unwrap();
        assert_eq!(back, None);
        for cut in 0..bytes.len() {
            assert!(<C as Coder<User>>::decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let mut longer = bytes;
        longer.push(b'0');
        assert!(<C as Coder<User>>::decode(&longer).is_err(), "trailing bytes");
    }

    fn refuses_other_shapes<C: Coder<User> + Coder<Older> + Coder<u8>>() {
        let older = Older {
            id: 1,
            email: "a@b".into(),
        };
        assert!(<C as Coder<User>>::decode(&C::encode(&older).unwrap()).is_err());
        assert!(<C as Coder<u8>>::decode(&C::encode(&user()).unwrap()).is_err());
    }

    /// Runs on a stack that is smaller than those of usual threads.
    #[cfg(any(feature = "cbor", feature = "message-pack", feature = "postcard"))]
    fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        thread.spawn(run).unwrap().join().unwrap();
    }

    #[cfg(feature = "json")]
    mod json {
        use ring_cache_core::coder::Json;

        use super::*;

        #[test]
        fn values_come_back() {
            comes_back::<Json>();
            refuses_other_shapes::<Json>();
            assert_eq!(
                Json::encode(&("a".to_owned(), [1, 2])).unwrap(),
                br#"["a",[1,2]]"#
            );
        }

        #[test]
        fn whitespace_after_the_value_is_ignored() {
            let value: u8 = Json::decode(b" 7\n").unwrap();
            assert_eq!(value, 7);
            assert!(<Json as Coder<u8>>::decode(b"7 7").is_err());
        }

        #[test]
        fn deep_values_are_an_error() {
            let bytes = "[".repeat(1_000_000).into_bytes();
            assert!(<Json as Coder<Deep>>::decode(&bytes).is_err());
            assert!(<Json as Coder<serde_json::Value>>::decode(&bytes).is_err());
        }
    }

    #[cfg(feature = "cbor")]
    mod cbor {
        use ciborium::Value;
        use ring_cache_core::coder::Cbor;
        use ring_cache_core::storage::Coded;
        use ring_cache_core::{Map, Plain};

        use super::*;
        use crate::support::Cache;

        #[test]
        fn values_come_back() {
            comes_back::<Cbor>();
            refuses_other_shapes::<Cbor>();
        }

        #[test]
        fn fields_may_be_added_and_reordered() {
            #[derive(Serialize, Deserialize)]
            struct Newer {
                email: String,
                #[serde(default)]
                name: Option<String>,
                id: u64,
            }
            let older = Older {
                id: 1,
                email: "a@b".into(),
            };
            let newer: Newer = Cbor::decode(&Cbor::encode(&older).unwrap()).unwrap();
            assert_eq!((newer.id, &*newer.email, newer.name), (1, "a@b", None));
        }

        #[test]
        fn a_million_nested_arrays_are_an_error_on_a_small_stack() {
            for head in [0x81_u8, 0x9f, 0xc1, 0xa1] {
                on_a_small_stack(move || {
                    let bytes = vec![head; 1_000_000];
                    assert!(<Cbor as Coder<Deep>>::decode(&bytes).is_err());
                    assert!(<Cbor as Coder<Value>>::decode(&bytes).is_err());
                    assert!(<Cbor as Coder<Vec<Option<Box<Value>>>>>::decode(&bytes).is_err());
                });
            }
        }

        #[test]
        fn moderate_nesting_comes_back_on_a_small_stack() {
            on_a_small_stack(|| {
                let value = deep(60);
                let back: Deep = Cbor::decode(&Cbor::encode(&value).unwrap()).unwrap();
                assert_eq!(back, value);
            });
        }

        #[test]
        fn a_value_that_is_nested_too_deep_is_computed_every_time() {
            let (ring, map) = (crate::support::ring(), Map::new());
            for _ in 0..2 {
                let cached = Cache::new(ring, Coded::<_, Cbor>::from(&map))
                    .bind::<Plain<Deep>, _, _>((), |()| deep(100));
                assert_eq!(cached.get_or_update(), deep(100));
            }
        }

        #[test]
        fn a_false_length_allocates_no_memory() {
            for major in [0x40_u8, 0x60, 0x80, 0xa0] {
                let mut bytes = vec![major | 27];
                bytes.extend((1_u64 << 62).to_be_bytes());
                bytes.extend([0; 100]);
                assert!(<Cbor as Coder<Vec<u64>>>::decode(&bytes).is_err());
                assert!(<Cbor as Coder<Vec<[u64; 32]>>>::decode(&bytes).is_err());
                assert!(<Cbor as Coder<String>>::decode(&bytes).is_err());
                assert!(<Cbor as Coder<BTreeMap<u8, u8>>>::decode(&bytes).is_err());
                assert!(<Cbor as Coder<Value>>::decode(&bytes).is_err());
                assert!(<Cbor as Coder<User>>::decode(&bytes).is_err());
            }
        }

        #[test]
        fn more_than_64_mib_are_refused_both_ways() {
            let value = "x".repeat((64 << 20) + 1);
            let error = Cbor::encode(&value).unwrap_err();
            assert!(error.to_string().contains("more than the limit"), "{error}");
            assert!(<Cbor as Coder<String>>::decode(value.as_bytes()).is_err());
        }
    }

    /// Values that nest in each way that serde has.
    #[cfg(any(feature = "message-pack", feature = "postcard"))]
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Nest {
        Leaf,
        Newtype(Box<Nest>),
        Tuple(u8, Box<Nest>),
        Struct { inner: Box<Nest> },
        Many(Vec<Nest>),
        Maybe(Option<Box<Nest>>),
        Named(BTreeMap<String, Nest>),
    }

    /// It reads itself without bytes, where `Some` is written as its content.
    #[cfg(any(feature = "message-pack", feature = "postcard"))]
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Endless(Option<Box<Endless>>);

    #[cfg(any(feature = "message-pack", feature = "postcard"))]
    fn moderate_nesting_comes_back<C: Coder<Nest> + Coder<Deep>>() {
        on_a_small_stack(|| {
            let value = deep(30);
            let back: Deep = C::decode(&C::encode(&value).unwrap()).unwrap();
            assert_eq!(back, value);
            let wraps: [fn(Nest) -> Nest; 6] = [
                |inner| Nest::Newtype(Box::new(inner)),
                |inner| Nest::Tuple(1, Box::new(inner)),
                |inner| Nest::Struct {
                    inner: Box::new(inner),
                },
                |inner| Nest::Many(vec![Nest::Leaf, inner]),
                |inner| Nest::Maybe(Some(Box::new(inner))),
                |inner| Nest::Named(BTreeMap::from([("a".to_owned(), inner)])),
            ];
            for wrap in wraps {
                let value = (0..20).fold(Nest::Leaf, |inner, _| wrap(inner));
                let back: Nest = C::decode(&C::encode(&value).unwrap()).unwrap();
                assert_eq!(back, value);
            }
        });
    }

    /// A million bytes that nest.
    #[cfg(any(feature = "message-pack", feature = "postcard"))]
    fn is_refused_on_a_small_stack<C: Coder<V> + 'static, V: 'static>(level: &'static [u8]) {
        on_a_small_stack(move || {
            let bytes = level.repeat(1_000_000 / level.len());
            let error = C::decode(&bytes).err().expect("too deep").to_string();
            assert!(error.contains("nested too deep"), "{error}");
        });
    }

    #[cfg(feature = "postcard")]
    mod postcard {
        use ring_cache_core::coder::Postcard;

        use super::*;

        #[test]
        fn c4_values_come_back() {
            comes_back::<Postcard>();
            refuses_other_shapes::<Postcard>();
            assert_eq!(
                Postcard::encode(&("a".to_owned(), [1_u8, 2])).unwrap(),
                b"\x01a\x01\x02"
            );
        }

        #[test]
        fn recursion_is_bounded() {
            moderate_nesting_comes_back::<Postcard>();
            is_refused_on_a_small_stack::<Postcard, Deep>(&[1]);
            is_refused_on_a_small_stack::<Postcard, Endless>(&[1]);
            for level in [&[1][..], &[2, 0], &[3], &[4, 1], &[5, 1], &[6, 1, 0]] {
                is_refused_on_a_small_stack::<Postcard, Nest>(level);
            }
            let error = Postcard::encode(&deep(100)).unwrap_err().to_string();
            assert!(error.contains("nested too deep"), "{error}");
        }

        #[test]
        fn false_lengths_cost_neither_memory_nor_time() {
            let length = [255, 255, 255, 255, 255, 255, 255, 255, 127];
            let bytes = [&length[..], &[0; 100]].concat();
            assert!(<Postcard as Coder<Vec<u64>>>::decode(&bytes).is_err());
            assert!(<Postcard as Coder<Vec<[u64; 32]>>>::decode(&bytes).is_err());
            assert!(<Postcard as Coder<String>>::decode(&bytes).is_err());
            assert!(<Postcard as Coder<BTreeMap<u8, u8>>>::decode(&bytes).is_err());
            let error = <Postcard as Coder<Vec<()>>>::decode(&length)
                .unwrap_err()
                .to_string();
            assert!(error.contains("more elements than bytes"), "{error}");
            assert!(<Postcard as Coder<BTreeMap<(), ()>>>::decode(&length).is_err());
            assert!(<Postcard as Coder<Vec<Vec<()>>>>::decode(&[&[40][..], &length].concat()).is_err());
            let units = vec![(); 1 << 16];
            let back: Vec<()> = Postcard::decode(&Postcard::encode(&units).unwrap()).unwrap();
            assert_eq!(back, units);
            assert!(Postcard::encode(&vec![(); 1 << 17]).is_err());
        }

        #[test]
        fn more_than_64_mib_are_refused_both_ways() {
            let value = "x".repeat((64 << 20) + 1);
            let error = Postcard::encode(&value).unwrap_err();
            assert!(error.to_string().contains("more than the limit"), "{error}");
            assert!(<Postcard as Coder<String>>::decode(value.as_bytes()).is_err());
        }
    }

    #[cfg(feature = "message-pack")]
    mod message_pack {
        use ring_cache_core::coder::MessagePack;

        use super::*;

        #[test]
        fn c4_values_come_back() {
            comes_back::<MessagePack>();
            refuses_other_shapes::<MessagePack>();
            let older = Older {
                id: 1,
                email: "a".into(),
            };
            assert_eq!(
                MessagePack::encode(&older).unwrap(),
                b"\x82\xa2id\x01\xa5email\xa1a"
            );
        }

        #[test]
        fn fields_may_be_added_and_reordered() {
            #[derive(Serialize, Deserialize)]
            struct Newer {
                email: String,
                #[serde(default)]
                name: Option<String>,
                id: u64,
            }
            let older = Older {
                id: 1,
                email: "a@b".into(),
            };
            let newer: Newer = MessagePack::decode(&MessagePack::encode(&older).unwrap()).unwrap();
            assert_eq!((newer.id, &*newer.email, newer.name), (1, "a@b", None));
        }

        #[test]
        fn recursion_is_bounded() {
            moderate_nesting_comes_back::<MessagePack>();
            is_refused_on_a_small_stack::<MessagePack, Deep>(&[0x91]);
            is_refused_on_a_small_stack::<MessagePack, Endless>(&[0x01]);
            is_refused_on_a_small_stack::<MessagePack, serde_json::Value>(&[0x91]);
            is_refused_on_a_small_stack::<MessagePack, serde_json::Value>(b"\x81\xa1a");
            for level in [
                &b"\x81\xa7Newtype"[..],
                b"\x81\xa5Tuple\x92\x01",
                b"\x81\xa6Struct\x81\xa5inner",
                b"\x81\xa4Many\x91",
                b"\x81\xa5Maybe",
                b"\x81\xa5Named\x81\xa1a",
            ] {
                is_refused_on_a_small_stack::<MessagePack, Nest>(level);
            }
        }

        #[test]
        fn false_lengths_cost_neither_memory_nor_time() {
            for marker in [0xc6_u8, 0xdb, 0xdd, 0xdf, 0xc9] {
                let bytes = [&[marker, 255, 255, 255, 255][..], &[0; 100]].concat();
                assert!(<MessagePack as Coder<Vec<u64>>>::decode(&bytes).is_err());
                assert!(<MessagePack as Coder<Vec<[u64; 32]>>>::decode(&bytes).is_err());
                assert!(<MessagePack as Coder<String>>::decode(&bytes).is_err());
                assert!(<MessagePack as Coder<BTreeMap<u8, u8>>>::decode(&bytes).is_err());
                assert!(<MessagePack as Coder<Vec<()>>>::decode(&bytes).is_err());
                assert!(<MessagePack as Coder<serde_json::Value>>::decode(&bytes).is_err());
                assert!(<MessagePack as Coder<User>>::decode(&bytes).is_err());
            }
        }

        #[test]
        fn errors_quote_no_values() {
            let secrets = BTreeMap::from([("id".to_owned(), "secret".to_owned())]);
            for bytes in [
                MessagePack::encode(&secrets).unwrap(),
                MessagePack::encode(&"secret".to_owned()).unwrap(),
                MessagePack::encode(&vec!["secret".to_owned()]).unwrap(),
                MessagePack::encode(&77_u8).unwrap(),
            ] {
                let error = <MessagePack as Coder<User>>::decode(&bytes)
                    .unwrap_err()
                    .to_string();
                assert!(!error.contains("secret") && !error.contains("77"), "{error}");
                let error = <MessagePack as Coder<Vec<Tag>>>::decode(&bytes)
                    .unwrap_err()
                    .to_string();
                assert!(!error.contains("secret") && !error.contains("77"), "{error}");
            }
        }

        #[test]
        fn more_than_64_mib_are_refused_both_ways() {
            let value = "x".repeat((64 << 20) + 1);
            let error = MessagePack::encode(&value).unwrap_err();
            assert!(error.to_string().contains("more than the limit"), "{error}");
            assert!(<MessagePack as Coder<String>>::decode(value.as_bytes()).is_err());
        }
    }
}
