//! For any frame in a storage, `Packed` returns a value or an error, in bounded memory. Any bytes are restored, also those
//! that look like frames.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use ring_cache::coder::{Coder, Lz4, Packed, Raw, Zstd};

/// The beginning of a frame.
const MARK: &[u8] = b"\xffrp";
/// The largest unpacked value, and the memory for any input.
const ALLOWED: u64 = (64 << 20) + (1 << 20);

type Bytes = Vec<u8>;

fn comes_back<C: Coder<Bytes>>(value: &Bytes) {
    let packed = C::encode(value).expect("any bytes can be packed");
    assert!(packed.len() <= value.len() + MARK.len() + 1);
    let back: Bytes = C::decode(&packed).expect("what was packed can be unpacked");
    assert_eq!(back, *value);
}

fn unpack(bytes: &[u8]) {
    let mut unpacked = None;
    let allocated = allocation_counter::measure(|| unpacked = Packed::<Raw, Lz4>::decode(bytes).ok());
    let copy = bytes.len() as u64;
    assert!(
        allocated.bytes_max <= ALLOWED + copy,
        "{} bytes",
        allocated.bytes_max
    );
    let by_other: Option<Bytes> = Packed::<Raw, Zstd>::decode(bytes).ok();
    assert_eq!(unpacked, by_other, "each reads the frames of the other");
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((&kind, bytes)) = input.split_first() else {
        return Corpus::Reject;
    };
    let marked = [MARK, bytes].concat();
    match kind % 4 {
        0 => unpack(bytes),
        1 => unpack(&marked),
        2 => comes_back::<Packed<Raw, Lz4>>(&bytes.repeat(1 + usize::from(kind >> 2))),
        _ => {
            comes_back::<Packed<Raw, Lz4>>(&marked);
            comes_back::<Packed<Raw, Zstd>>(&bytes.repeat(1 + usize::from(kind >> 2)));
        }
    }
    Corpus::Keep
});
