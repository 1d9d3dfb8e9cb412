//! Keys of every shape, each with another text.

use crate::key::{KeyWriter, RingKey};

/// A key of one of the shapes, as if it were a value of that type.
#[derive(Clone)]
pub(super) enum Sample {
    Text(String),
    Number(u64),
    Negative(i64),
    Wide(u128),
    Float(f64),
    Bool(bool),
    Char(char),
    Bytes(Vec<u8>),
    Absent,
    Present(Box<Sample>),
    List(Vec<Sample>),
    Pair(Box<(Sample, Sample)>),
    Unit,
}

impl RingKey for Sample {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match self {
            Sample::Text(text) => text.ring_key(key),
            Sample::Number(number) => number.ring_key(key),
            Sample::Negative(number) => number.ring_key(key),
            Sample::Wide(number) => number.ring_key(key),
            Sample::Float(number) => number.ring_key(key),
            Sample::Bool(truth) => truth.ring_key(key),
            Sample::Char(character) => character.ring_key(key),
            Sample::Bytes(bytes) => bytes.ring_key(key),
            Sample::Absent => None::<u8>.ring_key(key),
            Sample::Present(sample) => Some(&**sample).ring_key(key),
            Sample::List(samples) => samples.ring_key(key),
            Sample::Pair(pair) => pair.ring_key(key),
            Sample::Unit => ().ring_key(key),
        }
    }
}

const TEXTS: [&str; 38] = [
    "",
    ":",
    "::",
    "a:b",
    "%",
    "%3A",
    "%%",
    "%00",
    "\r",
    "\n",
    "\r\n",
    "\0",
    "\0\0",
    "a\0b",
    " ",
    "  ",
    " a",
    "a ",
    "\t",
    "'",
    "\"",
    "\\",
    "'a'",
    "{}",
    "{a}b",
    "{b}a",
    "*",
    "?",
    "[a]",
    "../a",
    "a/b",
    "a\u{7f}",
    "é",
    "e\u{301}",
    "🦀",
    "👩‍👩‍👧",
    "\u{202e}a",
    "get a 0 0 1\r\nx",
];

pub(super) fn samples() -> [Sample; 70] {
    let texts = TEXTS.map(text);
    let large = [
        text("a".repeat(10_000)),
        text("a".repeat(9_999) + "b"),
        text("é".repeat(5_000)),
    ];
    let numbers = [
        Sample::Number(0),
        Sample::Number(1),
        Sample::Number(10),
        Sample::Number(u64::MAX),
        Sample::Negative(-1),
        Sample::Negative(i64::MIN),
        Sample::Wide(u128::MAX),
        Sample::Float(1.0),
        Sample::Float(-0.0),
        Sample::Float(f64::NAN),
        Sample::Bool(true),
        Sample::Bool(false),
        Sample::Char('x'),
        Sample::Bytes(b"\x00\xff".to_vec()),
    ];
    let ones = [Sample::Number(1), text("1"), Sample::Number(2)];
    let nested = [
        Sample::Absent,
        present(Sample::Absent),
        present(Sample::Number(1)),
        present(text("1")),
        Sample::Unit,
        Sample::List(Vec::new()),
        Sample::List(vec![Sample::List(Vec::new())]),
        Sample::List(ones[..1].to_vec()),
        Sample::List(ones[1..2].to_vec()),
        Sample::List(ones[..2].to_vec()),
        Sample::List(ones.to_vec()),
        Sample::List(vec![
            Sample::List(ones[..1].to_vec()),
            Sample::List(ones[2..].to_vec()),
        ]),
        Sample::List(vec![text("a,b")]),
        Sample::List(vec![text("a"), text("b")]),
        Sample::Pair(Box::new((Sample::Number(1), text("1")))),
    ];
    let all: Vec<_> = texts
        .into_iter()
        .chain(large)
        .chain(numbers)
        .chain(nested)
        .collect();
    all.try_into()
        .unwrap_or_else(|all: Vec<_>| unreachable!("{} samples", all.len()))
}

fn text(text: impl Into<String>) -> Sample {
    Sample::Text(text.into())
}

fn present(sample: Sample) -> Sample {
    Sample::Present(Box::new(sample))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::samples;
    use crate::key::key_text;

    #[test]
    fn no_two_samples_share_a_text() {
        let texts = samples().map(|sample| key_text(&sample));
        let mut seen = HashSet::new();
        for text in &texts {
            assert!(seen.insert(text), "`{text}` twice");
        }
    }
}
