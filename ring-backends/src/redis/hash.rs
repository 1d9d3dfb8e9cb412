//! A hash of Redis for each ring.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value};
use ring_cache_core::key::{EncodedKey, text_in_namespace};
use ring_cache_core::{Error, Name, RingKey};

use super::address;
use super::commands::{self, Commands, Question};
use super::faults::Unexpected;
use super::layout::Layout;
use super::server::RedisServer;
use super::single::Single;
use super::sweep::Removal;
use crate::remote::{Entry, Fault, Found, Remote};

/// Entries in hashes of Redis: one hash for each ring.
///
/// ```no_run
/// use std::sync::LazyLock;
///
/// use ring_cache::coder::Json;
/// use ring_cache::ring;
/// use ring_cache_backends::RedisHash; // also `ring_cache::RedisHash`, with the feature `redis`
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
/// The hash lies under the name of the ring, `key_prefix` if there is one, with the namespace before it. Its fields are
/// the texts of the ring's keys, as [`Call::key`](ring_cache_core::BoundCall::key) shows them, and their values the bytes
/// of the coder. With `key_prefix = "squares"` a Python service shares it as
/// `ring.redis_hash(client, hash_key="squares", key_prefix="squares", coder="json")`.
///
/// `clear` removes the hash, which is one step for Redis however many entries there are. Entries cannot expire: Redis
/// knows that for fields from version 7.4 on only. `expire` does not compile:
///
/// ```compile_fail,E0277
/// # use std::sync::LazyLock;
/// # use ring_cache::coder::Json;
/// # use ring_cache::ring;
/// # use ring_cache_backends::RedisHash;
/// # static REDIS: LazyLock<RedisHash> = LazyLock::new(|| RedisHash::open("redis://127.0.0.1").unwrap());
/// #[ring(storage = REDIS as RedisHash, coder = Json, expire = "60s")] // entries of .. cannot expire
/// fn square(number: u64) -> u64 {
///     number * number
/// }
/// ```
///
/// What is stored under a key outside of any ring, by the storage's own methods, lies in a hash `%keys`, after the
/// namespace. No ring has that name.
///
/// All else is as with [`Redis`](crate::Redis).
pub type RedisHash = Remote<RedisServer<Fields>>;

impl Remote<RedisServer<Fields>> {
    /// The storage on the server at `url`: see [`Redis::open`](crate::Redis::open).
    ///
    /// # Errors
    ///
    /// If `url` is no address of a Redis server.
    pub fn open(url: impl AsRef<str>) -> Result<Self, Error> {
        address::parsed(Fields::NAME, url.as_ref(), redis::Client::open).map(Self::from_client)
    }

    /// The storage on the server of a client: see [`Redis::from_client`](crate::Redis::from_client).
    pub fn from_client(client: redis::Client) -> Self {
        Remote::new(RedisServer::by(Single::new(client)))
    }

    /// The client, for whatever else is to be done on the server.
    pub fn backend(&self) -> &redis::Client {
        self.server().route().client()
    }
}

/// A field of a hash for each entry, a hash for each ring.
pub struct Fields;

/// The hash of keys outside of any ring. In the name of a ring a `%` would be escaped.
const OUTSIDE: &str = "%keys";

/// Where an entry lies. It displays as its field.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Field {
    hash: Arc<str>,
    field: Arc<str>,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)
    }
}

fn on(name: &str, place: &Field) -> Cmd {
    let mut command = commands::on(name, &place.hash);
    command.arg(&*place.field);
    command
}

fn cannot_expire() -> Fault {
    Fault::Refused("entries in a hash of Redis cannot expire".into())
}

fn lasting(values: Vec<Option<Vec<u8>>>) -> Vec<Option<Found>> {
    let values = values.into_iter();
    values.map(|value| value.map(|bytes| (bytes, None))).collect()
}

impl Layout for Fields {
    const NAME: &'static str = "redis_hash";

    type Place = Field;
    type Route = Single;
    type Sweep = Removal;

    fn place<K: RingKey + ?Sized>(namespace: &str, key: &K) -> Field {
        let name = EncodedKey::of(key).ring().map_or(OUTSIDE, Name::as_str);
        Field {
            hash: format!("{namespace}{name}").into(),
            field: text_in_namespace(namespace, key).into(),
        }
    }

    fn read(places: &[Field]) -> Question<Vec<Option<Vec<u8>>>> {
        match places {
            [only] => Question {
                commands: Commands::One(on("HGET", only)),
                read: commands::values,
            },
            many => Question {
                commands: read_hashes(many),
                read: commands::listed,
            },
        }
    }

    fn read_expiring(places: &[Field]) -> Question<Vec<Option<Found>>> {
        let read = Fields::read(places);
        let one: fn(Vec<Value>) -> Result<_, Unexpected> = |answers| commands::values(answers).map(lasting);
        Question {
            commands: read.commands,
            read: match places {
                [_] => one,
                _ => |answers| commands::listed(answers).map(lasting),
            },
        }
    }

    fn write(entries: &[Entry<Field>]) -> Result<Question<()>, Fault> {
        if entries.iter().any(|(.., expiry)| expiry.is_some()) {
            return Err(cannot_expire());
        }
        let hashes = entries.chunk_by(|(one, ..), (next, ..)| one.hash == next.hash);
        let set = |entries: &[Entry<Field>]| {
            let mut command = commands::on("HSET", &entries[0].0.hash);
            for (place, value, _) in entries {
                command.arg(&*place.field).arg(value.as_slice());
            }
            command
        };
        Ok(Question {
            commands: Commands::each(hashes, set),
            read: commands::done,
        })
    }

    fn remove(places: &[Field]) -> Question<Vec<bool>> {
        Question {
            commands: Commands::each(places, |place| on("HDEL", place)),
            read: commands::flags,
        }
    }

    fn contains(places: &[Field]) -> Question<Vec<bool>> {
        Question {
            commands: Commands::each(places, |place| on("HEXISTS", place)),
            read: commands::flags,
        }
    }

    fn renew(_: &[(Field, Duration)]) -> Result<Question<Vec<bool>>, Fault> {
        Err(cannot_expire())
    }

    fn clear(namespace: &str, name: &Name) -> Removal {
        Removal::new(format!("{namespace}{name}"))
    }
}

/// Reads each hash at once.
fn read_hashes(places: &[Field]) -> Commands {
    let hashes = places.chunk_by(|one, next| one.hash == next.hash);
    Commands::each(hashes, |places| {
        let mut command = commands::on("HMGET", &places[0].hash);
        for place in places {
            command.arg(&*place.field);
        }
        command
    })
}
