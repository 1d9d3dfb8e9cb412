//! `Sealed`: the storage reveals no values, and only bytes sealed for an entry are read as its value.

use std::cell::RefCell;
use std::sync::Arc;

use proptest::prelude::*;
use ring_cache_core::body::Body;
use ring_cache_core::coder::{Coder, EntryKey, Keys, Lz4, Packed, Raw, Sealed, SealingKey};
use ring_cache_core::storage::Coded;
use ring_cache_core::{Call, Calls, Plain, Ring};

use crate::support::{Cache, Remote, ring};

thread_local! {
    static KEYS: RefCell<Arc<[SealingKey]>> = RefCell::new(keys([1]));
}

/// The keys of the test that this thread runs.
struct OfThisTest;

impl Keys for OfThisTest {
    fn current() -> Arc<[SealingKey]> {
        KEYS.with_borrow(Arc::clone)
    }
}

/// Keys with these ids.
fn keys<const N: usize>(ids: [u8; N]) -> Arc<[SealingKey]> {
    ids.map(|id| SealingKey::new(id.into(), [id; 32])).into()
}

fn with_keys<const N: usize>(ids: [u8; N]) {
    KEYS.set(keys(ids));
}

type Coder1 = Sealed<Raw, OfThisTest>;
type Bytes = Vec<u8>;

fn seal(value: &str, key: &str) -> Bytes {
    let text = || key.to_owned();
    Coder1::encode_entry(&value.to_owned(), EntryKey::new(&text)).unwrap()
}

fn open(bytes: &[u8], key: &str) -> Result<String, String> {
    let text = || key.to_owned();
    Coder1::decode_entry(bytes, EntryKey::new(&text)).map_err(|cause| cause.to_string())
}

fn id_of(sealed: &[u8]) -> u32 {
    u32::from_be_bytes(sealed[1..5].try_into().unwrap())
}

/// `fn method(id: u32) -> String`, cached.
fn call<'s>(
    ring: &'static Ring,
    remote: &'s Remote<Bytes>,
    id: u32,
) -> Call<Plain<String>, Coded<'s, Remote<Bytes>, Coder1>, impl Body<Out = String>> {
    Cache::new(ring, Coded::from(remote)).bind((id,), move |_| format!("value {id}"))
}

fn errors(ring: &'static Ring, remote: &Remote<Bytes>) -> u64 {
    Cache::new(ring, Coded::<_, Coder1>::from(remote))
        .stats::<String>()
        .errors
}

#[test]
fn c1_keys_are_replaced_without_downtime() {
    let (ring, remote) = (ring(), Remote::<Bytes>::new());
    let stored = |id: u32| remote.entries.lock().unwrap()[&format!("p:{id}")].clone();
    let hit = |id: u32| call(ring, &remote, id).get().unwrap().is_some();
    call(ring, &remote, 1).update();
    assert_eq!(id_of(&stored(1)), 1);
    // The new key can be read everywhere before it is written anywhere.
    with_keys([1, 2]);
    call(ring, &remote, 2).update();
    assert_eq!(id_of(&stored(2)), 1);
    with_keys([2, 1]);
    assert!(hit(1) && hit(2));
    call(ring, &remote, 3).update();
    assert_eq!(id_of(&stored(3)), 2);
    assert_eq!(
        [1, 2, 3]
            .map(|id| call(ring, &remote, id))
            .get_many()
            .unwrap()
            .len(),
        3
    );
    with_keys([1, 2]);
    assert!(
        hit(1) && hit(2) && hit(3),
        "a process that still writes with the old key"
    );
    assert_eq!(errors(ring, &remote), 0);
    // Without the old key its entries are misses, and overwritten.
    with_keys([2]);
    assert!(!hit(1) && hit(3));
    assert_eq!(errors(ring, &remote), 1);
    assert_eq!(call(ring, &remote, 1).get_or_update(), "value 1");
    assert_eq!(id_of(&stored(1)), 2);
    assert!(hit(1));
}

#[test]
fn c1_an_entry_moved_under_another_key_is_a_miss() {
    let (ring, remote) = (ring(), Remote::<Bytes>::new());
    call(ring, &remote, 1).update();
    let moved = remote.entries.lock().unwrap()["p:1"].clone();
    remote.entries.lock().unwrap().insert("p:2".to_owned(), moved);
    assert_eq!(call(ring, &remote, 2).get().unwrap(), None);
    assert_eq!(call(ring, &remote, 2).get_or_update(), "value 2");
    assert_eq!(call(ring, &remote, 2).get().unwrap().as_deref(), Some("value 2"));
    assert_eq!(errors(ring, &remote), 2);
    assert!(open(&seal("a", "shop:1"), "test:1").is_err(), "another namespace");
}

#[test]
fn c1_every_flipped_bit_is_a_miss() {
    with_keys([1, 2, 3]);
    let sealed = seal("value", "key");
    assert_eq!(open(&sealed, "key").as_deref(), Ok("value"));
    for bit in 0..8 * sealed.len() {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&changed, "key").is_err(), "bit {bit}");
    }
}

#[test]
fn cut_extended_and_foreign_bytes_are_misses() {
    let sealed = seal("value", "key");
    for cut in 0..sealed.len() {
        assert!(open(&sealed[..cut], "key").is_err(), "{cut} bytes");
    }
    assert!(open(&[&sealed[..], &[0]].concat(), "key").is_err());
    assert!(open(b"value", "key").is_err(), "bytes of the other coder");
    assert!(open(&[0; 100], "key").is_err());
    assert!(open(&[1; 100], "key").is_err());
}

#[test]
fn c1_another_secret_with_the_same_id_opens_nothing_and_does_no_harm() {
    let sealed = seal("value", "key");
    let other = || SealingKey::new(1, [7; 32]);
    KEYS.set([other()].into());
    assert!(open(&sealed, "key").unwrap_err().contains("another secret"));
    KEYS.set([other(), SealingKey::new(1, [1; 32])].into());
    assert_eq!(open(&sealed, "key").as_deref(), Ok("value"));
}

#[test]
fn c1_nothing_of_a_value_or_a_secret_is_shown() {
    let [one, two] = [(); 2].map(|()| seal("a value of someone", "key"));
    assert_eq!(one.len(), "a value of someone".len() + 45);
    assert_ne!(one[29..], two[29..], "equal values differ in the storage");
    assert_ne!(one[5..29], two[5..29], "no nonce is used twice");
    assert!(!one.windows(5).any(|part| part == b"value"));
    let shown = format!("{:?}", SealingKey::new(5, [77; 32]));
    assert_eq!(shown, "SealingKey { id: 5, .. }");
    let error = open(&one, "other").unwrap_err();
    assert!(!error.contains("someone"), "{error}");
}

#[test]
fn without_keys_every_call_computes() {
    with_keys([]);
    let (ring, remote) = (ring(), Remote::<Bytes>::new());
    for _ in 0..2 {
        assert_eq!(call(ring, &remote, 1).get_or_update(), "value 1");
    }
    assert!(call(ring, &remote, 1).set("mine".to_owned()).is_err());
    assert!(remote.entries.lock().unwrap().is_empty());
    assert!(errors(ring, &remote) > 0);
    assert!(open(&[1; 100], "key").is_err());
}

#[test]
fn a_value_is_sealed_for_an_entry_only() {
    let error = Coder1::encode(&"value".to_owned()).unwrap_err().to_string();
    assert!(error.contains("encode_entry"), "{error}");
    assert!(<Coder1 as Coder<String>>::decode(&seal("value", "key")).is_err());
    let (ring, remote) = (ring(), Remote::<Bytes>::new());
    let bytes = call(ring, &remote, 1).encode(&"mine".to_owned()).unwrap();
    assert_eq!(call(ring, &remote, 1).decode(&bytes).unwrap(), "mine");
    assert!(call(ring, &remote, 2).decode(&bytes).is_err());
}

/// The format is a promise: values sealed by one release are opened by the next.
#[test]
fn c1_values_of_this_version_are_opened_for_ever() {
    with_keys([1]);
    let sealed = GOLDEN.as_bytes().chunks(2).map(|pair| {
        let digits = std::str::from_utf8(pair).unwrap();
        u8::from_str_radix(digits, 16).unwrap()
    });
    assert_eq!(
        open(&sealed.collect::<Bytes>(), "shop:user:1").as_deref(),
        Ok("Ada")
    );
}

/// Made by libsodium: the header `01 00000001 000102..17` and the value `Ada`, with the secret `01..01`.
const GOLDEN: &str =
    "0100000001000102030405060708090a0b0c0d0e0f101112131415161739b4baf37d31be9e0c829af6cd93b0c2fde51b";

#[test]
fn compressed_values_are_sealed() {
    type Both = Sealed<Packed<Raw, Lz4>, OfThisTest>;
    let text = || "key".to_owned();
    let value = "ring ".repeat(1000);
    let sealed = Both::encode_entry(&value, EntryKey::new(&text)).unwrap();
    assert!(sealed.len() < 200);
    assert_eq!(
        Both::decode_entry(&sealed, EntryKey::new(&text)).ok(),
        Some(value)
    );
}

proptest! {
    #[test]
    fn any_value_under_any_key_comes_back(value: String, key: String, other: String) {
        let sealed = seal(&value, &key);
        prop_assert_eq!(open(&sealed, &key), Ok(value));
        prop_assert_eq!(open(&sealed, &other).is_ok(), key == other);
    }

    #[test]
    fn any_bytes_are_an_error(bytes: Bytes) {
        prop_assert!(open(&bytes, "key").is_err());
        let header = [&[1, 0, 0, 0, 1][..], &bytes].concat();
        prop_assert!(open(&header, "key").is_err());
    }
}
