//! `Packed`: compressed values, and entries from before it was switched on.

use proptest::prelude::*;
use ring_cache_core::coder::{Cbor, Coder, Json, Lz4, MessagePack, Packed, Raw, Zstd};

/// The beginning of a frame.
const MARK: &[u8] = b"\xffrp";

type Bytes = Vec<u8>;

/// A value that gets smaller.
fn long() -> Vec<String> {
    (0..100)
        .map(|number| format!("item {number} of the list of all items"))
        .collect()
}

/// Bytes that do not get smaller.
fn noise(length: usize) -> Bytes {
    let mut state = 7_u64;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 56) as u8
    });
    bytes.take(length).collect()
}

fn both(test: impl Fn(fn(&Bytes) -> Bytes, fn(&[u8]) -> Option<Bytes>)) {
    test(
        |value| Packed::<Raw, Lz4>::encode(value).unwrap(),
        |bytes| Packed::<Raw, Lz4>::decode(bytes).ok(),
    );
    test(
        |value| Packed::<Raw, Zstd>::encode(value).unwrap(),
        |bytes| Packed::<Raw, Zstd>::decode(bytes).ok(),
    );
}

#[test]
fn c2_long_values_get_smaller_and_come_back() {
    fn gets_smaller<C: Coder<Vec<String>>, P: Coder<Vec<String>>>() {
        let packed = P::encode(&long()).unwrap();
        assert!(packed.starts_with(MARK));
        assert!(packed.len() < C::encode(&long()).unwrap().len() / 2);
        assert_eq!(P::decode(&packed).unwrap(), long());
    }
    gets_smaller::<Cbor, Packed<Cbor, Lz4>>();
    gets_smaller::<Cbor, Packed<Cbor, Zstd>>();
    gets_smaller::<Json, Packed<Json, Lz4>>();
    gets_smaller::<MessagePack, Packed<MessagePack, Zstd>>();
}

#[test]
fn c2_short_values_and_those_that_would_not_get_smaller_are_the_coders_own_bytes() {
    both(|encode, decode| {
        for value in [vec![], vec![0; 255], noise(255), noise(256), noise(100_000)] {
            assert_eq!(encode(&value), value);
            assert_eq!(decode(&value), Some(value));
        }
        assert!(encode(&vec![0; 256]).starts_with(MARK));
    });
}

#[test]
fn bytes_that_look_like_frames_come_back() {
    both(|encode, decode| {
        for value in [
            MARK.to_vec(),
            [MARK, &[0, 1]].concat(),
            [MARK, &[1, 255, 255, 255, 255]].concat(),
            [MARK, &noise(1000)].concat(),
            [MARK, &[0; 1000]].concat(),
            encode(&vec![0; 1000]),
        ] {
            assert_eq!(decode(&encode(&value)), Some(value));
        }
    });
}

#[test]
fn c2_values_of_the_coder_alone_and_of_the_other_algorithm_are_read() {
    let read = |bytes: &[u8]| {
        let by_lz4: Vec<String> = Packed::<Json, Lz4>::decode(bytes).unwrap();
        let by_zstd: Vec<String> = Packed::<Json, Zstd>::decode(bytes).unwrap();
        assert_eq!((by_lz4, by_zstd), (long(), long()));
    };
    read(&Json::encode(&long()).unwrap());
    read(&Packed::<Json, Lz4>::encode(&long()).unwrap());
    read(&Packed::<Json, Zstd>::encode(&long()).unwrap());
    assert!(<Json as Coder<Vec<String>>>::decode(&Packed::<Json, Lz4>::encode(&long()).unwrap()).is_err());
}

/// This makes it possible to switch it on: no coder with names writes such bytes.
#[test]
fn the_mark_begins_no_value_of_another_coder() {
    for bytes in [MARK, b"\xffrp\x00", b"\xffrp\x01\x00\x00\x00\x00"] {
        assert!(<Cbor as Coder<ciborium::Value>>::decode(bytes).is_err());
        assert!(<Json as Coder<serde_json::Value>>::decode(bytes).is_err());
        assert!(<MessagePack as Coder<serde_json::Value>>::decode(bytes).is_err());
        assert!(<MessagePack as Coder<i8>>::decode(bytes).is_err());
        assert!(<Raw as Coder<String>>::decode(bytes).is_err());
    }
}

fn frame(method: u8, size: u32, data: &[u8]) -> Bytes {
    [MARK, &[method], &size.to_le_bytes(), data].concat()
}

#[test]
fn c2_bombs_are_refused() {
    let refused = |bytes: &[u8]| {
        Packed::<Raw, Zstd>::decode(bytes)
            .map(|bytes: Bytes| bytes.len())
            .unwrap_err()
    };
    let zeros = vec![0; (64 << 20) + 1];
    let (lz4, zstd) = (
        lz4_flex::block::compress(&zeros),
        zstd::bulk::compress(&zeros, 3).unwrap(),
    );
    assert!(zstd.len() < 10_000);
    for (method, data) in [(1, &lz4), (2, &zstd)] {
        let size = zeros.len() as u32;
        assert!(
            refused(&frame(method, size, data))
                .to_string()
                .contains("the limit is")
        );
        for false_size in [0, 1, 1 << 20, size - 1] {
            refused(&frame(method, false_size, data));
        }
        // The frame announces more bytes than it has.
        for few in [
            &[][..],
            &[0],
            &[0x1f, 0, 1, 0, 0],
            &data[..20],
            &[0x28, 0xb5, 0x2f, 0xfd],
        ] {
            refused(&frame(method, 64 << 20, few));
            refused(&frame(method, u32::MAX, few));
        }
    }
    let allocated = allocation_counter::measure(|| _ = refused(&frame(1, 64 << 20, &[0x1f; 20])));
    assert!(allocated.bytes_max < 1000, "{}", allocated.bytes_max);
}

#[test]
fn values_of_more_than_64_mib_are_not_compressed() {
    both(|encode, decode| {
        let value = vec![0; (64 << 20) + 1];
        assert_eq!(encode(&value).len(), value.len());
        assert!(decode(&encode(&value)).is_some_and(|back| back == value));
        let value = vec![0; 64 << 20];
        assert!(encode(&value).len() < 1 << 20);
        assert!(decode(&encode(&value)).is_some_and(|back| back == value));
    });
}

#[test]
fn damaged_values_do_no_harm() {
    both(|encode, decode| {
        let (value, packed) = (vec![7; 1000], encode(&vec![7; 1000]));
        for cut in MARK.len()..packed.len() {
            assert_ne!(decode(&packed[..cut]), Some(value.clone()));
        }
        for bit in 0..8 * packed.len() {
            let mut damaged = packed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            decode(&damaged);
        }
        let unknown = Packed::<Raw, Lz4>::decode(&frame(9, 10, &[0; 20])).map(|_: Bytes| ());
        assert!(unknown.unwrap_err().to_string().contains("method 9"));
    });
}

proptest! {
    #[test]
    fn any_bytes_come_back(value: Bytes, repeated in 0..200_usize, marked: bool) {
        let value = value.repeat(repeated);
        let value = if marked { [MARK, &value].concat() } else { value };
        both(|encode, decode| {
            let packed = encode(&value);
            assert!(packed.len() <= value.len() + MARK.len() + 1);
            assert_eq!(decode(&packed).as_ref(), Some(&value));
        });
    }

    #[test]
    fn any_frame_is_a_value_or_an_error(method in 0..4_u8, size: u32, data: Bytes) {
        both(|_, decode| _ = decode(&frame(method, size, &data)));
    }
}
