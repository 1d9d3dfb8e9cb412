//! For any bytes of servers, in any pieces: they are parsed or refused, in bounded memory, with the same result for all
//! pieces.
#![no_main]

use std::fmt::Debug;
use std::sync::LazyLock;

use libfuzzer_sys::{Corpus, fuzz_target};
use ring_cache::Name;
use ring_cache_backends::fuzzing::{memcached, redis};

static RING: LazyLock<&Name> = LazyLock::new(|| Name::chosen("p"));

/// The memory reserved for an announced value, doubled when it grows.
const ANYWAY: u64 = 4 << 20;
/// The most memory for one byte: a reply of the client's type, in a list that doubles while it grows.
const FOR_A_BYTE: u64 = 512;
/// The most requests to a cluster: the first, one for each redirection, and one more after a server broke.
const ROUNDS: usize = 7;

fn pieces(mut bytes: &[u8], length: usize) -> impl Iterator<Item = &[u8]> {
    // Each is longer than the one before, so that cuts are at different places.
    (length..).map_while(move |length| {
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        bytes = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Pieces give the same result as the same bytes at once.
fn however_cut<T: Debug + PartialEq>(
    bytes: &[u8],
    length: usize,
    read: impl Fn(&mut dyn Iterator<Item = &[u8]>) -> memcached::Read<T>,
) {
    let (taken, in_pieces) = read(&mut pieces(bytes, length));
    let (again, at_once) = read(&mut std::iter::once(&bytes[..taken]));
    assert_eq!((again, at_once), (taken, in_pieces), "in pieces of {length}");
}

fn memcached(kind: u8, asked: usize, length: usize, bytes: &[u8]) {
    match kind {
        0 => however_cut(bytes, length, |pieces| {
            let (taken, found) = memcached::found_values(asked, pieces);
            assert!(found.as_ref().map_or(true, |found| found.len() == asked));
            (taken, found)
        }),
        1 => however_cut(bytes, length, |pieces| memcached::removed(asked, pieces)),
        2 => however_cut(bytes, length, |pieces| memcached::written(asked, pieces)),
        _ => however_cut(bytes, length, |pieces| memcached::greeted(pieces)),
    }
}

fn redis(kind: u8, asked: usize, bytes: &[u8]) {
    let answers = redis::answers(bytes);
    let as_many = |count: Option<usize>| assert!(count.is_none_or(|count| count == asked));
    match kind {
        4 => as_many(redis::found_values(asked, true, answers).map(|found| found.len())),
        // A list may have another length: the caller takes as many as it asked for.
        5 => _ = redis::found_values(asked, false, answers),
        6 => _ = redis::found_fields(asked, answers),
        7 | 8 => as_many(redis::flags(asked, kind == 7, answers).map(|flags| flags.len())),
        9 => _ = redis::written(asked, answers),
        10 => _ = redis::cleared(*RING, answers),
        _ => {
            let (rounds, arrived) = redis::through_a_cluster(asked, answers.into_iter());
            assert!(rounds <= ROUNDS, "{rounds} rounds");
            as_many(arrived.map(|arrived| arrived.len()));
        }
    }
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((&[kind, asked, length], bytes)) = input.split_first_chunk() else {
        return Corpus::Reject;
    };
    let asked = 1 + usize::from(asked % 4);
    let allocated = allocation_counter::measure(|| match kind % 16 {
        kind @ ..4 => memcached(kind, asked, 1 + usize::from(length), bytes),
        kind => redis(kind, asked, bytes),
    });
    let allowed = ANYWAY + FOR_A_BYTE * bytes.len() as u64;
    assert!(allocated.bytes_max <= allowed, "{} bytes", allocated.bytes_max);
    Corpus::Keep
});
