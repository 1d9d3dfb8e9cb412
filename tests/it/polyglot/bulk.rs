//! Many calls at once, in both languages.

use ring_cache::Calls;
use serde_json::Value;

use super::call::Twin;
use super::rings::{memcached_bytes, memcached_json, redis_bytes, redis_json};
use super::servers::{Original, original};
use super::value::{Shared, computed};

/// The calls of one ring with each of `ARGUMENTS`.
struct SharedCalls<V> {
    twin: Twin,
    keys: fn() -> Vec<String>,
    get: fn() -> Vec<Option<V>>,
    get_or_update: fn() -> Vec<V>,
    update: fn() -> Vec<V>,
    set: fn(Vec<V>),
    delete: fn() -> Vec<bool>,
    has: fn() -> Vec<bool>,
    touch: fn() -> Vec<bool>,
}

const ARGUMENTS: [&str; 3] = [r#"[1, "a"]"#, r#"[-2, "b:"]"#, r#"[3, ""]"#];

macro_rules! shared_calls {
    ($module:ident on $storage:literal) => {{
        macro_rules! calls {
            () => {
                [(1, "a"), (-2, "b:"), (3, "")].map(|(n, text)| $module::pair_ring(n, text))
            };
        }
        SharedCalls {
            twin: Twin {
                storage: $storage,
                key_prefix: $module::pair_ring(0, "").name().as_str(),
                coder: None,
                expire: Some(60),
                form: 2.into(),
                method: None,
                arguments: String::new(),
            },
            keys: || calls!().key_many().iter().map(ToString::to_string).collect(),
            get: || calls!().get_many().unwrap(),
            get_or_update: || calls!().get_or_update_many(),
            update: || calls!().update_many(),
            set: |values| calls!().set_many(values).unwrap(),
            delete: || calls!().delete_many().unwrap(),
            has: || calls!().has_many().unwrap(),
            touch: || calls!().touch_many().unwrap(),
        }
    }};
}

#[test]
fn bulk_verbs_meet() {
    let Some(mut original) = original() else { return };
    meet(&shared_calls!(redis_json on "redis"), &mut original);
    meet(&shared_calls!(redis_bytes on "redis"), &mut original);
    meet(&shared_calls!(memcached_json on "memcached"), &mut original);
    meet(&shared_calls!(memcached_bytes on "memcached"), &mut original);
}

fn meet<V: Shared>(calls: &SharedCalls<V>, original: &mut Original) {
    (calls.delete)();
    computed();
    let python = [V::of_python(), V::of_python(), V::of_python()];
    let rust = [V::of_rust(), V::of_rust(), V::of_rust()];

    assert_eq!(calls.in_python(original, "key_many"), ((calls.keys)().into(), 0));
    assert_eq!(
        calls.in_python(original, "get_many"),
        (vec![Value::Null; 3].into(), 0)
    );

    assert_eq!(calls.in_python(original, "update_many"), (values(&python), 3));
    assert_eq!((calls.get)(), python.clone().map(Some));
    assert_eq!((calls.get_or_update)(), python);
    assert_eq!(computed(), 0);

    assert_eq!((calls.update)(), rust);
    assert_eq!(calls.in_python(original, "get_many"), (values(&rust), 0));
    assert_eq!((calls.delete)(), [true; 3]);
    assert_eq!(
        calls.in_python(original, "get_or_update_many"),
        (values(&python), 3)
    );
    assert_eq!((calls.touch)(), [true; 3]);

    (calls.set)(rust.to_vec());
    assert_eq!(calls.in_python(original, "get_many"), (values(&rust), 0));
    let set = python.each_ref().map(V::in_python);
    calls.ask(original, "set_many", &ARGUMENTS, &set);
    assert_eq!((calls.get)(), python.map(Some));

    calls.forget_in_python(original);
    assert_eq!((calls.has)(), [false; 3]);
    assert_eq!((calls.touch)(), [false; 3]);
}

/// Some entries exist: each language computes the absent ones.
#[test]
fn each_adds_what_is_absent() {
    let Some(mut original) = original() else { return };
    add(&shared_calls!(redis_json on "redis"), &mut original);
    add(&shared_calls!(redis_bytes on "redis"), &mut original);
    add(&shared_calls!(memcached_json on "memcached"), &mut original);
    add(&shared_calls!(memcached_bytes on "memcached"), &mut original);
}

fn add<V: Shared>(calls: &SharedCalls<V>, original: &mut Original) {
    (calls.delete)();
    computed();
    let second = [V::of_python().in_python()];
    calls.ask(original, "set_many", &ARGUMENTS[1..2], &second);
    let mixed = [V::of_rust(), V::of_python(), V::of_rust()];
    assert_eq!((calls.get_or_update)(), mixed);
    assert_eq!(computed(), 2);

    calls.ask(original, "delete", &ARGUMENTS[2..], &[]);
    assert_eq!((calls.has)(), [true, true, false]);
    let mixed = [V::of_rust(), V::of_python(), V::of_python()];
    assert_eq!(
        calls.in_python(original, "get_or_update_many"),
        (values(&mixed), 1)
    );
    assert_eq!((calls.get)(), mixed.map(Some));
}

fn values<V: Shared>(values: &[V]) -> Value {
    values.iter().map(V::in_python).collect()
}

impl<V: Shared> SharedCalls<V> {
    /// The results of the original's `verb` for all calls, and the number of bodies that ran.
    fn in_python(&self, original: &mut Original, verb: &str) -> (Value, u64) {
        let answer = self.ask(original, verb, &ARGUMENTS, &[]);
        (answer["returned"].clone(), answer["ran"].as_u64().unwrap())
    }

    fn ask(&self, original: &mut Original, verb: &str, calls: &[&str], values: &[Value]) -> Value {
        let twin = Twin {
            coder: V::CODER,
            ..self.twin.clone()
        };
        let answer = twin.answer_many(original, verb, calls, values);
        assert_eq!(answer.get("failed"), None, "{verb} in {}", twin.storage);
        answer
    }

    /// The original has no `delete_many` for Redis.
    fn forget_in_python(&self, original: &mut Original) {
        if self.twin.storage == "memcached" {
            self.ask(original, "delete_many", &ARGUMENTS, &[]);
            return;
        }
        for arguments in ARGUMENTS {
            self.ask(original, "delete", &[arguments], &[]);
        }
    }
}
