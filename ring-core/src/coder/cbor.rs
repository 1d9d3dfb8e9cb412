//! CBOR (RFC 8949), by ciborium.

use std::fmt;

use ciborium::{de, ser};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::null_loss::{self, Format};
use super::redact::redact;
use super::{Cause, Coder, size};

/// The greatest depth of nesting. Measured without optimization on a stack of 256 KiB, over nested arrays, maps,
/// tags, structs and tagged enums: 64 levels always fit, 96 do not.
const DEPTH: usize = 64;

/// CBOR: compact, self-describing, so that fields may be added and reordered. At most 64 MiB and 64 levels.
///
/// Values that would be read as another value are refused: `Some(None)` and `Some(())`, which are written like `None`.
#[derive(Clone, Copy, Debug)]
pub struct Cbor;

impl<V: Serialize + DeserializeOwned> Coder<V> for Cbor {
    fn encode(value: &V) -> Result<Vec<u8>, Cause> {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes).map_err(encoding)?;
        size::check(&bytes)?;
        null_loss::refuse::<Self, V>(value, &bytes, Format::Cbor)?;
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<V, Cause> {
        size::check(bytes)?;
        let mut rest = bytes;
        let value = de::from_reader_with_recursion_limit(&mut rest, DEPTH).map_err(decoding)?;
        match rest.len() {
            0 => Ok(value),
            trailing => Err(format!("{trailing} bytes follow the value").into()),
        }
    }
}

fn encoding<E: fmt::Display + fmt::Debug>(error: ser::Error<E>) -> Cause {
    match error {
        ser::Error::Value(message) => redact(&message).into(),
        error => error.to_string().into(),
    }
}

fn decoding<E: fmt::Debug>(error: de::Error<E>) -> Cause {
    match error {
        de::Error::Semantic(_, message) => redact(&message).into(),
        error => format!("invalid CBOR: {error:?}").into(),
    }
}
