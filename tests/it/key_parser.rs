//! Keys are injective: a parser of their text restores the values.
//!
//! Text is injective among the values of one type, so the parser gets the type, as a [`Schema`].

mod format;
mod parser;
mod schema;
mod strategies;
mod typed;

use proptest::prelude::*;
use ring_cache::key::{CallKey, EncodedKey};
use ring_cache::{Key, KeyWriter, Name, RingKey};

use parser::{parse, parse_call};
use schema::{Keyed, Schema, Value};
use strategies::{accounts, of_schema, schemas};
use typed::{Account, Shaped};

fn text<K: RingKey + ?Sized>(key: &K) -> String {
    Key::of(key).to_string()
}

fn call<A: RingKey, B: RingKey>(first: &A, second: &B) -> String {
    text(&CallKey::new(Name::chosen("p"), &(first, second)))
}

fn two_values() -> impl Strategy<Value = (Schema, Value, Value)> {
    schemas().prop_flat_map(|schema| {
        let values = (of_schema(&schema), of_schema(&schema));
        values.prop_map(move |(a, b)| (schema.clone(), a, b))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_shape_can_be_read_back((schema, value, _) in two_values()) {
        let text = text(&Keyed(&schema, &value));
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
        prop_assert_eq!(parse(&text, &schema), Some(value), "{}", text);
    }

    #[test]
    fn every_call_can_be_read_back((schema, a, b) in two_values()) {
        let text = call(&Keyed(&schema, &a), &Keyed(&schema, &b));
        let read = parse_call(&text, "p", &[&schema, &schema]);
        prop_assert_eq!(read, Some(vec![a, b]), "{}", text);
    }

    #[test]
    fn different_values_have_different_keys((schema, a, b) in two_values()) {
        let keys = (Keyed(&schema, &a), Keyed(&schema, &b));
        prop_assert_eq!(a == b, text(&keys.0) == text(&keys.1));
        prop_assert_eq!(a == b, EncodedKey::of(&keys.0) == EncodedKey::of(&keys.1));
        let (there, back) = ((&keys.0, &keys.1), (&keys.1, &keys.0));
        prop_assert_eq!(a == b, text(&there) == text(&back));
        prop_assert_eq!(a == b, call(&keys.0, &keys.1) == call(&keys.1, &keys.0));
    }

    #[test]
    fn a_recorded_key_reads_as_the_key_it_was_made_of((schema, value, other) in two_values()) {
        let (key, other) = (Keyed(&schema, &value), Keyed(&schema, &other));
        prop_assert_eq!(text(&EncodedKey::of(&key)), text(&key));
        let parts = (&key, &other);
        let call = CallKey::new(Name::chosen("p"), &parts);
        prop_assert_eq!(text(&EncodedKey::of(&call)), text(&call));
        let recorded = EncodedKey::of(&call);
        prop_assert_eq!(EncodedKey::of(&recorded), recorded);
    }

    #[test]
    fn derived_types_can_be_read_back(account in accounts()) {
        let schema = Account::schema();
        let text = text(&account);
        let read = parse(&text, &schema).map(Account::of);
        // `Debug` knows one NaN and two zeros, as keys do.
        prop_assert_eq!(format!("{read:?}"), format!("{:?}", Some(account)), "{}", text);
    }

    #[test]
    fn derived_types_are_equal_as_their_keys_are(a in accounts(), b in accounts()) {
        let equal = format!("{a:?}") == format!("{b:?}");
        prop_assert_eq!(equal, text(&a) == text(&b));
        prop_assert_eq!(equal, EncodedKey::of(&a) == EncodedKey::of(&b));
        prop_assert_eq!(equal, text(&a.owner) == text(&b.owner) && text(&a.rest()) == text(&b.rest()));
    }
}

/// A manual impl that feeds its parts one after another.
struct Parts<A, B>(A, B);

impl<A: RingKey, B: RingKey> RingKey for Parts<A, B> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.0.ring_key(key);
        self.1.ring_key(key);
    }
}

#[derive(RingKey)]
struct Alone<T>(T);

#[derive(RingKey)]
#[ring_key(prefix = "it")]
struct Prefixed<T> {
    value: T,
}

#[derive(RingKey)]
enum Either<T> {
    This(T),
    #[allow(dead_code)]
    That(u8),
}

fn differ<K: RingKey>(a: &K, b: &K) {
    assert_ne!(text(a), text(b));
    assert_ne!(EncodedKey::of(a), EncodedKey::of(b), "{}", text(a));
}

/// At every position of a value.
fn differ_everywhere<K: RingKey>(a: &K, b: &K) {
    differ(&a, &b);
    differ(&[a], &[b]);
    differ(&(a,), &(b,));
    differ(&(1, a, "x"), &(1, b, "x"));
    differ(&(a, b), &(b, a));
    differ(&Parts(a, 1), &Parts(b, 1));
    differ(&Parts("x", a), &Parts("x", b));
    differ(&Parts(a, b), &Parts(b, a));
    differ(&Some(a), &Some(b));
    differ(&Alone(a), &Alone(b));
    differ(&Prefixed { value: a }, &Prefixed { value: b });
    differ(&Either::This(a), &Either::This(b));
    let name = Name::chosen("p");
    differ(&CallKey::new(name, &(a,)), &CallKey::new(name, &(b,)));
    differ(&CallKey::new(name, &(a, 1)), &CallKey::new(name, &(b, 1)));
    differ(&CallKey::new(name, &(1, a)), &CallKey::new(name, &(1, b)));
    differ(&CallKey::new(name, &(a, b)), &CallKey::new(name, &(b, a)));
}

#[test]
fn parts_of_impls_by_hand_do_not_run_together() {
    differ_everywhere(&Parts(vec![1], vec![2, 3]), &Parts(vec![1, 2], vec![3]));
    differ_everywhere(&Parts(2, 3), &Parts(23, 0));
    differ_everywhere(&Parts("a", "b"), &Parts("ab", ""));
    differ_everywhere(&Parts("a'+'b", "c"), &Parts("a", "b'+'c"));
    differ_everywhere(&Parts(&b"a"[..], &b"b"[..]), &Parts(&b"ab"[..], &b""[..]));
    differ_everywhere(&Parts("a:b", "c"), &Parts("a", "b:c"));
    differ_everywhere(&("a:b", "c"), &("a", "b:c"));
    differ_everywhere(&Parts(Some(1), None), &Parts(None, Some(1)));
    differ_everywhere(&Parts((1, 2), ()), &Parts((1, 1), ()));
}

/// A manual impl that feeds a variable number of parts.
struct Loose(Vec<u32>);

impl RingKey for Loose {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        for number in &self.0 {
            number.ring_key(key);
        }
    }
}

#[test]
fn numbers_of_a_loose_list_do_not_run_together() {
    differ_everywhere(&Loose(vec![2, 3]), &Loose(vec![23]));
    differ_everywhere(&Loose(vec![1, 23]), &Loose(vec![12, 3]));
}
