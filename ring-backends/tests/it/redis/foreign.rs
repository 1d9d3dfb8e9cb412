//! Foreign entries, and entries that no longer fit: recomputed and overwritten.

use ring_cache::coder::Json;
use ring_cache::{ErrorKind, RingKey, ring_impl};
use ring_cache_backends::Redis;
use ring_cache_core::Key;
use ring_cache_core::storage::Storage;
use serde::{Deserialize, Serialize};

use super::{open, own, shared};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u32,
    /// Older versions lack it.
    name: String,
}

#[derive(RingKey)]
struct Users {
    test: &'static str,
    #[ring_key(skip)]
    redis: Redis,
}

#[ring_impl(storage = self.redis as Redis, coder = Json)]
impl Users {
    #[ring(key_prefix = "foreign")]
    fn user(&self, id: u32) -> User {
        User {
            id,
            name: "computed".into(),
        }
    }
}

#[test]
fn bytes_that_are_no_value_are_recomputed_and_overwritten() {
    let Some(server) = shared("foreign bytes in Redis") else {
        return;
    };
    let users = Users {
        test: "bytes",
        redis: open(server).storage,
    };
    let key = users.user_ring(1).key().to_string();
    for foreign in [
        r#"{"id":1}"#,
        r#"{"id":1,"na"#,
        "",
        "\u{0}\u{1}",
        r#"{"id":1,"name":"a"} "more""#,
    ] {
        server.command(&["SET", &key, foreign]);
        assert_eq!(users.user_ring(1).get().unwrap(), None, "{foreign}");
        assert_eq!(users.user(1).name, "computed");
        assert_eq!(
            server.command(&["GET", &key]).text(),
            r#"{"id":1,"name":"computed"}"#
        );
    }
}

#[test]
fn other_types_are_recomputed_and_overwritten() {
    let Some(server) = shared("other types in Redis") else {
        return;
    };
    let users = Users {
        test: "types",
        redis: open(server).storage,
    };
    let key = users.user_ring(1).key().to_string();
    server.command(&["LPUSH", &key, "a", "b"]);
    let error = users.user_ring(1).get().unwrap_err();
    assert_eq!(
        (error.kind(), error.storage_name()),
        (ErrorKind::Storage, Some("redis"))
    );
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
    assert_eq!(users.redis.health().refused, 1);
    assert_eq!(users.user(1).name, "computed");
    assert_eq!(
        server.command(&["GET", &key]).text(),
        r#"{"id":1,"name":"computed"}"#
    );
    let keys = [Key::of(&"a list"), Key::of(&"nothing")];
    server.command(&["LPUSH", keys[0].as_str(), "a"]);
    assert_eq!(users.redis.read_many(&keys, None).unwrap(), [None, None]);
}

#[test]
fn a_server_that_is_full_refuses_and_answers_all_the_same() {
    let Some(server) = own("a full Redis") else { return };
    let users = Users {
        test: "full",
        redis: open(&server).storage,
    };
    users.user(1);
    server.command(&[
        "CONFIG",
        "SET",
        "maxmemory",
        "1",
        "maxmemory-policy",
        "noeviction",
    ]);
    assert_eq!(users.user(2).name, "computed");
    let error = users
        .user_ring(2)
        .set(User {
            id: 2,
            name: "mine".into(),
        })
        .unwrap_err();
    assert!(error.to_string().contains("OOM"), "{error}");
    assert_eq!(users.user(1).name, "computed", "reading goes on");
    assert!(users.user_ring(1).has().unwrap());
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    users
        .user_ring(2)
        .set(User {
            id: 2,
            name: "mine".into(),
        })
        .unwrap();
    assert_eq!(users.user(2).name, "mine");
}

#[test]
fn a_server_that_is_read_only_refuses() {
    let Some(server) = own("a read-only Redis") else {
        return;
    };
    let users = Users {
        test: "read-only",
        redis: open(&server).storage,
    };
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let set = users.user_ring(1).set(User {
        id: 1,
        name: "mine".into(),
    });
    assert!(set.unwrap_err().to_string().contains("NOREPLICAS"));
    assert_eq!(users.user(1).name, "computed");
    assert!(users.redis.health().refused > 0 && users.redis.health().broken == 0);
}
