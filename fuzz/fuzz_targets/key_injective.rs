//! Two values of one type share a text, or bytes, only if they are equal; and so do two calls.
#![no_main]

#[allow(dead_code, reason = "each target uses a part")]
#[path = "../keys.rs"]
mod keys;

use std::fmt::Debug;

use keys::text;
use keys::typed::Account;
use libfuzzer_sys::fuzz_target;
use ring_cache::key::{CallKey, EncodedKey};
use ring_cache::{KeyWriter, Name, RingKey};

/// An impl by hand that feeds its parts one after another.
#[derive(Debug)]
struct Parts<A, B>(A, B);

impl<A: RingKey, B: RingKey> RingKey for Parts<A, B> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.0.ring_key(key);
        self.1.ring_key(key);
    }
}

fn check<K: RingKey + Debug>(a: &K, b: &K) {
    // `Debug` knows one NaN and two zeros, as keys do.
    let equal = format!("{a:?}") == format!("{b:?}");
    assert_eq!(equal, text(a) == text(b), "{} and {}", text(a), text(b));
    assert_eq!(equal, EncodedKey::of(a) == EncodedKey::of(b), "{}", text(a));
}

fn check_calls<A: RingKey + Debug, B: RingKey + Debug>(a: (&A, &B), b: (&A, &B)) {
    let equal = format!("{a:?}") == format!("{b:?}");
    let name = Name::chosen("p");
    let calls = (CallKey::new(name, &a), CallKey::new(name, &b));
    assert_eq!(equal, text(&calls.0) == text(&calls.1), "{}", text(&calls.0));
    assert_eq!(equal, EncodedKey::of(&calls.0) == EncodedKey::of(&calls.1));
    check(&a, &b);
    check(&Parts(a.0, a.1), &Parts(b.0, b.1));
    check(&Some(Parts(a.0, a.1)), &Some(Parts(b.0, b.1)));
}

type Strings = (String, String);
type Lists = (Vec<u8>, Vec<Option<String>>);

fuzz_target!(|values: [(Account, Strings, Lists); 2]| {
    let [a, b] = &values;
    check(&a.0, &b.0);
    check_calls((&a.0, &a.1), (&b.0, &b.1));
    check_calls((&a.1.0, &a.1.1), (&b.1.0, &b.1.1));
    check_calls((&a.2.0, &a.2.1), (&b.2.0, &b.2.1));
    check_calls((&a.1.0, &a.2.1), (&b.1.0, &b.2.1));
});
