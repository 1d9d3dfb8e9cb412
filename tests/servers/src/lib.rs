//! Redis and memcached for tests, examples and benchmarks: started on free loopback ports, in separate folders, and ended
//! with the process that started them, however that ends.
//!
//! ```
//! use ring_cache_test_servers::{Redis, Reply, or_leave_out};
//!
//! let Some(redis) = or_leave_out("values as they lie in Redis", Redis::start()) else { return };
//! redis.command(&["SET", "user:1", "Ada"]);
//! assert_eq!(redis.command(&["GET", "user:1"]), Reply::Bytes(b"Ada".to_vec()));
//! ```
//!
//! A test reports that it is left out if the server's program is missing: see [`or_leave_out`].
//!
//! A server ends when its handle is dropped, and when the process that started it ends in any way: a handle may be in a
//! static, which is never dropped. Signals go to the server's own process. Methods that ask a server panic if it does not
//! reply; they let tests read stored bytes without the client under test.

mod certificate;
mod connection;
mod keeper;
mod memcached;
mod missing;
mod place;
mod proxy;
mod redis;
mod redis_cluster;
mod resp;

pub use memcached::{Memcached, MemcachedOptions};
pub use missing::{Missing, or_leave_out};
pub use proxy::{Proxy, Spoil};
pub use redis::{Redis, RedisOptions};
pub use redis_cluster::RedisCluster;
pub use resp::Reply;
