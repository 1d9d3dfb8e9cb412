//! The text of a key gives the parts back, and two keys are equal by their texts, as they are recorded, and for the
//! cache, if their values are.
#![no_main]

#[allow(dead_code, reason = "each target uses a part")]
#[path = "../keys.rs"]
mod keys;

use arbitrary::Arbitrary;
use keys::derived::{Alone, Collections, Empty, Kind, Labelled, Numbers, Page, Pair, Plain, Sort};
use keys::{Shape, agree, agree_as_arguments, can_be_read, corpus, neighbours, split};
use libfuzzer_sys::{Corpus, fuzz_target};

fn check<T: Shape + for<'a> Arbitrary<'a>>(change: [u8; 2], rest: &mut [u8]) -> Option<()> {
    let [one, other] = neighbours::<T>(change, rest)?;
    let equal = can_be_read(&one, &other);
    agree(&one, &other, equal);
    agree_as_arguments(&one, &other, equal);
    Some(())
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((kind, change, mut rest)) = split(input) else {
        return Corpus::Reject;
    };
    let rest = rest.as_mut_slice();
    corpus(match kind % 16 {
        0 => check::<Plain>(change, rest),
        1 => check::<Labelled>(change, rest),
        2 => check::<Page>(change, rest),
        3 => check::<Alone<String>>(change, rest),
        4 => check::<Pair>(change, rest),
        5 => check::<(Empty, Page, Sort<Empty>)>(change, rest),
        6 => check::<Kind>(change, rest),
        7 => check::<Sort<String>>(change, rest),
        8 => check::<Sort<Vec<u8>>>(change, rest),
        9 => check::<Numbers>(change, rest),
        10 => check::<Collections<String, u8>>(change, rest),
        11 => check::<Collections<i64, String>>(change, rest),
        12 => check::<Vec<Option<Kind>>>(change, rest),
        13 => check::<Alone<Vec<Vec<String>>>>(change, rest),
        14 => check::<Option<Alone<Result<f64, Pair>>>>(change, rest),
        _ => check::<Vec<u8>>(change, rest),
    })
});
