//! MessagePack, by rmp-serde.

use rmp_serde::decode::Error as DecodeError;
use rmp_serde::encode::Error as EncodeError;
use rmp_serde::{Deserializer, Serializer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bounded::Bounds;
use super::null_loss::{self, Format};
use super::redact::redact;
use super::{Cause, Coder, size};

/// MessagePack: compact, self-describing, so that fields may be added and reordered. Structs are maps by the names of
/// their fields, and variants have their names, as other languages expect. At most 64 MiB and 48 levels; an option or a
/// newtype is half a level. Feature `message-pack`.
///
/// Values that would be read as another value are refused: `Some(None)` and `Some(())`, which are written like `None`.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::coder::{Coder, MessagePack};
///
/// let bytes = MessagePack::encode(&(7_u64, "Ada".to_owned())).unwrap();
/// assert_eq!(bytes, b"\x92\x07\xa3Ada");
/// assert_eq!(MessagePack::decode(&bytes).ok(), Some((7_u64, "Ada".to_owned())));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MessagePack;

impl<V: Serialize + DeserializeOwned> Coder<V> for MessagePack {
    fn encode(value: &V) -> Result<Vec<u8>, Cause> {
        let mut bytes = Vec::new();
        let mut serializer = Serializer::new(&mut bytes).with_struct_map();
        value.serialize(&mut serializer).map_err(encoding)?;
        size::check(&bytes)?;
        null_loss::refuse::<Self, V>(value, &bytes, Format::MessagePack)?;
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<V, Cause> {
        size::check(bytes)?;
        let (bounds, mut rest) = (Bounds::of(bytes), bytes);
        let mut deserializer = Deserializer::new(&mut rest);
        let value = V::deserialize(bounds.within(&mut deserializer))
            .map_err(|error| bounds.exceeded().map_or_else(|| decoding(error), Cause::from))?;
        match rest.len() {
            0 => Ok(value),
            trailing => Err(format!("{trailing} bytes follow the value").into()),
        }
    }
}

fn encoding(error: EncodeError) -> Cause {
    match error {
        EncodeError::Syntax(message) => redact(&message).into(),
        error => error.to_string().into(),
    }
}

/// Markers are not shown: that of a small number is the number.
fn decoding(error: DecodeError) -> Cause {
    match error {
        DecodeError::Syntax(message) => redact(&message).into(),
        DecodeError::TypeMismatch(_) => "invalid MessagePack: a value has another type".into(),
        DecodeError::LengthMismatch(_) => "invalid MessagePack: an array or a map has another length".into(),
        DecodeError::OutOfRange => "invalid MessagePack: a number is out of range".into(),
        DecodeError::Utf8Error(_) => "invalid MessagePack: a string is not UTF-8".into(),
        DecodeError::InvalidMarkerRead(_) | DecodeError::InvalidDataRead(_) => {
            "invalid MessagePack: the bytes end too early".into()
        }
        _ => "invalid MessagePack".into(),
    }
}
