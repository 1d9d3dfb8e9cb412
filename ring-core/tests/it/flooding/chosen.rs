//! Numbers and strings that collide under other hashes.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{KEYS, assert_as_cheap, random};

/// The factor of rustc's hash, `FxHasher`.
const FACTOR: u64 = 0x517c_c1b7_2722_0a95;

/// The inverse of a number modulo 2^64.
fn inverse(number: u64) -> u64 {
    let mut inverse = number;
    for _ in 0..6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(number.wrapping_mul(inverse)));
    }
    assert_eq!(number.wrapping_mul(inverse), 1);
    inverse
}

#[test]
fn numbers() {
    let fair: Vec<u64> = random().take(KEYS).collect();
    let unkeyed = |number: &u64| {
        let mut hasher = DefaultHasher::new();
        number.hash(&mut hasher);
        hasher.finish()
    };
    let all = 0..KEYS as u64;
    let attacks: [(&str, Vec<u64>); 8] = [
        ("numbers in a row", all.clone().collect()),
        (
            "multiples of 2^32",
            all.clone().map(|number| number << 32).collect(),
        ),
        (
            "multiples of 2^52",
            all.clone().map(|number| number << 52).collect(),
        ),
        ("negated numbers", all.clone().map(|number| !number).collect()),
        (
            "numbers in both halves",
            all.clone().map(|number| number << 32 | number).collect(),
        ),
        (
            "two bits",
            (0..64_u32)
                .flat_map(|high| (0..high).map(move |low| 1 << high | 1 << low))
                .chain((0..64).map(|bit| 1 << bit))
                .collect(),
        ),
        (
            "one bucket by rustc's hash",
            all.map(|number| (number << 52).wrapping_mul(inverse(FACTOR)))
                .collect(),
        ),
        (
            "one bucket by std's hash without a seed",
            (0..)
                .filter(|number| unkeyed(number) & 0x3f == 0)
                .take(KEYS)
                .collect(),
        ),
    ];
    for (what, chosen) in attacks {
        assert_as_cheap(what, &chosen, &fair[..chosen.len()]);
    }
}

/// Random strings of these lengths.
fn fair(lengths: impl Iterator<Item = usize>) -> Vec<String> {
    let mut random = random();
    let mut text = |length: usize| {
        let letters = random
            .by_ref()
            .map(|number| char::from(b'!' + (number % 94) as u8));
        letters.take(length).collect()
    };
    lengths.map(&mut text).collect()
}

#[test]
#[ignore = "slow: many keys with one hash"]
fn strings() {
    let all = 0..KEYS;
    // `hashCode` of Java, and other sums.
    let pairs = |number: usize| {
        (0..12)
            .map(|bit| if number >> bit & 1 == 0 { "Aa" } else { "BB" })
            .collect()
    };
    let attacks: [(&str, Vec<String>); 5] = [
        (
            "one long beginning",
            all.clone()
                .map(|number| format!("{}{number:04}", "a".repeat(1000)))
                .collect(),
        ),
        (
            "one long end",
            all.clone()
                .map(|number| format!("{number:04}{}", "a".repeat(1000)))
                .collect(),
        ),
        (
            "a difference in the middle",
            all.clone()
                .map(|number| format!("{0}{number:04}{0}", "a".repeat(300)))
                .collect(),
        ),
        ("equal sums", all.clone().map(pairs).collect()),
        (
            "words in another order",
            all.clone()
                .map(|number| format!("{:08}{:08}", number >> 6, number & 63))
                .collect(),
        ),
    ];
    for (what, chosen) in attacks {
        let random = fair(chosen.iter().map(String::len));
        assert_as_cheap(what, &chosen, &random);
    }
    // Short random strings would not all be different.
    let random = fair((0..KEYS).map(|length| length.max(8)));
    for letter in ["a", "\0"] {
        let chosen: Vec<_> = all.clone().map(|length| letter.repeat(length)).collect();
        assert_as_cheap("one letter repeated", &chosen, &random);
    }
    // Fewer, since long strings take long.
    let some = all.take(KEYS / 4);
    let chosen: Vec<_> = some.map(|count| "0123456789abcdef".repeat(count)).collect();
    assert_as_cheap("sixteen letters repeated", &chosen, &random[..KEYS / 4]);
}

/// All of them have one hash by rustc's.
#[test]
fn bytes() {
    let (mut chosen, mut fair) = (Vec::new(), Vec::new());
    for (first, second) in random().take(KEYS).zip(random().skip(KEYS)) {
        let answer = first.wrapping_mul(FACTOR).rotate_left(5) ^ 7;
        chosen.push([first.to_le_bytes(), answer.to_le_bytes()].concat());
        fair.push([first.to_le_bytes(), second.to_le_bytes()].concat());
    }
    assert_as_cheap("one hash by rustc's", &chosen, &fair);
}
