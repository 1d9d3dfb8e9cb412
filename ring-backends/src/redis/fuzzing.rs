//! Doors to what reads a server's answers. The bytes are parsed by the client; what they mean is for us to say.

use std::sync::Arc;
use std::time::Duration;

use redis::{Parser, Value};
use ring_cache_core::Name;

use super::commands::Question;
use super::hash::Fields;
use super::layout::{Keys, Layout};
use super::sweep::Sweep;
use crate::remote::Found;

pub use super::cluster::fuzzing::through_a_cluster;

/// The answers that bytes are, as far as they are any.
pub fn answers(mut bytes: &[u8]) -> Vec<Value> {
    // It reads ahead, so that what is left of the bytes says nothing.
    let mut parser = Parser::new();
    std::iter::from_fn(|| parser.parse_value(&mut bytes).ok()).collect()
}

/// Reads answers as those to look-ups of so many keys, in keys of their own.
pub fn found_values(asked: usize, expiring: bool, answers: Vec<Value>) -> Option<Vec<Option<Found>>> {
    let places = places(asked);
    if expiring {
        return read(&Keys::read_expiring(&places), answers);
    }
    let values = read(&Keys::read(&places), answers)?;
    Some(
        values
            .into_iter()
            .map(|value| value.map(|value| (value, None)))
            .collect(),
    )
}

/// Reads answers as those to look-ups of so many fields of hashes.
pub fn found_fields(asked: usize, answers: Vec<Value>) -> Option<Vec<Option<Vec<u8>>>> {
    let places: Vec<_> = (0..asked).map(|number| Fields::place("", &number)).collect();
    read(&Fields::read(&places), answers)
}

/// Reads answers as those to so many removals, or to as many renewals.
pub fn flags(asked: usize, renewed: bool, answers: Vec<Value>) -> Option<Vec<bool>> {
    let places = places(asked);
    if !renewed {
        return read(&Keys::remove(&places), answers);
    }
    let entries: Vec<_> = places
        .into_iter()
        .map(|place| (place, Duration::from_secs(1)))
        .collect();
    read(&Keys::renew(&entries).ok()?, answers)
}

/// Reads answers as those to so many values that were sent.
pub fn written(asked: usize, answers: Vec<Value>) -> Option<()> {
    let entries: Vec<_> = places(asked)
        .into_iter()
        .map(|place| (place, Vec::new(), None))
        .collect();
    read(&Keys::write(&entries).ok()?, answers)
}

/// Reads each answer as a page of keys, while a ring is cleared. Returns how many entries would be removed.
pub fn cleared(name: &Name, answers: Vec<Value>) -> usize {
    let mut sweep = Keys::clear("", name);
    let mut removed = 0;
    for answer in answers {
        let _page = sweep.ask();
        match sweep.read(vec![answer]) {
            Ok(removal) => removed += removal.map_or(0, |removal| removal.len()),
            Err(_) => break,
        }
        if sweep.is_over() {
            break;
        }
    }
    removed
}

fn places(count: usize) -> Vec<Arc<str>> {
    (0..count).map(|number| Keys::place("", &number)).collect()
}

fn read<T>(question: &Question<T>, answers: Vec<Value>) -> Option<T> {
    question.read(answers).ok()
}
