//! Doors to what reads a server's bytes.

use std::io;

use super::greeting::Greeted;
use super::inbox::Inbox;
use super::place::Place;
use super::request::{Answers, Meaning, Request, Trouble, found, stored, was_there};
use crate::remote::Found;

/// How many bytes were taken, and what they say.
pub type Read<T> = (usize, Result<T, String>);

/// Reads `pieces`, one after another, as the replies to so many look-ups.
pub fn found_values<'p>(asked: usize, pieces: impl Iterator<Item = &'p [u8]>) -> Read<Vec<Option<Found>>> {
    converse(Request::read(&places(asked), true), found, pieces)
}

/// Reads `pieces` as the replies to so many removals.
pub fn removed<'p>(asked: usize, pieces: impl Iterator<Item = &'p [u8]>) -> Read<Vec<bool>> {
    converse(Request::remove(&places(asked)), was_there, pieces)
}

/// Reads `pieces` as the replies to so many values that were sent.
pub fn written<'p>(asked: usize, pieces: impl Iterator<Item = &'p [u8]>) -> Read<Vec<()>> {
    let entries: Vec<_> = places(asked)
        .into_iter()
        .map(|place| (place, Vec::new(), None))
        .collect();
    converse(Request::write(&entries), stored, pieces)
}

/// Reads `pieces` as the first words of a server.
pub fn greeted<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Read<()> {
    let mut greeted = Greeted::default();
    until_it_is_all(pieces, |inbox| {
        greeted.take(inbox).map_err(|error| error.to_string())
    })
}

fn places(count: usize) -> Vec<Place> {
    (0..count).map(|number| Place::of("", &number)).collect()
}

fn converse<'p, T>(
    request: Result<Request, crate::remote::Fault>,
    meaning: Meaning<T>,
    pieces: impl Iterator<Item = &'p [u8]>,
) -> Read<Vec<T>> {
    let request = match request {
        Ok(request) => request.numbered_from_one(),
        Err(fault) => return (0, Err(fault.to_string())),
    };
    let mut answers = Answers::to(&request, meaning);
    let trouble = |trouble: Trouble| crate::remote::Fault::from(trouble).to_string();
    let (taken, read) = until_it_is_all(pieces, |inbox| answers.take(inbox).map_err(trouble));
    (
        taken,
        read.and_then(|()| answers.meant().map_err(|fault| fault.to_string())),
    )
}

/// As a connection does, whose stream gives the pieces and ends then.
fn until_it_is_all<'p>(
    mut pieces: impl Iterator<Item = &'p [u8]>,
    mut take: impl FnMut(&mut Inbox) -> Result<bool, String>,
) -> Read<()> {
    let (mut inbox, mut taken, mut piece) = (Inbox::default(), 0, &[][..]);
    loop {
        match take(&mut inbox) {
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
        let space = inbox.space();
        let count = piece.len().min(space.len());
        space[..count].copy_from_slice(&piece[..count]);
        inbox.filled(count);
        (piece, taken) = (&piece[count..], taken + count);
    }
}
