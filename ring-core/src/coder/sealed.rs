//! Sealed values of another coder: encrypted, and bound to the key of their entry.
//!
//! A sealed value is the version (1), the id of the sealing key (four bytes, big-endian), a random nonce (24 bytes), and
//! the output of XChaCha20-Poly1305, whose last 16 bytes are the tag. The associated data are the version, the id and
//! the nonce, and then the text of the entry's key.
//!
//! Nonces are random, since processes that share a storage share no counter. With 24 bytes a repetition is practically
//! impossible; with the 12 bytes of other ciphers a key would have to be replaced after some 2^32 values.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};

use super::{Cause, Coder, EntryKey};

/// The version of the format.
const VERSION: u8 = 1;
/// Version, id and nonce.
const HEADER: usize = 1 + 4 + NONCE;
const NONCE: usize = 24;

/// The values of the coder `C`, encrypted by XChaCha20-Poly1305 with the keys `K`. Feature `sealed`.
///
/// A reader of the storage learns the keys of entries, and the length, age and expiry of values, but no values. A writer to
/// it can remove entries and restore older values of the same key, but cannot make, change or move values: the stored text
/// of the key ([`Call::stored_key`](crate::BoundCall::stored_key), namespace included) is authenticated. A value that cannot
/// be opened is a miss, counted as an error and overwritten.
///
/// Keys of entries are not encrypted, so keep secrets out of arguments, or implement `ring_key` for them by hand. The near
/// tier of a `Tiered` holds plain values.
///
/// # Keys
///
/// The first of the [`Keys`] seals, and all of them open. So keys are replaced while processes run:
/// 1. Add the new key at the end, in all processes.
/// 2. Move it to the front, in all processes: from now on, values are sealed with the new key.
/// 3. When no entry of the old key is left or needed, remove the old key. Its entries are misses.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// # #[cfg(feature = "cbor")] {
/// use std::sync::{Arc, LazyLock};
/// use ring_cache::coder::{Cbor, Coder, EntryKey, Keys, Sealed, SealingKey};
///
/// /// The keys of this program, from its environment: `2:<64 hexadecimal digits>,1:<64 hexadecimal digits>`.
/// struct FromEnvironment;
///
/// impl Keys for FromEnvironment {
///     fn current() -> Arc<[SealingKey]> {
///         static KEYS: LazyLock<Arc<[SealingKey]>> = LazyLock::new(|| {
///             # let variable = || Some(format!("2:{},1:{}", "0f".repeat(32), "a0".repeat(32)));
///             # if false {
///             let variable = || std::env::var("SEALING_KEYS").ok();
///             # }
///             let keys = variable().unwrap_or_default();
///             keys.split(',').filter_map(parse).collect()
///         });
///         Arc::clone(&KEYS)
///     }
/// }
///
/// fn parse(key: &str) -> Option<SealingKey> {
///     let (id, digits) = key.split_once(':')?;
///     let mut secret = [0; 32];
///     for (byte, pair) in secret.iter_mut().zip(digits.as_bytes().chunks(2)) {
///         *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
///     }
///     (digits.len() == 64).then_some(SealingKey::new(id.parse().ok()?, secret))
/// }
///
/// // In a program: `#[ring(redis = self.redis, coder = Sealed<Cbor, FromEnvironment>)]`.
/// type Coded = Sealed<Cbor, FromEnvironment>;
/// let (key, other) = (|| "shop:user:1".to_owned(), || "shop:user:2".to_owned());
/// let bytes = Coded::encode_entry(&"Ada".to_owned(), EntryKey::new(&key)).unwrap();
/// let opened: String = Coded::decode_entry(&bytes, EntryKey::new(&key)).unwrap();
/// assert_eq!(opened, "Ada");
/// let moved = <Coded as Coder<String>>::decode_entry(&bytes, EntryKey::new(&other));
/// assert!(moved.is_err());
/// # }
/// ```
///
/// Each value has 45 bytes beside those of `C`. To compress as well, compress first: `Sealed<Packed<Cbor, Lz4>, K>`.
#[derive(Debug)]
pub struct Sealed<C, K>(PhantomData<fn() -> (C, K)>);

/// The keys of [`Sealed`], implemented by a type of yours.
pub trait Keys {
    /// The current keys: the first seals, all open. They may change while the program runs.
    ///
    /// It is called for each encoded or decoded value, so it should be fast. Without keys, stores and look-ups fail, each
    /// counted as an error.
    fn current() -> Arc<[SealingKey]>;
}

/// A secret of 32 random bytes, and its id. It is cleared from memory when it is dropped.
#[derive(Clone)]
pub struct SealingKey {
    id: u32,
    cipher: XChaCha20Poly1305,
}

impl SealingKey {
    /// The key `secret`, known as `id`.
    ///
    /// The id is stored with each value and selects the key that opens it, so each key needs a unique id. The secret must be
    /// random, not a password: `head -c 32 /dev/urandom`.
    pub fn new(id: u32, secret: [u8; 32]) -> Self {
        SealingKey {
            id,
            cipher: XChaCha20Poly1305::new(&secret.into()),
        }
    }

    /// The id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The header with a fresh nonce, and the sealed value.
    fn seal(&self, value: &[u8], key: EntryKey<'_>) -> Result<Vec<u8>, Cause> {
        let nonce =
            XNonce::try_generate().map_err(|error| format!("the system has no random bytes: {error}"))?;
        let mut sealed = Vec::with_capacity(HEADER + value.len() + 16);
        sealed.push(VERSION);
        sealed.extend(self.id.to_be_bytes());
        sealed.extend(nonce);
        let associated = associated_data(&sealed, key);
        sealed.extend(value);
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce, &associated, (&mut sealed[HEADER..]).into())
            .map_err(|_| "the value is too long to be sealed")?;
        sealed.extend(tag);
        Ok(sealed)
    }
}

/// Omits the secret.
impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl<V, C: Coder<V>, K: Keys> Coder<V> for Sealed<C, K> {
    /// Always an error: a value is sealed for an entry, by `encode_entry`.
    fn encode(_: &V) -> Result<Vec<u8>, Cause> {
        Err(WITHOUT_ENTRY.into())
    }

    /// Always an error: a value is opened for an entry, by `decode_entry`.
    fn decode(_: &[u8]) -> Result<V, Cause> {
        Err(WITHOUT_ENTRY.into())
    }

    fn encode_entry(value: &V, key: EntryKey<'_>) -> Result<Vec<u8>, Cause> {
        let keys = K::current();
        let sealing = keys.first().ok_or("there is no key to seal the value with")?;
        sealing.seal(&C::encode_entry(value, key)?, key)
    }

    fn decode_entry(bytes: &[u8], key: EntryKey<'_>) -> Result<V, Cause> {
        C::decode_entry(&open(bytes, &K::current(), key)?, key)
    }
}

const WITHOUT_ENTRY: &str = "`Sealed` needs the key of the entry: call `encode_entry` and `decode_entry`";

fn associated_data(header: &[u8], key: EntryKey<'_>) -> Vec<u8> {
    [header, key.text().as_bytes()].concat()
}

fn open(bytes: &[u8], keys: &[SealingKey], key: EntryKey<'_>) -> Result<Vec<u8>, Cause> {
    let (header, msg) = bytes.split_at_checked(HEADER).ok_or("the value is not sealed")?;
    let Some((&VERSION, rest)) = header.split_first() else {
        return Err("the value is not sealed, or by a newer version".into());
    };
    let (id, nonce) = rest.split_first_chunk().ok_or("the value is not sealed")?;
    let nonce = XNonce::try_from(nonce)?;
    let (id, aad) = (u32::from_be_bytes(*id), &associated_data(header, key));
    let mut candidates = keys.iter().filter(|key| key.id == id).peekable();
    if candidates.peek().is_none() {
        return Err(format!("the value was sealed with the key {id}, which is not among the keys").into());
    }
    candidates
        .find_map(|key| key.cipher.decrypt(&nonce, Payload { msg, aad }).ok())
        .ok_or_else(|| {
            "the value was changed, moved from another entry, or sealed with another secret".into()
        })
}
