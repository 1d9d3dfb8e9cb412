//! Hashes of Redis, which have the name of the ring: the original's `hash_key`.

use ring_cache::coder::Json;
use ring_cache::{Calls, ring};
use serde_json::Value;

use super::call::{SharedCall, shared_call};
use super::servers::{REDIS_HASH, both, original};
use super::value::{Answer, Shared, computed};

#[ring(redis_hash = REDIS_HASH, coder = Json, key_prefix = "hashed")]
fn hashed(_n: i64, _text: &str) -> Answer {
    Shared::compute()
}

#[test]
fn hashes_are_shared() {
    let Some(mut original) = original() else { return };
    let calls: [SharedCall<Answer>; 2] = [
        shared_call!("redis hash": hashed_ring(-1, "a:b")),
        shared_call!("redis hash": hashed_ring(2, "it's")),
    ];
    for call in calls {
        let key = (call.key)();
        computed();
        assert_eq!(call.in_python(&mut original, "key").0, *key);
        let python = Answer::of_python();
        assert_eq!(
            call.in_python(&mut original, "get_or_update"),
            (python.in_python(), true)
        );
        assert_eq!((call.get_or_update)(), python);
        assert_eq!(computed(), 0);
        let stored = || both().redis.command(&["HGET", "hashed", &key]).bytes();
        assert_eq!(stored().unwrap(), Answer::WRITTEN_BY_PYTHON);

        assert_eq!((call.update)(), Answer::of_rust());
        assert_eq!(
            call.in_python(&mut original, "get"),
            (Answer::of_rust().in_python(), false)
        );
        assert_eq!(call.in_python(&mut original, "has").0, true);
        assert_eq!(stored().unwrap(), Answer::WRITTEN_BY_RUST);

        assert!((call.delete)());
        assert_eq!(call.in_python(&mut original, "get"), (Value::Null, false));
        call.set_in_python(&mut original, &Answer::of_python());
        assert!((call.has)());
        call.in_python(&mut original, "delete");
        assert_eq!((call.get)(), None);
    }
}

#[test]
fn bulk_verbs_meet_in_a_hash() {
    let Some(mut original) = original() else { return };
    let twin = shared_call!("redis hash": hashed_ring(0, "")).twin::<Answer>();
    let calls = || [(7, "x"), (8, "")].map(|(n, text)| hashed_ring(n, text));
    let arguments = [r#"[7, "x"]"#, r#"[8, ""]"#];
    calls().delete_many().unwrap();
    twin.answer_many(&mut original, "update_many", &arguments, &[]);
    assert_eq!(
        calls().get_many().unwrap(),
        [(); 2].map(|()| Some(Answer::of_python()))
    );
    calls().update_many();
    let found = twin.answer_many(&mut original, "get_many", &arguments, &[]);
    assert_eq!(
        found["returned"],
        Value::from(vec![Answer::of_rust().in_python(); 2])
    );
}
