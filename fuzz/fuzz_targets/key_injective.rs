//! Two values of one type, or two calls, share a key only if they are equal, also for types without a parser of keys.
#![no_main]

#[allow(dead_code, reason = "each target uses a part")]
#[path = "../keys.rs"]
mod keys;

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroI64, Wrapping};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use keys::by_hand::{Grouped, Moment, Nested, Parts, Shapes};
use keys::{Trial, agree, agree_as_arguments, corpus, neighbours, split};
use libfuzzer_sys::{Corpus, fuzz_target};
use ring_cache::{KeyWriter, RingKey};

fn check<T: RingKey + PartialEq + for<'a> Arbitrary<'a>>(trial: Trial, rest: &mut [u8]) -> Option<()> {
    let [one, other] = neighbours::<T>(trial.change, rest)?;
    let equal = one == other;
    match trial.form % 3 {
        0 => agree(&one, &other, equal),
        1 => agree_as_arguments(&one, &other, equal),
        _ => agree(&Some(Parts(&one, &other)), &Some(Parts(&other, &one)), equal),
    }
    Some(())
}

/// Distinguishes the bytes of paths, also of paths that are equal by `Path`.
#[derive(Arbitrary, Debug, PartialEq)]
struct Bytes(OsString);

impl RingKey for Bytes {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        std::path::Path::new(&self.0).ring_key(key);
    }
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((kind, trial, mut rest)) = split(input, 24) else {
        return Corpus::Reject;
    };
    let rest = rest.as_mut_slice();
    corpus(match kind {
        0 => check::<(String, String)>(trial, rest),
        1 => check::<(Vec<u8>, Vec<Option<String>>)>(trial, rest),
        2 => check::<Parts<Vec<i64>, Vec<i64>>>(trial, rest),
        3 => check::<Parts<String, Option<Vec<u8>>>>(trial, rest),
        4 => check::<Parts<(), Parts<String, String>>>(trial, rest),
        5 => check::<Shapes>(trial, rest),
        6 => check::<Vec<Shapes>>(trial, rest),
        7 => check::<Grouped>(trial, rest),
        8 => check::<(Grouped, Grouped)>(trial, rest),
        9 => check::<Nested>(trial, rest),
        10 => check::<HashSet<String>>(trial, rest),
        11 => check::<HashMap<u8, Vec<u8>>>(trial, rest),
        12 => check::<HashMap<String, HashSet<i8>>>(trial, rest),
        13 => check::<Bytes>(trial, rest),
        14 => check::<Moment>(trial, rest),
        15 => check::<(Duration, Duration)>(trial, rest),
        16 => check::<(IpAddr, SocketAddr)>(trial, rest),
        17 => check::<Vec<NonZeroI64>>(trial, rest),
        18 => check::<(Wrapping<i128>, Result<u128, i128>)>(trial, rest),
        19 => check::<(Box<str>, char)>(trial, rest),
        20 => check::<(Rc<str>, Arc<[u8]>)>(trial, rest),
        21 => check::<Vec<(String, bool)>>(trial, rest),
        22 => check::<[Option<Option<u8>>; 4]>(trial, rest),
        _ => check::<Vec<Vec<Vec<()>>>>(trial, rest),
    })
});
