//! LZ4 blocks, by lz4_flex without unsafe code.

use lz4_flex::block;

use super::{Algorithm, sealed};

/// LZ4: fast both ways, in Rust alone. Feature `lz4`.
#[derive(Clone, Copy, Debug)]
pub struct Lz4;

impl sealed::Sealed for Lz4 {}

impl Algorithm for Lz4 {
    const METHOD: u8 = 1;

    fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
        Some(block::compress(bytes))
    }
}

/// A byte of a block stands for at most 255.
const EXPANSION: usize = 255;

pub(super) fn decompress(data: &[u8], size: usize) -> Option<Vec<u8>> {
    if size / EXPANSION > data.len() {
        return None;
    }
    let mut bytes = vec![0; size];
    let length = block::decompress_into(data, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}
