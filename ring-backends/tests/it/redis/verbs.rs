//! Every verb, in both colours, and what lies in Redis then.

use std::sync::atomic::{AtomicU32, Ordering};

use ring_cache::coder::Json;
use ring_cache::{RingKey, ring_impl};
use ring_cache_backends::Redis;
use serde::{Deserialize, Serialize};

use super::{open, shared};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u32,
    name: String,
}

#[derive(RingKey)]
struct Users {
    shop: &'static str,
    #[ring_key(skip)]
    redis: Redis,
    #[ring_key(skip)]
    computed: AtomicU32,
}

#[ring_impl(storage = self.redis as Redis, coder = Json, expire = "60s")]
impl Users {
    #[ring]
    fn user(&self, id: u32) -> User {
        self.computed.fetch_add(1, Ordering::SeqCst);
        User {
            id,
            name: format!("{id} of {}", self.shop),
        }
    }
    #[ring]
    async fn user_async(&self, id: u32) -> User {
        self.computed.fetch_add(1, Ordering::SeqCst);
        User {
            id,
            name: format!("{id} of {}", self.shop),
        }
    }
}

#[test]
fn blocking() {
    let Some(server) = shared("verbs of Redis") else {
        return;
    };
    let users = Users {
        shop: "blocking",
        redis: open(server),
        computed: AtomicU32::new(0),
    };
    assert_eq!(users.user(1).name, "1 of blocking");
    assert_eq!(users.user(1).name, "1 of blocking");
    assert_eq!(users.computed.load(Ordering::SeqCst), 1);
    let key = users.user_ring(1).key().to_string();
    assert_eq!(
        server.command(&["GET", &key]).text(),
        r#"{"id":1,"name":"1 of blocking"}"#
    );
}

#[cfg(feature = "tokio")]
#[test]
fn awaited() {
    let Some(server) = shared("verbs of Redis") else {
        return;
    };
    let users = Users {
        shop: "awaited",
        redis: open(server),
        computed: AtomicU32::new(0),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        assert_eq!(users.user_async(1).await.name, "1 of awaited");
        assert_eq!(users.user_async(1).await.name, "1 of awaited");
        assert!(users.user_async_ring(1).has().await.unwrap());
    });
    assert_eq!(users.computed.load(Ordering::SeqCst), 1);
}
