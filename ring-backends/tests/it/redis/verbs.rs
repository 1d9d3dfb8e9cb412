//! The verbs, in both colours, and the resulting content of Redis.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ring_cache::coder::Json;
use ring_cache::{Calls, RingKey, ring_impl};
use ring_cache_backends::Redis;
use ring_cache_test_servers::Redis as Server;
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

impl Users {
    fn on(server: &Server, shop: &'static str) -> Self {
        Users {
            shop,
            redis: open(server).namespace("verbs").storage,
            computed: AtomicU32::new(0),
        }
    }

    fn compute(&self, id: u32) -> User {
        let count = self.computed.fetch_add(1, Ordering::SeqCst) + 1;
        User {
            id,
            name: format!("{count}"),
        }
    }
}

fn named(id: u32, name: &str) -> User {
    User {
        id,
        name: name.into(),
    }
}

#[ring_impl(storage = self.redis as Redis, coder = Json, expire = "60s")]
impl Users {
    #[ring(key_prefix = "user")]
    fn user(&self, id: u32) -> User {
        self.compute(id)
    }
    #[cfg(feature = "tokio")]
    #[ring(key_prefix = "user")]
    async fn user_async(&self, id: u32) -> User {
        self.compute(id)
    }
}

#[test]
fn blocking() -> Result<(), ring_cache::Error> {
    let Some(server) = shared("the verbs of Redis") else {
        return Ok(());
    };
    let users = Users::on(server, "blocking");
    let call = || users.user_ring(1);
    assert_eq!(call().get()?, None);
    assert!(!call().has()?);
    assert_eq!(users.user(1), named(1, "1"));
    assert_eq!(users.user(1), named(1, "1"));
    assert_eq!(call().get()?, Some(named(1, "1")));
    assert_eq!(call().update(), named(1, "2"));
    call().set(named(1, "mine"))?;
    assert_eq!(users.user(1), named(1, "mine"));
    assert_eq!(call().execute(), named(1, "3"));
    assert!(call().has()?);
    assert!(call().touch()?);
    assert!(call().delete()?);
    assert!(!call().delete()?);
    assert!(!call().touch()?);
    call()
        .expire_in(Duration::from_millis(1))
        .set(named(1, "short"))?;
    super::eventually(|| call().get().unwrap().is_none());
    assert_eq!(call().get_or_update(), named(1, "4"));
    Ok(())
}

#[cfg(feature = "tokio")]
#[test]
fn awaited() -> Result<(), ring_cache::Error> {
    let Some(server) = shared("the verbs of Redis") else {
        return Ok(());
    };
    let users = Users::on(server, "awaited");
    let call = || users.user_async_ring(1);
    super::awaited::runtime().block_on(async {
        assert_eq!(call().get().await?, None);
        assert_eq!(users.user_async(1).await, named(1, "1"));
        assert_eq!(users.user_async(1).await, named(1, "1"));
        assert_eq!(call().get().await?, Some(named(1, "1")));
        assert_eq!(call().update().await, named(1, "2"));
        call().set(named(1, "mine")).await?;
        assert_eq!(users.user(1), named(1, "mine"), "the other colour sees it");
        assert_eq!(call().execute().await, named(1, "3"));
        assert!(call().has().await?);
        assert!(call().touch().await?);
        assert!(call().delete().await?);
        assert!(!call().delete().await?);
        assert!(!call().touch().await?);
        assert_eq!(call().get_or_update().await, named(1, "4"));
        Ok(())
    })
}

#[test]
fn redis_has_the_bytes_of_the_coder_under_the_text_of_the_key() {
    let Some(server) = shared("what lies in Redis") else {
        return;
    };
    let users = Users::on(server, "bytes");
    users.user(7);
    let call = users.user_ring(7);
    let key = call.key().to_string();
    assert_eq!(key, "verbs:user:bytes:7");
    assert_eq!(call.stored_key(), key);
    let stored = server.command(&["GET", &key]).bytes();
    assert_eq!(stored.as_deref(), Some(&br#"{"id":7,"name":"1"}"#[..]));
    assert_eq!(stored, Some(call.encode(&named(7, "1")).unwrap()));
    server.command(&["SET", &key, r#"{"id":7,"name":"of another program"}"#]);
    assert_eq!(users.user(7), named(7, "of another program"));
}

#[test]
fn many_at_once() -> Result<(), ring_cache::Error> {
    let Some(server) = shared("bulk calls to Redis") else {
        return Ok(());
    };
    let users = Users::on(server, "many");
    let calls = || (1..=3).map(|id| users.user_ring(id));
    users.user_ring(2).set(named(2, "known"))?;
    let all = calls().get_or_update_many();
    assert_eq!(
        (&all[1], users.computed.load(Ordering::SeqCst)),
        (&named(2, "known"), 2)
    );
    assert_eq!(calls().get_many()?, all.into_iter().map(Some).collect::<Vec<_>>());
    users.user_ring(3).delete()?;
    assert_eq!(calls().has_many()?, [true, true, false]);
    assert_eq!(calls().touch_many()?, [true, true, false]);
    assert_eq!(calls().delete_many()?, [true, true, false]);
    calls().set_many((1..=3).map(|id| named(id, "set")).collect::<Vec<_>>())?;
    assert_eq!(users.user(3), named(3, "set"));
    Ok(())
}

#[test]
fn the_client_is_there_for_whatever_else() {
    let Some(server) = shared("the client behind Redis") else {
        return;
    };
    let users = Users::on(server, "client");
    let client: redis::Client = users.user_ring(1).storage().backend().clone();
    let mut connection = client.get_connection().unwrap();
    let pong: String = redis::cmd("PING").query(&mut connection).unwrap();
    assert_eq!(pong, "PONG");
}
