//! Differences of the two: where keys differ from the original's, each language has its own entry, and neither gets the
//! other's value.

use ring_cache::coder::Json;
use ring_cache::ring;
use serde_json::{Value, json};

use super::call::{SharedCall, shared_call};
use super::rings::redis_json::{text_ring, texts_ring, words_ring};
use super::rings::{memcached_json, redis_json};
use super::servers::{MEMCACHED, REDIS, original};
use super::value::{Answer, Shared, computed};

#[ring(redis = REDIS, coder = Json, expire = "60s", key_prefix = "flag")]
fn flag(_flag: bool) -> Answer {
    Shared::compute()
}

#[ring(redis = REDIS, coder = Json, expire = "60s", key_prefix = "maybe")]
fn maybe(_n: Option<u32>) -> Answer {
    Shared::compute()
}

#[ring(redis = REDIS, coder = Json, expire = "60s", key_prefix = "bytes")]
fn octets(_numbers: &[u8]) -> Answer {
    Shared::compute()
}

#[ring(memcached = MEMCACHED, coder = Json, expire = "60s", key_prefix = "long")]
fn long(_text: &str) -> Answer {
    Shared::compute()
}

/// The original joins with `:` and no escapes, so two of its calls have one entry.
#[test]
fn python_mixes_up_what_rust_tells_apart() {
    let Some(mut original) = original() else { return };
    let one: SharedCall<Answer> = shared_call!("redis": words_ring("a:b", "c"));
    let other = shared_call!("redis": words_ring("a", "b:c"));
    assert_eq!(one.in_python(&mut original, "key").0, "words:a:b:c");
    assert_eq!(other.in_python(&mut original, "key").0, "words:a:b:c");
    assert_eq!((one.key)(), "words:a%3Ab:c");
    assert_eq!((other.key)(), "words:a:b:c");

    (one.delete)();
    (other.delete)();
    one.in_python(&mut original, "update");
    assert_eq!((one.get)(), None);
    assert_eq!((other.get)(), Some(Answer::of_python()));
    assert_eq!(
        other.in_python(&mut original, "get_or_update"),
        (Answer::of_python().in_python(), false)
    );
}

#[test]
fn the_keys_of_other_values_differ() {
    let Some(mut original) = original() else { return };
    let differ: [(SharedCall<Answer>, Value, &str); 7] = [
        (
            shared_call!("redis": text_ring("a b")),
            json!("text:a b"),
            "text:a%20b",
        ),
        (
            shared_call!("redis": text_ring("ö")),
            json!("text:ö"),
            "text:%C3%B6",
        ),
        (
            shared_call!("redis": text_ring("100%")),
            json!("text:100%"),
            "text:100%25",
        ),
        // It removes spaces from lists, also within strings.
        (
            shared_call!("redis": texts_ring(&["a b"])),
            json!("texts:['ab']"),
            "texts:['a%20b']",
        ),
        (
            shared_call!("redis": flag_ring(true)),
            json!("flag:True"),
            "flag:true",
        ),
        (
            shared_call!("redis": maybe_ring(Some(1))),
            json!("maybe:1"),
            "maybe:Some(1)",
        ),
        (
            shared_call!("redis": octets_ring(b"ab")),
            json!("bytes:[97,98]"),
            "bytes:ab",
        ),
    ];
    for (call, python, rust) in differ {
        assert_eq!(
            (call.in_python(&mut original, "key").0, (call.key)()),
            (python, rust.into())
        );
    }
    let none: SharedCall<Answer> = shared_call!("redis": maybe_ring(None::<u32>));
    assert_eq!(none.in_python(&mut original, "key").0, (none.key)());
}

/// For Memcached the original uses a SHA-1 from 250 bytes on; this crate a beginning and a BLAKE3 from 251 on.
#[test]
fn long_keys_of_memcached_differ() {
    macro_rules! long {
        ($($more:literal)?) => {
            concat!(
                "https://example.com/a/path/that/goes/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/a",
                "nd/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on",
                "/until/it/has/as/many/bytes/as/fit/in"
                $(, $more)?
            )
        };
    }
    let Some(mut original) = original() else { return };
    let fits: SharedCall<Answer> = shared_call!("memcached": long_ring(long!()));
    assert_eq!((fits.stored_key)().len(), 249);
    assert_eq!(fits.in_python(&mut original, "key").0, (fits.stored_key)());
    let longer: SharedCall<Answer> = shared_call!("memcached": long_ring(long!("!")));
    assert_eq!((longer.stored_key)(), (longer.key)());
    let key = longer.in_python(&mut original, "key").0;
    assert!(key.as_str().unwrap().starts_with("ring-sha1:"), "{key}");
    let longest: SharedCall<Answer> = shared_call!("memcached": long_ring(long!("!!")));
    assert_ne!((longest.stored_key)(), (longest.key)());
    longest.in_python(&mut original, "update");
    assert_eq!((longest.get)(), None);
}

/// Bytes that another coder wrote are a miss, and are overwritten.
#[test]
fn foreign_bytes_are_computed_anew() {
    let Some(mut original) = original() else { return };
    let calls = [redis_json::calls(), memcached_json::calls()];
    for call in calls.iter().map(|calls| &calls[0]) {
        computed();
        call.twin::<Vec<u8>>().ask(&mut original, "update", &[]);
        assert_eq!(call.stored().unwrap(), Vec::<u8>::WRITTEN_BY_PYTHON);
        assert_eq!((call.get)(), None);
        assert_eq!((call.get_or_update)(), Answer::of_rust());
        assert_eq!(computed(), 1);
        assert_eq!(call.stored().unwrap(), Answer::WRITTEN_BY_RUST);
    }
}
