//! Coders: values as bytes, for storages that hold bytes.
//!
//! A coder is a type, named by `#[ring(coder = Json)]`. The storage holds its bytes unchanged, so other programs can
//! read them. Bytes that it cannot decode, such as those of an older version of a struct, are a miss and are
//! overwritten. A value that cannot be encoded is not stored: each call computes it and counts an error.
//!
//! | coder | feature | bytes |
//! |---|---|---|
//! | [`Raw`] | | bytes and strings as they are |
//! | `Json` | `json` | text that all programs read |
//! | `Cbor` | `cbor` | compact, with names of fields |
//! | `MessagePack` | `message-pack` | compact, with names of fields |
//! | `Postcard` | `postcard` | the shortest, without names |
//! | `Packed<C, Lz4>`, `Packed<C, Zstd>` | `lz4`, `zstd` | those of the coder `C`, compressed if that helps |
//! | `Sealed<C, K>` | `sealed` | those of the coder `C`, encrypted |
//!
//! Coders around coders combine: `Sealed<Packed<Cbor, Lz4>, Keys>` compresses and then encrypts.

#[cfg(any(feature = "message-pack", feature = "postcard"))]
mod bounded;
#[cfg(feature = "cbor")]
mod cbor;
#[cfg(feature = "postcard")]
mod digest;
mod entry_key;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "message-pack")]
mod message_pack;
#[cfg(any(feature = "cbor", feature = "json", feature = "message-pack"))]
mod null_loss;
#[cfg(any(feature = "lz4", feature = "zstd"))]
mod packed;
#[cfg(feature = "postcard")]
mod postcard;
mod raw;
#[cfg(any(feature = "cbor", feature = "json", feature = "message-pack"))]
mod redact;
#[cfg(feature = "sealed")]
mod sealed;
#[cfg(any(
    feature = "cbor",
    feature = "lz4",
    feature = "message-pack",
    feature = "postcard",
    feature = "zstd"
))]
mod size;

#[cfg(feature = "cbor")]
pub use cbor::Cbor;
pub use entry_key::EntryKey;
#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "message-pack")]
pub use message_pack::MessagePack;
#[cfg(feature = "lz4")]
pub use packed::Lz4;
#[cfg(feature = "zstd")]
pub use packed::Zstd;
#[cfg(any(feature = "lz4", feature = "zstd"))]
pub use packed::{Algorithm, Packed};
#[cfg(feature = "postcard")]
pub use postcard::Postcard;
pub use raw::Raw;
#[cfg(feature = "sealed")]
pub use sealed::{Keys, Sealed, SealingKey};

pub use crate::error::Cause;

/// Converts values to bytes and back.
///
/// Errors are shown to the caller and may be logged. The errors of this crate's coders quote no values.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::coder::{Cause, Coder};
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
    /// The bytes of a value. An error if `decode` would not return an equal value.
    fn encode(value: &V) -> Result<Vec<u8>, Cause>;
    /// Decodes a value. Bytes are untrusted: any input must give a value or an error.
    fn decode(bytes: &[u8]) -> Result<V, Cause>;

    /// [`encode`](Self::encode) for one entry. Rings call this method. A coder whose bytes depend on the key of the
    /// entry implements it, and a coder around another coder passes the key on.
    ///
    /// # Errors
    ///
    /// As `encode`.
    #[inline]
    fn encode_entry(value: &V, key: EntryKey<'_>) -> Result<Vec<u8>, Cause> {
        let _ = key;
        Self::encode(value)
    }

    /// [`decode`](Self::decode) for one entry: see [`encode_entry`](Self::encode_entry).
    ///
    /// # Errors
    ///
    /// As `decode`.
    #[inline]
    fn decode_entry(bytes: &[u8], key: EntryKey<'_>) -> Result<V, Cause> {
        let _ = key;
        Self::decode(bytes)
    }
}
