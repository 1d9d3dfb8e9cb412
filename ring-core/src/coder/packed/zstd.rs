//! Zstandard, by the C library of that name.

use ::zstd::bulk;

use super::{Algorithm, sealed};

/// Zstandard at its default level, 3: smaller than `Lz4`, slower to write. Feature `zstd`, which builds
/// the C library from source: a C compiler is needed, and its code reads the bytes of the storage.
#[derive(Clone, Copy, Debug)]
pub struct Zstd;

const LEVEL: i32 = 3;

impl sealed::Sealed for Zstd {}

impl Algorithm for Zstd {
    const METHOD: u8 = 2;

    fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
        bulk::compress(bytes, LEVEL).ok()
    }
}

pub(super) fn decompress(data: &[u8], size: usize) -> Option<Vec<u8>> {
    bulk::decompress(data, size).ok()
}
