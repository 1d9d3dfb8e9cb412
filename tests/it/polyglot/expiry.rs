//! Expiries set by each language, on the server.

use super::call::{SharedCall, Twin};
use super::rings::{memcached_json, redis_json};
use super::servers::{Original, both, original};
use super::value::{Answer, Shared};

#[test]
fn entries_live_equally_long_in_both_languages() {
    let Some(mut original) = original() else { return };
    for calls in [redis_json::calls(), memcached_json::calls()] {
        lives_as_long(&calls[0], &mut original);
    }
}

fn lives_as_long(call: &SharedCall<Answer>, original: &mut Original) {
    let text = call.text;
    let days = Twin {
        expire: Some(86_400 * 10),
        ..call.twin::<Answer>()
    };
    days.ask(original, "set", &[Answer::of_python().in_python()]);
    assert!((86_400 * 9..=86_400 * 10).contains(&seconds_left(call)), "{text}");
    assert!((call.touch)(), "{text}");
    assert!((30..=60).contains(&seconds_left(call)), "{text}");
    days.ask(original, "touch", &[]);
    assert!((86_400 * 9..=86_400 * 10).contains(&seconds_left(call)), "{text}");
    (call.update)();
    assert!((30..=60).contains(&seconds_left(call)), "{text}");
    days.ask(original, "update", &[]);
    assert!((86_400 * 9..=86_400 * 10).contains(&seconds_left(call)), "{text}");
    (call.delete)();
    assert!(!(call.touch)(), "{text}");
}

/// According to the server.
fn seconds_left(call: &SharedCall<Answer>) -> u64 {
    let key = (call.stored_key)();
    let left = match call.twin.storage {
        "redis" => both().redis.command(&["TTL", &key]).text(),
        _ => {
            let reply = both().memcached[0].command(format!("mg {key} t"));
            String::from_utf8(reply).unwrap()
        }
    };
    let left = left.trim().trim_start_matches("HD t");
    left.parse().unwrap_or_else(|_| panic!("{}: {left}", call.text))
}
