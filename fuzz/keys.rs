//! Values whose keys are checked, and the properties of all of them.

#[path = "../tests/it/key_parser/format.rs"]
mod format;
#[path = "../tests/it/key_parser/parser.rs"]
mod parser;
#[path = "../tests/it/key_parser/schema.rs"]
mod schema;

#[path = "keys/by_hand.rs"]
pub(crate) mod by_hand;
#[path = "keys/derived.rs"]
pub(crate) mod derived;
#[path = "keys/shape.rs"]
mod shape;

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::Corpus;
use ring_cache::key::{CallKey, EncodedKey};
use ring_cache::{Key, Lru, Name, RingKey};

pub(crate) use shape::Shape;

static RING: LazyLock<&Name> = LazyLock::new(|| Name::chosen("p"));
static CACHE: LazyLock<Lru<u8>> = LazyLock::new(|| Lru::new(8));

/// The text of a key.
pub(crate) fn text<K: RingKey + ?Sized>(key: &K) -> String {
    Key::of(key).to_string()
}

/// A value, and another that mostly differs slightly: one byte of its input is changed. Two bytes give the position and the
/// change; `rest` is the input of both.
pub(crate) fn neighbours<T: for<'a> Arbitrary<'a>>(change: [u8; 2], rest: &mut [u8]) -> Option<[T; 2]> {
    let one = T::arbitrary_take_rest(Unstructured::new(rest)).ok()?;
    let [place, bits] = change;
    let length = rest.len();
    if let Some(byte) = rest.get_mut(usize::from(place) % length.max(1)) {
        *byte ^= bits;
    }
    let other = T::arbitrary_take_rest(Unstructured::new(rest)).ok()?;
    Some([one, other])
}

/// Texts, records and the cache agree on whether two keys are equal.
pub(crate) fn agree<K: RingKey>(one: &K, other: &K, equal: bool) {
    let texts = [text(one), text(other)];
    assert!(
        texts
            .iter()
            .all(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
    );
    assert_eq!(texts[0] == texts[1], equal, "{texts:?}");
    let recorded = [EncodedKey::of(one), EncodedKey::of(other)];
    assert_eq!(recorded[0] == recorded[1], equal, "{texts:?}");
    assert_eq!(
        text(&recorded[0]),
        texts[0],
        "a recorded key reads as the key itself"
    );
    CACHE.clear();
    CACHE.set(one, 1);
    assert_eq!(CACHE.get(one), Some(1), "{texts:?}");
    assert_eq!(CACHE.get(&recorded[0]), Some(1), "{texts:?}");
    assert_eq!(CACHE.get(other), equal.then_some(1), "{texts:?}");
    CACHE.set(&recorded[1], 2);
    assert_eq!(CACHE.get(one), Some(if equal { 2 } else { 1 }), "{texts:?}");
    assert_eq!(CACHE.len(), 2 - usize::from(equal), "{texts:?}");
}

/// The same as arguments of calls, in either order.
pub(crate) fn agree_as_arguments<K: RingKey>(one: &K, other: &K, equal: bool) {
    let calls = [(one, other), (other, one)];
    let calls = [&calls[0], &calls[1]].map(|parts| CallKey::new(*RING, parts));
    agree(&calls[0], &calls[1], equal);
}

/// The parser restores the parts of a value.
pub(crate) fn can_be_read<T: Shape>(one: &T, other: &T) -> bool {
    T::with_schema(|schema| {
        let (value, text) = (one.value(), text(one));
        assert_eq!(parser::parse(&text, schema).as_ref(), Some(&value), "{text}");
        value == other.value()
    })
}

/// The parser restores the parts of a call's two arguments.
pub(crate) fn can_be_read_as_arguments<T: Shape>(one: &T, other: &T) -> bool {
    T::with_schema(|schema| {
        let values = [one.value(), other.value()];
        let text = text(&CallKey::new(*RING, &(one, other)));
        let read = parser::parse_call(&text, RING.as_str(), &[schema, schema]);
        assert_eq!(read.as_deref(), Some(&values[..]), "{text}");
        values[0] == values[1]
    })
}

/// Three bytes for the trial, and the rest. The first selects one of `kinds`, and the form of its values: one per execution,
/// for more executions.
pub(crate) fn split(input: &[u8], kinds: u8) -> Option<(u8, Trial, Vec<u8>)> {
    let (&[kind, place, bits], rest) = input.split_first_chunk()?;
    let trial = Trial {
        form: kind / kinds,
        change: [place, bits],
    };
    Some((kind % kinds, trial, rest.to_vec()))
}

/// A trial of values.
#[derive(Clone, Copy)]
pub(crate) struct Trial {
    pub(crate) form: u8,
    pub(crate) change: [u8; 2],
}

/// Whether an input was useful.
pub(crate) fn corpus(used: Option<()>) -> Corpus {
    if used.is_some() {
        Corpus::Keep
    } else {
        Corpus::Reject
    }
}
