//! Each language sees the other's stores, refreshes and removals.

use serde_json::Value;

use super::call::SharedCall;
use super::rings::{memcached_bytes, memcached_json, redis_bytes, redis_json};
use super::servers::{Original, original};
use super::value::{Shared, computed};

/// Runs a scenario with every call, on both servers, with both coders.
macro_rules! with_every_call {
    ($($scenario:ident)*) => {$(
        #[test]
        fn $scenario() {
            let Some(mut original) = original() else { return };
            each(redis_json::calls(), &mut original, super::$scenario);
            each(redis_bytes::calls(), &mut original, super::$scenario);
            each(memcached_json::calls(), &mut original, super::$scenario);
            each(memcached_bytes::calls(), &mut original, super::$scenario);
        }
    )*};
}

mod with_every_call {
    use super::*;

    with_every_call! {
        keys_are_equal
        what_python_computes_rust_finds
        what_rust_computes_python_finds
        what_one_sets_the_other_gets
        what_one_refreshes_the_other_gets
        what_one_deletes_is_gone_for_the_other
    }

    fn each<V: Shared>(
        calls: Vec<SharedCall<V>>,
        original: &mut Original,
        scenario: fn(&SharedCall<V>, &mut Original),
    ) {
        for call in calls {
            (call.delete)();
            computed();
            scenario(&call, original);
        }
    }
}

fn keys_are_equal<V: Shared>(call: &SharedCall<V>, original: &mut Original) {
    let key = Value::from((call.key)());
    assert_eq!(call.in_python(original, "key"), (key, false), "{}", call.text);
    assert_eq!((call.stored_key)(), (call.key)(), "{}", call.text);
}

fn what_python_computes_rust_finds<V: Shared>(call: &SharedCall<V>, original: &mut Original) {
    let text = call.text;
    assert_eq!((call.get)(), None, "{text}");
    let python = V::of_python();
    assert_eq!(
        call.in_python(original, "get_or_update"),
        (python.in_python(), true),
        "{text}"
    );
    assert_eq!(call.stored().unwrap(), V::WRITTEN_BY_PYTHON, "{text}");
    assert!((call.has)(), "{text}");
    assert_eq!((call.get)().unwrap(), python, "{text}");
    assert_eq!((call.get_or_update)(), python, "{text}");
    assert_eq!(computed(), 0, "{text}");
}

fn what_rust_computes_python_finds<V: Shared>(call: &SharedCall<V>, original: &mut Original) {
    let text = call.text;
    assert_eq!(call.in_python(original, "get"), (Value::Null, false), "{text}");
    assert_eq!((call.get_or_update)(), V::of_rust(), "{text}");
    assert_eq!(computed(), 1, "{text}");
    assert_eq!(call.stored().unwrap(), V::WRITTEN_BY_RUST, "{text}");
    let found = (V::of_rust().in_python(), false);
    assert_eq!(call.in_python(original, "get"), found, "{text}");
    assert_eq!(call.in_python(original, "get_or_update"), found, "{text}");
    if call.twin.storage == "redis" {
        assert_eq!(call.in_python(original, "has"), (true.into(), false), "{text}");
    }
}

fn what_one_sets_the_other_gets<V: Shared>(call: &SharedCall<V>, original: &mut Original) {
    let text = call.text;
    call.set_in_python(original, &V::of_python());
    assert_eq!((call.get)().unwrap(), V::of_python(), "{text}");
    (call.set)(V::of_rust());
    assert_eq!(
        call.in_python(original, "get"),
        (V::of_rust().in_python(), false),
        "{text}"
    );
    assert_eq!(computed(), 0, "{text}");
}

fn what_one_refreshes_the_other_gets<V: Shared>(call: &SharedCall<V>, original: &mut Original) {
    let text = call.text;
    (call.set)(V::of_rust());
    assert_eq!(
        call.in_python(original, "update"),
        (V::of_python().in_python(), true),
        "{text}"
    );
    assert_eq!((call.get)().unwrap(), V::of_python(), "{text}");
    assert_eq!((call.update)(), V::of_rust(), "{text}");
    assert_eq!(computed(), 1, "{text}");
    assert_eq!(
        call.in_python(original, "get"),
        (V::of_rust().in_python(), false),
        "{text}"
    );
}

fn what_one_deletes_is_gone_for_the_other<V: Shared>(call: &SharedCall<V>, original: &mut Original) {
    let text = call.text;
    call.set_in_python(original, &V::of_python());
    assert!((call.delete)(), "{text}");
    assert_eq!(call.in_python(original, "get"), (Value::Null, false), "{text}");
    (call.set)(V::of_rust());
    call.in_python(original, "delete");
    assert_eq!((call.get)(), None, "{text}");
    assert!(!(call.has)(), "{text}");
    assert!(!(call.delete)(), "{text}");
}
