//! One call, in both languages.

use serde_json::{Value, json};

use super::servers::{Original, both};
use super::value::Shared;

/// A call in Rust, and its counterpart in Python.
pub(crate) struct SharedCall<V> {
    /// Its source text here.
    pub(crate) text: &'static str,
    pub(crate) twin: Twin,
    pub(crate) key: fn() -> String,
    pub(crate) stored_key: fn() -> String,
    pub(crate) get: fn() -> Option<V>,
    pub(crate) get_or_update: fn() -> V,
    pub(crate) update: fn() -> V,
    pub(crate) set: fn(V),
    pub(crate) delete: fn() -> bool,
    pub(crate) has: fn() -> bool,
    pub(crate) touch: fn() -> bool,
}

/// A call in Python.
#[derive(Clone)]
pub(crate) struct Twin {
    /// `redis` or `memcached`.
    pub(crate) storage: &'static str,
    pub(crate) key_prefix: &'static str,
    pub(crate) coder: Option<&'static str>,
    /// In seconds, if any.
    pub(crate) expire: Option<u32>,
    /// A class of `rings.py`, or the number of the function's arguments.
    pub(crate) form: Value,
    /// The method, and the arguments of its `self`, if that is not the class itself.
    pub(crate) method: Option<(&'static str, Vec<Value>)>,
    /// The arguments, as JSON.
    pub(crate) arguments: String,
}

/// `shared_call!(storage: accessor(arguments))`.
macro_rules! shared_call {
    ($storage:literal: $accessor:ident($($argument:expr),*)) => {{
        let arguments: Vec<String> = vec![$(serde_json::to_string(&$argument).unwrap()),*];
        let form = arguments.len();
        shared_call!($storage, form, None, arguments, $accessor($($argument),*))
    }};
    ($storage:expr, $form:expr, $method:expr, $arguments:expr, $($call:tt)*) => {
        $crate::polyglot::call::SharedCall {
            text: concat!($storage, ": ", stringify!($($call)*)),
            twin: $crate::polyglot::call::Twin {
                storage: $storage,
                key_prefix: $($call)*.name().as_str(),
                coder: None,
                expire: Some(60),
                form: $form.into(),
                method: $method,
                arguments: format!("[{}]", $arguments.join(",")),
            },
            key: || $($call)*.key().to_string(),
            stored_key: || $($call)*.stored_key(),
            get: || $($call)*.get().unwrap(),
            get_or_update: || $($call)*.get_or_update(),
            update: || $($call)*.update(),
            set: |value| $($call)*.set(value).unwrap(),
            delete: || $($call)*.delete().unwrap(),
            has: || $($call)*.has().unwrap(),
            touch: || $($call)*.touch().unwrap(),
        }
    };
}
pub(crate) use shared_call;

impl<V: Shared> SharedCall<V> {
    /// The result of the original's `verb`, and whether it ran the body.
    pub(crate) fn in_python(&self, original: &mut Original, verb: &str) -> (Value, bool) {
        self.twin::<V>().ask(original, verb, &[])
    }

    pub(crate) fn set_in_python(&self, original: &mut Original, value: &V) {
        self.twin::<V>().ask(original, "set", &[value.in_python()]);
    }
}

impl<V> SharedCall<V> {
    pub(crate) fn twin<W: Shared>(&self) -> Twin {
        Twin {
            coder: W::CODER,
            ..self.twin.clone()
        }
    }

    /// The bytes in the server.
    pub(crate) fn stored(&self) -> Option<Vec<u8>> {
        let key = (self.stored_key)();
        match self.twin.storage {
            "redis" => both().redis.command(&["GET", &key]).bytes(),
            _ => both().memcached[0].value(&key),
        }
    }
}

impl Twin {
    pub(crate) fn ask(&self, original: &mut Original, verb: &str, values: &[Value]) -> (Value, bool) {
        let answer = self.answer(original, verb, values);
        assert_eq!(answer.get("failed"), None, "{verb} in Python, {}", self.arguments);
        (answer["returned"].clone(), answer["ran"] != 0)
    }

    pub(crate) fn answer(&self, original: &mut Original, verb: &str, values: &[Value]) -> Value {
        self.answer_many(original, verb, &[&self.arguments], values)
    }

    pub(crate) fn answer_many(
        &self,
        original: &mut Original,
        verb: &str,
        calls: &[&str],
        values: &[Value],
    ) -> Value {
        let mut request = json!({
            "options": {
                "storage": self.storage,
                "key_prefix": self.key_prefix,
                "coder": self.coder,
                "expire": self.expire,
                "form": self.form,
            },
            "verb": verb,
            "values": values,
            "calls": calls,
        });
        if let Some((method, owner)) = &self.method {
            request["method"] = json!(method);
            request["self"] = json!(owner);
        }
        original.ask(&request)
    }
}
