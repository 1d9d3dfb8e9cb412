//! The parts can be read back from the text of a key. Two keys are equal by text, by record and for the cache exactly if
//! their values are.
#![no_main]

#[allow(dead_code, reason = "each target uses a part")]
#[path = "../keys.rs"]
mod keys;

use arbitrary::Arbitrary;
use keys::derived::{Alone, Collections, Empty, Kind, Labelled, Numbers, Page, Pair, Plain, Sort};
use keys::{
    Shape, Trial, agree, agree_as_arguments, can_be_read, can_be_read_as_arguments, corpus, neighbours, split,
};
use libfuzzer_sys::{Corpus, fuzz_target};

fn check<T: Shape + for<'a> Arbitrary<'a>>(trial: Trial, rest: &mut [u8]) -> Option<()> {
    let [one, other] = neighbours::<T>(trial.change, rest)?;
    if trial.form.is_multiple_of(2) {
        agree(&one, &other, can_be_read(&one, &other));
    } else {
        agree_as_arguments(&one, &other, can_be_read_as_arguments(&one, &other));
    }
    Some(())
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((kind, trial, mut rest)) = split(input, 16) else {
        return Corpus::Reject;
    };
    let rest = rest.as_mut_slice();
    corpus(match kind {
        0 => check::<Plain>(trial, rest),
        1 => check::<Labelled>(trial, rest),
        2 => check::<Page>(trial, rest),
        3 => check::<Alone<String>>(trial, rest),
        4 => check::<Pair>(trial, rest),
        5 => check::<(Empty, Page, Sort<Empty>)>(trial, rest),
        6 => check::<Kind>(trial, rest),
        7 => check::<Sort<String>>(trial, rest),
        8 => check::<Sort<Vec<u8>>>(trial, rest),
        9 => check::<Numbers>(trial, rest),
        10 => check::<Collections<String, u8>>(trial, rest),
        11 => check::<Collections<i64, String>>(trial, rest),
        12 => check::<Vec<Option<Kind>>>(trial, rest),
        13 => check::<Alone<Vec<Vec<String>>>>(trial, rest),
        14 => check::<Option<Alone<Result<f64, Pair>>>>(trial, rest),
        _ => check::<Vec<u8>>(trial, rest),
    })
});
