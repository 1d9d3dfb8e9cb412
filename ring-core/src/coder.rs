//! Coders: how values become bytes, for storages that hold bytes.
//!
//! A coder is a type, named by `#[ring(coder = Json)]`. What it writes is exactly what lies in the storage, so other
//! programs can read it. Bytes that it cannot decode, as those of an older version of a struct, are a miss that is
//! overwritten. A value that cannot be encoded is not stored: it is computed every time, and each time counts as an error.

#[cfg(feature = "cbor")]
mod cbor;
#[cfg(any(feature = "cbor", feature = "json"))]
mod discreet;
#[cfg(feature = "json")]
mod json;
#[cfg(any(feature = "cbor", feature = "json"))]
mod lost_to_null;
mod raw;

#[cfg(feature = "cbor")]
pub use cbor::Cbor;
#[cfg(feature = "json")]
pub use json::Json;
pub use raw::Raw;

pub use crate::error::Cause;

/// Turns values into bytes and back.
///
/// What its errors say is shown to whoever asked, and may get into logs. Those of this crate quote no value.
///
/// ```
/// use ring_cache_core::coder::{Cause, Coder};
///
/// struct Decimal;
///
/// impl Coder<u64> for Decimal {
///     fn encode(value: &u64) -> Result<Vec<u8>, Cause> { Ok(value.to_string().into_bytes()) }
///     fn decode(bytes: &[u8]) -> Result<u64, Cause> { Ok(std::str::from_utf8(bytes)?.parse()?) }
/// }
///
/// assert_eq!(Decimal::decode(&Decimal::encode(&42).unwrap()).unwrap(), 42);
/// ```
#[diagnostic::on_unimplemented(
    message = "the coder `{Self}` cannot turn `{V}` into bytes and back",
    note = "`Cbor` and `Json` take types that implement serde's `Serialize` and `DeserializeOwned`; `Raw` takes bytes and strings"
)]
pub trait Coder<V> {
    /// The bytes of a value. `decode` is to make the same value of them: where it could not, this is to be an error.
    fn encode(value: &V) -> Result<Vec<u8>, Cause>;
    /// The value of bytes. Bytes come from outside: anything must end in a value or an error.
    fn decode(bytes: &[u8]) -> Result<V, Cause>;
}
