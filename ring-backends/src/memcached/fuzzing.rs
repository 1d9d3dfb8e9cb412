//! Fuzzing entry points of the parser of replies.

use std::io;

use super::handshake::Handshake;
use super::reply_buffer::ReplyBuffer;
use super::request::{self, Replies, ReplyError, Request};
use super::stored_key::StoredKey;
use crate::remote::{Fault, Found};

/// The number of bytes that were read, and the results.
pub type Read<T> = (usize, Result<T, String>);

/// Reads `pieces`, one after another, as the replies to `asked` look-ups.
pub fn found_values<'p>(asked: usize, pieces: impl Iterator<Item = &'p [u8]>) -> Read<Vec<Option<Found>>> {
    exchange(request::read_expiring(&keys(asked)), pieces)
}

/// Reads `pieces` as the replies to `asked` removals.
pub fn removed<'p>(asked: usize, pieces: impl Iterator<Item = &'p [u8]>) -> Read<Vec<bool>> {
    exchange(request::remove(&keys(asked)), pieces)
}

/// Reads `pieces` as the replies to `asked` writes.
pub fn written<'p>(asked: usize, pieces: impl Iterator<Item = &'p [u8]>) -> Read<Vec<()>> {
    let entries: Vec<_> = keys(asked)
        .into_iter()
        .map(|key| (key, Vec::new(), None))
        .collect();
    exchange(request::write(&entries), pieces)
}

/// Reads `pieces` as the replies to the handshake.
pub fn greeted<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Read<()> {
    let mut handshake = Handshake::default();
    read_all(pieces, |buffer| {
        handshake.take(buffer).map_err(|error| error.to_string())
    })
}

fn keys(count: usize) -> Vec<StoredKey> {
    (0..count).map(|number| StoredKey::of("", &number)).collect()
}

fn exchange<'p, T>(
    request: Result<Request<T>, Fault>,
    pieces: impl Iterator<Item = &'p [u8]>,
) -> Read<Vec<T>> {
    let request = match request {
        Ok(request) => request.numbered_from_one(),
        Err(fault) => return (0, Err(fault.to_string())),
    };
    let mut replies = Replies::to(&request);
    let text = |error: ReplyError| Fault::from(error).to_string();
    let (taken, read) = read_all(pieces, |buffer| replies.take(buffer).map_err(text));
    let results = || replies.results().map_err(|fault| fault.to_string());
    (taken, read.and_then(|()| results()))
}

/// Reads as from a stream that delivers these pieces.
fn read_all<'p>(
    mut pieces: impl Iterator<Item = &'p [u8]>,
    mut take: impl FnMut(&mut ReplyBuffer) -> Result<bool, String>,
) -> Read<()> {
    let (mut buffer, mut taken, mut piece) = (ReplyBuffer::default(), 0, &[][..]);
    loop {
        match take(&mut buffer) {
            Ok(true) => return (taken, Ok(())),
            Ok(false) => {}
            Err(error) => return (taken, Err(error)),
        }
        while piece.is_empty() {
            let Some(next) = pieces.next() else {
                let end = io::Error::from(io::ErrorKind::UnexpectedEof);
                return (taken, Err(end.to_string()));
            };
            piece = next;
        }
        let space = buffer.space();
        let count = piece.len().min(space.len());
        space[..count].copy_from_slice(&piece[..count]);
        buffer.filled(count);
        (piece, taken) = (&piece[count..], taken + count);
    }
}
