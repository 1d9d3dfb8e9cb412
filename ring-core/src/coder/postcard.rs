//! Postcard, by the crate of that name.

use ::postcard::{Deserializer, Error, to_stdvec};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bounded::Bounds;
use super::{Cause, Coder, digest, size};

/// Postcard: the shortest bytes, without names and types. At most 64 MiB and 48 levels; an option
/// or a newtype is half a level. Feature `postcard`.
///
/// The bytes do not describe themselves. **A struct with a field added, removed or reordered may read old bytes as another
/// value**, without an error. Write `version = shape` on the ring, change its `version` with the type, or use
/// [`Cbor`](super::Cbor) or [`MessagePack`](super::MessagePack), which store names.
///
/// A value that would be read as another value, or not at all, is refused: each encoded value is also decoded and compared,
/// so a store takes several times as long as with `MessagePack`, and a hit less. Refused are types that need names, as with
/// `#[serde(flatten)]`, `#[serde(untagged)]` and `#[serde(tag)]`; values with fields omitted by `skip_serializing_if`; and
/// more than 65,536 elements without bytes, as of a `Vec<()>`.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::coder::{Coder, Postcard};
///
/// let bytes = Postcard::encode(&(7_u64, "Ada".to_owned())).unwrap();
/// assert_eq!(bytes, b"\x07\x03Ada");
/// assert_eq!(Postcard::decode(&bytes).ok(), Some((7_u64, "Ada".to_owned())));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Postcard;

impl<V: Serialize + DeserializeOwned> Coder<V> for Postcard {
    fn encode(value: &V) -> Result<Vec<u8>, Cause> {
        let bytes = to_stdvec(value).map_err(encoding)?;
        let read: V = Self::decode(&bytes).map_err(|cause| format!("it could not be read again: {cause}"))?;
        if !digest::are_equal(value, &read) {
            return Err(
                "it would be read as another value: Postcard has no names, so no field may be left out"
                    .into(),
            );
        }
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<V, Cause> {
        size::check(bytes)?;
        let (bounds, mut deserializer) = (Bounds::of(bytes), Deserializer::from_bytes(bytes));
        let value = V::deserialize(bounds.within(&mut deserializer))
            .map_err(|error| bounds.exceeded().map_or_else(|| decoding(error), Cause::from))?;
        match deserializer.finalize().map_err(decoding)?.len() {
            0 => Ok(value),
            trailing => Err(format!("{trailing} bytes follow the value").into()),
        }
    }
}

fn encoding(error: Error) -> Cause {
    match error {
        Error::SerializeSeqLengthUnknown => {
            "its number of elements is not known before they are written, as with `#[serde(flatten)]`".into()
        }
        error => error.to_string().into(),
    }
}

/// The crate's errors quote no values, and omit messages of types.
fn decoding(error: Error) -> Cause {
    match error {
        Error::WontImplement => "its type needs names in the bytes, which Postcard does not write".into(),
        Error::SerdeDeCustom => "the value is invalid for its type".into(),
        error => format!("invalid Postcard: {error}").into(),
    }
}
