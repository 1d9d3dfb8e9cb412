//! Compressed values of another coder.
//!
//! A frame is the mark `FF 72 70`, the number of the method, and for compressed bytes their size before compression
//! (four bytes, little-endian). Method 0 is no compression: bytes of the other coder that begin with the mark.

#[cfg(feature = "lz4")]
mod lz4;
#[cfg(feature = "zstd")]
mod zstd;

use std::marker::PhantomData;

#[cfg(feature = "lz4")]
pub use lz4::Lz4;
#[cfg(feature = "zstd")]
pub use zstd::Zstd;

use super::{Cause, Coder, EntryKey, size};

/// The beginning of a frame. No string, and no value of [`Cbor`](super::Cbor), `Json` or `MessagePack`, begins with it.
const MARK: [u8; 3] = [0xff, b'r', b'p'];

/// The number of the method without compression.
const VERBATIM: u8 = 0;

/// Shorter values are not compressed: it takes time and saves little.
const THRESHOLD: usize = 256;

/// The values of the coder `C`, compressed by `A`: [`Lz4`] or [`Zstd`]. Features `lz4` and `zstd`.
///
/// Values under 256 bytes, and those that compression would not shorten, are stored as the bytes of `C`, so that other
/// programs can read them. Others begin with a mark, and have 8 bytes beside the compressed data.
///
/// It may be switched on or off, and the algorithm changed, while entries exist:
/// - `Packed<C, A>` reads bytes written by `C`. With [`Cbor`](super::Cbor), [`Json`](super::Json), `MessagePack` and
///   strings this is unambiguous. Older bytes of [`Raw`](super::Raw) or `Postcard` may begin with the mark, `FF 72 70`: such
///   an entry is an error or, if its bytes were chosen for this, another value. Bytes written by `Packed` itself are
///   always read correctly.
/// - `Packed<C, Lz4>` reads bytes written by `Packed<C, Zstd>` if the feature is on, and the reverse.
/// - `C` alone cannot read compressed values: they are misses.
///
/// A compressed value that claims to have more than 64 MiB is refused before memory is allocated. Larger values are not
/// compressed.
///
/// Compression leaks information: if one party controls a part of a value and another part is secret, the length shows how
/// similar they are. [`Sealed`](super::Sealed) around it does not hide lengths.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// # #[cfg(all(feature = "json", feature = "lz4"))] {
/// use ring_cache::coder::{Coder, Json, Lz4, Packed};
///
/// let long = vec!["ring".to_owned(); 1000];
/// let packed = Packed::<Json, Lz4>::encode(&long).unwrap();
/// assert!(packed.len() < Json::encode(&long).unwrap().len() / 50);
/// assert_eq!(Packed::<Json, Lz4>::decode(&packed).ok(), Some(long));
///
/// let short = Packed::<Json, Lz4>::encode(&7).unwrap();
/// assert_eq!(short, b"7");
/// # }
/// ```
#[derive(Debug)]
pub struct Packed<C, A>(PhantomData<fn() -> (C, A)>);

/// An algorithm of [`Packed`]. Sealed: `Packed` writes a number for each.
pub trait Algorithm: sealed::Sealed {
    /// The number in frames.
    #[doc(hidden)]
    const METHOD: u8;

    /// The compressed bytes, if it succeeds.
    #[doc(hidden)]
    fn compress(bytes: &[u8]) -> Option<Vec<u8>>;
}

mod sealed {
    /// Only this crate defines algorithms.
    pub trait Sealed {}
}

impl<V, C: Coder<V>, A: Algorithm> Coder<V> for Packed<C, A> {
    fn encode(value: &V) -> Result<Vec<u8>, Cause> {
        C::encode(value).map(pack::<A>)
    }

    fn decode(bytes: &[u8]) -> Result<V, Cause> {
        match unpack(bytes)? {
            Content::Own(bytes) => C::decode(bytes),
            Content::Unpacked(bytes) => C::decode(&bytes),
        }
    }

    fn encode_entry(value: &V, key: EntryKey<'_>) -> Result<Vec<u8>, Cause> {
        C::encode_entry(value, key).map(pack::<A>)
    }

    fn decode_entry(bytes: &[u8], key: EntryKey<'_>) -> Result<V, Cause> {
        match unpack(bytes)? {
            Content::Own(bytes) => C::decode_entry(bytes, key),
            Content::Unpacked(bytes) => C::decode_entry(&bytes, key),
        }
    }
}

fn pack<A: Algorithm>(bytes: Vec<u8>) -> Vec<u8> {
    let is_sized = (THRESHOLD..=size::LIMIT).contains(&bytes.len());
    let compressed = if is_sized { A::compress(&bytes) } else { None };
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let frame = compressed.map(|compressed| [&MARK[..], &[A::METHOD], &size, &compressed].concat());
    match frame.filter(|frame| frame.len() < bytes.len()) {
        Some(frame) => frame,
        None if bytes.starts_with(&MARK) => [&MARK[..], &[VERBATIM], &bytes].concat(),
        None => bytes,
    }
}

/// The bytes of the other coder.
enum Content<'b> {
    Own(&'b [u8]),
    Unpacked(Vec<u8>),
}

fn unpack(bytes: &[u8]) -> Result<Content<'_>, Cause> {
    let Some(frame) = bytes.strip_prefix(&MARK) else {
        return Ok(Content::Own(bytes));
    };
    let (method, rest) = frame.split_first().ok_or("a compressed value ends too early")?;
    if *method == VERBATIM {
        return Ok(Content::Own(rest));
    }
    let (size, compressed) = rest
        .split_first_chunk()
        .ok_or("a compressed value ends too early")?;
    let size = u32::from_le_bytes(*size) as usize;
    if size > size::LIMIT {
        return Err(format!("a compressed value of {size} bytes: the limit is {}", size::LIMIT).into());
    }
    let unpacked = decompress(*method, compressed, size)?;
    Ok(Content::Unpacked(
        unpacked
            .filter(|bytes| bytes.len() == size)
            .ok_or("invalid compressed data")?,
    ))
}

/// The decompressed bytes, at most `size`. `None` if the data is invalid.
fn decompress(method: u8, data: &[u8], size: usize) -> Result<Option<Vec<u8>>, Cause> {
    match method {
        #[cfg(feature = "lz4")]
        Lz4::METHOD => Ok(lz4::decompress(data, size)),
        #[cfg(feature = "zstd")]
        Zstd::METHOD => Ok(zstd::decompress(data, size)),
        _ => Err(format!("a value compressed by method {method}, whose feature is off").into()),
    }
}
