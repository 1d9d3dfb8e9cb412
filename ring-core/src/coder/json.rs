//! JSON, by serde_json.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::discreet::discreet;
use super::{Cause, Coder};

/// JSON: readable by everything, the original's `coder='json'` included, and what that wrote is read. Nesting is limited
/// to 128 levels.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl<V: Serialize + DeserializeOwned> Coder<V> for Json {
    fn encode(value: &V) -> Result<Vec<u8>, Cause> {
        serde_json::to_vec(value).map_err(|error| cause(&error))
    }

    fn decode(bytes: &[u8]) -> Result<V, Cause> {
        serde_json::from_slice(bytes).map_err(|error| cause(&error))
    }
}

fn cause(error: &serde_json::Error) -> Cause {
    if error.is_data() {
        discreet(&error.to_string()).into()
    } else {
        error.to_string().into()
    }
}
