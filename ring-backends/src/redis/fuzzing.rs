//! Fuzzing entry points for replies.

use std::time::Duration;

use redis::Value;
use ring_cache_core::Name;

use super::hash::Fields;
use super::reply_buffer::ReplyBuffer;
use super::request::Request;
use super::ring_scan::RingScan;
use super::schema::{KeySchema, Keys};
use super::stored_key::StoredKey;
use crate::remote::{Fault, Found};

pub use super::cluster::fuzzing::through_a_cluster;

/// The replies in these bytes.
pub fn answers(bytes: &[u8]) -> Vec<Value> {
    let mut buffer = ReplyBuffer::default();
    let (mut bytes, mut answers) = (bytes, Vec::new());
    // As in reads of the size of the space.
    while !bytes.is_empty()
        && let Ok(space) = buffer.space()
    {
        let (read, rest) = bytes.split_at(bytes.len().min(space.len()));
        space[..read.len()].copy_from_slice(read);
        buffer.add(read.len());
        while let Ok(Some(answer)) = buffer.next() {
            answers.push(answer);
        }
        bytes = rest;
    }
    answers
}

/// Reads replies as those to look-ups of `asked` keys.
pub fn found_values(asked: usize, expiring: bool, answers: Vec<Value>) -> Option<Vec<Option<Found>>> {
    let keys = keys(asked);
    if expiring {
        return read(Keys::read_expiring(&keys), answers);
    }
    let values = read(Keys::read(&keys), answers)?.into_iter();
    Some(values.map(|value| value.map(|value| (value, None))).collect())
}

/// Reads replies as those to look-ups of `asked` fields of hashes.
pub fn found_fields(asked: usize, answers: Vec<Value>) -> Option<Vec<Option<Vec<u8>>>> {
    let keys: Vec<_> = (0..asked).map(|number| Fields::stored_key("", &number)).collect();
    read(Fields::read(&keys), answers)
}

/// Reads replies as those to `asked` removals, or touches.
pub fn flags(asked: usize, renewed: bool, answers: Vec<Value>) -> Option<Vec<bool>> {
    let keys = keys(asked);
    if !renewed {
        return read(Keys::remove(&keys), answers);
    }
    let expiries = keys.into_iter().map(|key| (key, Duration::from_secs(1)));
    read(Keys::touch(&expiries.collect::<Vec<_>>()), answers)
}

/// Reads replies as those to `asked` writes.
pub fn written(asked: usize, answers: Vec<Value>) -> Option<()> {
    let entries: Vec<_> = keys(asked)
        .into_iter()
        .map(|key| (key, Vec::new(), None))
        .collect();
    read(Keys::write(&entries), answers).map(drop)
}

/// Reads each reply as a page of keys while clearing a ring. Returns the number of entries to remove.
pub fn cleared(name: &Name, answers: Vec<Value>) -> usize {
    let mut scan = Keys::clear("", name);
    let mut removed = 0;
    for answer in answers {
        let _page = scan.step();
        match scan.read(vec![answer]) {
            Ok(removal) => removed += removal.map_or(0, |removal| removal.len()),
            Err(_) => break,
        }
        if scan.is_over() {
            break;
        }
    }
    removed
}

fn keys(count: usize) -> Vec<StoredKey> {
    (0..count).map(|number| Keys::stored_key("", &number)).collect()
}

fn read<T>(request: Result<Request<T>, Fault>, answers: Vec<Value>) -> Option<Vec<T>> {
    request.ok()?.read(answers).ok()
}
