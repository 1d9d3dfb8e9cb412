//! JSON, by serde_json.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::null_loss::{self, Format};
use super::redact::redact;
use super::{Cause, Coder};

/// JSON: readable by all programs. It reads and writes the bytes of the original's `coder='json'`. Nesting is limited
/// to 128 levels.
///
/// Numbers with a fraction keep every bit. Values that would be read as another value are refused: `Some(None)` and
/// `Some(())`, which are written like `None`, and infinities and NaN, which JSON lacks.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl<V: Serialize + DeserializeOwned> Coder<V> for Json {
    fn encode(value: &V) -> Result<Vec<u8>, Cause> {
        let bytes = serde_json::to_vec(value).map_err(|error| cause(&error))?;
        null_loss::refuse::<Self, V>(value, &bytes, Format::Json)?;
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<V, Cause> {
        serde_json::from_slice(bytes).map_err(|error| cause(&error))
    }
}

fn cause(error: &serde_json::Error) -> Cause {
    if error.is_data() {
        redact(&error.to_string()).into()
    } else {
        error.to_string().into()
    }
}
