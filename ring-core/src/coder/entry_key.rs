//! The key of an entry, for coders whose bytes depend on it.

use std::fmt;

/// The key of the entry whose value is encoded or decoded. Its text is rendered only if a coder asks for it.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::coder::{Cause, Coder, EntryKey};
///
/// /// Ends each entry with its key, so that an entry is not read under another key.
/// struct Bound;
///
/// impl Coder<Vec<u8>> for Bound {
///     fn encode(_: &Vec<u8>) -> Result<Vec<u8>, Cause> { Err("it needs the key of the entry".into()) }
///     fn decode(_: &[u8]) -> Result<Vec<u8>, Cause> { Err("it needs the key of the entry".into()) }
///
///     fn encode_entry(value: &Vec<u8>, key: EntryKey<'_>) -> Result<Vec<u8>, Cause> {
///         Ok([&value[..], key.text().as_bytes()].concat())
///     }
///     fn decode_entry(bytes: &[u8], key: EntryKey<'_>) -> Result<Vec<u8>, Cause> {
///         let value = bytes.strip_suffix(key.text().as_bytes());
///         Ok(value.ok_or("the entry has another key")?.to_vec())
///     }
/// }
///
/// let (text, other) = (|| "shop:user:1".to_owned(), || "shop:user:2".to_owned());
/// let bytes = Bound::encode_entry(&vec![7], EntryKey::new(&text)).unwrap();
/// assert_eq!(Bound::decode_entry(&bytes, EntryKey::new(&text)).unwrap(), [7]);
/// assert!(Bound::decode_entry(&bytes, EntryKey::new(&other)).is_err());
/// ```
#[derive(Clone, Copy)]
pub struct EntryKey<'k> {
    text: &'k dyn Fn() -> String,
}

impl<'k> EntryKey<'k> {
    /// The key whose text `text` renders.
    pub fn new(text: &'k dyn Fn() -> String) -> Self {
        EntryKey { text }
    }

    /// The text under which the storage keeps the entry: [`Call::stored_key`](crate::BoundCall::stored_key). Each call
    /// renders it.
    pub fn text(&self) -> String {
        (self.text)()
    }
}

impl fmt::Debug for EntryKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EntryKey").field(&self.text()).finish()
    }
}
