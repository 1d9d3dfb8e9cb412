//! `RedisHash`: a hash of Redis for each ring.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::Cmd;
#[cfg(feature = "inspect")]
use ring_cache_core::inspect::is_of_ring;
use ring_cache_core::key::{EncodedKey, text_in_namespace};
use ring_cache_core::{Error, Name, RingKey};

use super::address;
#[cfg(feature = "inspect")]
use super::request::Commands;
use super::request::{self, Request};
use super::ring_scan::KeyRemoval;
#[cfg(feature = "inspect")]
use super::ring_scan::texts;
use super::schema::KeySchema;
use super::server::RedisServer;
use super::single::Single;
use crate::remote::own_type::own_type;
use crate::remote::{Entry, Fault, Found, Remote};

/// A storage on a Redis server: a hash for each ring, with a field for each entry.
///
/// ```no_run
/// use std::sync::LazyLock;
///
/// use ring_cache::coder::Json;
/// use ring_cache::ring;
/// use ring_cache::RedisHash;
///
/// static REDIS: LazyLock<RedisHash> = LazyLock::new(|| {
///     RedisHash::open("redis://127.0.0.1:6379").expect("a well-formed address")
/// });
///
/// #[ring(storage = REDIS as RedisHash, coder = Json, key_prefix = "squares")]
/// fn square(number: u64) -> u64 {
///     number * number
/// }
///
/// square(12); // sets the field `squares:12` of the hash `squares`
/// square_cache().clear().unwrap(); // removes the hash
/// ```
///
/// The key of the hash is the name of the ring (`key_prefix` if there is one) after the namespace. Its fields are the keys
/// that [`Call::key`](ring_cache_core::BoundCall::key) returns, their values the bytes of the coder. With `key_prefix =
/// "squares"` a Python service shares it as
/// `ring.redis_hash(client, hash_key="squares", key_prefix="squares", coder="json")`.
///
/// `clear` removes the hash, one command whatever its size. Fields cannot expire before Redis 7.4, so `expire` does not
/// compile:
///
/// ```compile_fail,E0277
/// # use std::sync::LazyLock;
/// # use ring_cache::coder::Json;
/// # use ring_cache::ring;
/// # use ring_cache::RedisHash;
/// # static REDIS: LazyLock<RedisHash> = LazyLock::new(|| RedisHash::open("redis://127.0.0.1").unwrap());
/// #[ring(storage = REDIS as RedisHash, coder = Json, expire = "60s")] // entries of .. cannot expire
/// fn square(number: u64) -> u64 {
///     number * number
/// }
/// ```
///
/// Keys without a ring, by the storage's own methods, are fields of the hash `%keys`, after the namespace. This is the name
/// of no ring.
///
/// Otherwise it works like [`Redis`](crate::Redis).
#[derive(Clone)]
pub struct RedisHash {
    remote: Remote<RedisServer<Fields>>,
}

own_type!(RedisHash: Clear);

impl RedisHash {
    /// Opens the storage on the server at `url`: see [`Redis::open`](crate::Redis::open).
    ///
    /// # Errors
    ///
    /// If `url` is not the address of a Redis server.
    pub fn open(url: impl AsRef<str>) -> Result<Self, Error> {
        address::parsed(Fields::NAME, url.as_ref(), redis::Client::open).map(Self::from_client)
    }

    /// The storage on the server of a client: see [`Redis::from_client`](crate::Redis::from_client).
    pub fn from_client(client: redis::Client) -> Self {
        RedisHash {
            remote: Remote::new(RedisServer::new(Single::new(client))).repairing(),
        }
    }

    /// The client of the server: see [`Redis::backend`](crate::Redis::backend).
    pub fn backend(&self) -> &redis::Client {
        self.remote.server().route().client()
    }
}

/// A hash for each ring, with a field for each entry.
pub(super) struct Fields;

/// The number of fields that Redis examines per step of a listing. It sends their values as well.
#[cfg(feature = "inspect")]
const LISTED: u32 = 100;

/// The hash of keys without a ring. In the name of a ring, `%` would be escaped.
const OUTSIDE: &str = "%keys";

/// A field of a hash. It displays as the field.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Field {
    hash: Arc<str>,
    field: Arc<str>,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)
    }
}

fn on(name: &str, key: &Field) -> Cmd {
    let mut command = request::on(name, &key.hash);
    command.arg(&*key.field);
    command
}

fn cannot_expire() -> Fault {
    Fault::Refused("entries of a `RedisHash` cannot expire".into())
}

/// Values that do not expire.
fn lasting(values: Vec<Option<Vec<u8>>>) -> Vec<Option<Found>> {
    let values = values.into_iter();
    values.map(|value| value.map(|bytes| (bytes, None))).collect()
}

impl KeySchema for Fields {
    const NAME: &'static str = "redis_hash";

    type StoredKey = Field;
    type Route = Single;
    type Scan = KeyRemoval;

    fn stored_key<K: RingKey + ?Sized>(namespace: &str, key: &K) -> Field {
        let name = EncodedKey::of(key).ring().map_or(OUTSIDE, Name::as_str);
        Field {
            hash: format!("{namespace}{name}").into(),
            field: text_in_namespace(namespace, key).into(),
        }
    }

    fn routed(key: &Field) -> &str {
        &key.hash
    }

    fn read(keys: &[Field]) -> Result<Request<Option<Vec<u8>>>, Fault> {
        Ok(Request::each(runs(keys, |key| key), read_run, request::listed))
    }

    fn read_expiring(keys: &[Field]) -> Result<Request<Option<Found>>, Fault> {
        let replies = |replies| request::listed(replies).map(lasting);
        Ok(Request::each(runs(keys, |key| key), read_run, replies))
    }

    fn write(entries: &[Entry<Field>]) -> Result<Request<()>, Fault> {
        if entries.iter().any(|(.., expiry)| expiry.is_some()) {
            return Err(cannot_expire());
        }
        let set = |run: &[Entry<Field>]| {
            let mut command = request::on("HSET", &run[0].0.hash);
            for (key, value, _) in run {
                command.arg(&*key.field).arg(value.as_slice());
            }
            command
        };
        Ok(Request::each(runs(entries, |(key, ..)| key), set, request::done))
    }

    fn write_if_absent(entries: &[Entry<Field>]) -> Result<Request<bool>, Fault> {
        if entries.iter().any(|(.., expiry)| expiry.is_some()) {
            return Err(cannot_expire());
        }
        let set = |(key, value, _): &Entry<Field>| {
            let mut command = request::on("HSETNX", &key.hash);
            command.arg(&*key.field).arg(value.as_slice());
            command
        };
        Ok(Request::each(entries, set, request::flags))
    }

    fn remove(keys: &[Field]) -> Result<Request<bool>, Fault> {
        Ok(Request::each(keys, |key| on("HDEL", key), request::flags))
    }

    fn contains(keys: &[Field]) -> Result<Request<bool>, Fault> {
        Ok(Request::each(keys, |key| on("HEXISTS", key), request::flags))
    }

    fn touch(_: &[(Field, Duration)]) -> Result<Request<bool>, Fault> {
        Err(cannot_expire())
    }

    fn clear(namespace: &str, name: &Name) -> KeyRemoval {
        KeyRemoval::new(format!("{namespace}{name}"))
    }

    #[cfg(feature = "inspect")]
    fn key_of_text(namespace: &str, ring: &Name, text: &str) -> Option<Field> {
        is_of_ring(text, namespace, ring).then(|| Field {
            hash: format!("{namespace}{ring}").into(),
            field: text.into(),
        })
    }

    #[cfg(feature = "inspect")]
    fn list(namespace: &str, ring: &Name, cursor: &str) -> Cmd {
        let mut command = request::on("HSCAN", &format!("{namespace}{ring}"));
        command.arg(cursor).arg("COUNT").arg(LISTED);
        command
    }

    /// Each field is followed by its value: a scan without values needs Redis 7.4.
    #[cfg(feature = "inspect")]
    fn texts(namespace: &str, ring: &Name, found: Vec<Vec<u8>>) -> Vec<String> {
        let fields = texts(found.into_iter().step_by(2));
        fields
            .filter(|field| is_of_ring(field, namespace, ring))
            .collect()
    }

    #[cfg(feature = "inspect")]
    fn lives(_: &[Field]) -> Option<Commands> {
        None
    }
}

/// Runs of items whose fields are in one hash, each for one command.
fn runs<I>(items: &[I], key: impl Fn(&I) -> &Field) -> impl Iterator<Item = &[I]> {
    items.chunk_by(move |one, next| key(one).hash == key(next).hash)
}

fn read_run(run: &[Field]) -> Cmd {
    let mut command = request::on("HMGET", &run[0].hash);
    for key in run {
        command.arg(&*key.field);
    }
    command
}

impl ring_cache_core::storage::HoldsBytes for RedisHash {
    const EXPIRES: bool = false;
}
