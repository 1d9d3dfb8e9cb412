//! Bytes and strings as they are.

use super::{Cause, Coder};

/// Bytes and strings as they are, without a frame. The original stores bytes without a coder in the same form.
#[derive(Clone, Copy, Debug)]
pub struct Raw;

impl Coder<Vec<u8>> for Raw {
    fn encode(value: &Vec<u8>) -> Result<Vec<u8>, Cause> {
        Ok(value.clone())
    }

    fn decode(bytes: &[u8]) -> Result<Vec<u8>, Cause> {
        Ok(bytes.to_vec())
    }
}

impl Coder<String> for Raw {
    fn encode(value: &String) -> Result<Vec<u8>, Cause> {
        Ok(value.clone().into_bytes())
    }

    fn decode(bytes: &[u8]) -> Result<String, Cause> {
        Ok(std::str::from_utf8(bytes)?.to_owned())
    }
}

#[cfg(feature = "bytes")]
impl Coder<bytes::Bytes> for Raw {
    fn encode(value: &bytes::Bytes) -> Result<Vec<u8>, Cause> {
        Ok(value.to_vec())
    }

    fn decode(bytes: &[u8]) -> Result<bytes::Bytes, Cause> {
        Ok(bytes::Bytes::copy_from_slice(bytes))
    }
}
