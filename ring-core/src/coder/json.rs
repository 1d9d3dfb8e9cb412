//! JSON, by serde_json.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Cause, Coder};

/// JSON: readable by everything, the original's `coder='json'` included, and what that wrote is read. Nesting is limited
/// to 128 levels.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl<V: Serialize + DeserializeOwned> Coder<V> for Json {
    fn encode(value: &V) -> Result<Vec<u8>, Cause> {
        Ok(serde_json::to_vec(value)?)
    }

    fn decode(bytes: &[u8]) -> Result<V, Cause> {
        Ok(serde_json::from_slice(bytes)?)
    }
}
