//! Several servers: both languages find each key on the same one.

use ring_cache::coder::Json;
use ring_cache::ring;
use serde_json::json;

use super::call::Twin;
use super::servers::{MEMCACHED_OF_SEVERAL, both, original};
use super::value::{Answer, Shared, computed};

#[ring(memcached = MEMCACHED_OF_SEVERAL, coder = Json, expire = "60s", key_prefix = "spread")]
fn spread(_n: u32) -> Answer {
    Shared::compute()
}

#[test]
fn keys_are_on_the_same_servers() {
    let Some(mut original) = original() else { return };
    computed();
    for n in 0..40 {
        let twin = Twin {
            storage: "memcached of several",
            key_prefix: "spread",
            coder: Answer::CODER,
            expire: Some(60),
            form: json!(1),
            method: None,
            arguments: format!("[{n}]"),
        };
        let python = Answer::of_python();
        assert_eq!(
            twin.ask(&mut original, "get_or_update", &[]),
            (python.in_python(), true)
        );
        assert_eq!(spread_ring(n).get().unwrap(), Some(python));
        assert_eq!(spread_ring(n).update(), Answer::of_rust());
        assert_eq!(
            twin.ask(&mut original, "get", &[]),
            (Answer::of_rust().in_python(), false)
        );

        let key = spread_ring(n).stored_key();
        let copies = both()
            .memcached
            .iter()
            .filter(|server| server.value(&key).is_some());
        assert_eq!(copies.count(), 1, "{key}");
    }
    for server in &both().memcached {
        let entries: u32 = server.statistics()["curr_items"].parse().unwrap();
        assert!(entries > 0);
    }
}
