//! `coder`: the storage contains the coder's bytes.

use ring_cache::coder::{Cause, Cbor, Coder, Json, Raw};

use super::*;

/// Writes numbers in words.
struct Words;

impl Coder<u32> for Words {
    fn encode(value: &u32) -> Result<Vec<u8>, Cause> {
        Ok(vec![b'x'; usize::try_from(*value)?])
    }
    fn decode(bytes: &[u8]) -> Result<u32, Cause> {
        Ok(u32::try_from(bytes.len())?)
    }
}

static BYTES: LazyLock<Map<Vec<u8>>> = LazyLock::new(Map::new);

#[ring_impl(map = BYTES, coder = Json)]
impl Service {
    #[ring]
    fn json(&self) -> Vec<u32> {
        vec![1, 2]
    }
    #[ring(coder = Cbor)]
    fn cbor(&self) -> Vec<u32> {
        vec![1, 2]
    }
    #[ring(coder = Raw)]
    fn raw(&self) -> String {
        "raw".into()
    }
    #[ring(coder = Words)]
    fn words(&self) -> u32 {
        3
    }
    #[ring]
    fn coded_result(&self) -> Result<u32, String> {
        Ok(4)
    }
    #[ring(capacity = 5)]
    fn in_an_lru(&self) -> u32 {
        5
    }
}

#[test]
fn storages_hold_what_the_coder_makes() {
    let service = service();
    assert_eq!(service.json(), service.cbor());
    assert_eq!(
        (service.raw(), service.words(), service.coded_result()),
        ("raw".into(), 3, Ok(4))
    );
    let held = |key: ring_cache::Key| BYTES.get(&key).unwrap();
    assert_eq!(held(service.json_ring().key()), b"[1,2]");
    assert_eq!(held(service.cbor_ring().key()), [0x82, 1, 2]);
    assert_eq!(held(service.raw_ring().key()), b"raw");
    assert_eq!(held(service.words_ring().key()), b"xxx");
    assert_eq!(held(service.coded_result_ring().key()), b"4");
    assert_eq!(service.words_ring().decode(b"xx").unwrap(), 2);
    service.in_an_lru();
    assert_eq!(
        service
            .in_an_lru_ring()
            .storage()
            .get(&service.in_an_lru_ring().key())
            .unwrap(),
        b"5"
    );
}

#[test]
fn foreign_bytes_are_a_miss_that_is_overwritten() {
    let service = service();
    BYTES.set(&service.json_ring().key(), b"{not json".to_vec());
    assert_eq!(service.json_ring().get(), None);
    assert_eq!(service.json(), [1, 2]);
    assert_eq!(service.json_ring().get(), Some(vec![1, 2]));
}

/// The handle does not depend on the values' type.
#[test]
fn the_handle_of_a_method_with_a_coder() {
    #[ring(coder = Json, capacity = 3)]
    fn f(n: u32) -> u32 {
        n
    }
    f(1);
    f(1);
    assert_eq!((f_cache().stats().hits, f_cache().storage().len()), (1, 1));
    f_cache().clear();
    assert!(!f_ring(1).has());
}
