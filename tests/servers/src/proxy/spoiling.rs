//! The disturbance of one direction of one connection.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use super::{Ends, Line, Spoil};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Question,
    Reply,
}

/// The traffic in one direction.
pub(super) struct Spoiling<'l> {
    line: &'l Line,
    ends: &'l Ends,
    direction: Direction,
    random: u64,
    /// The number of bytes until the connection is cut, while connections are cut.
    left: Option<usize>,
}

impl<'l> Spoiling<'l> {
    pub(super) fn of(line: &'l Line, ends: &'l Ends, direction: Direction) -> Self {
        Spoiling {
            line,
            ends,
            direction,
            random: ends.number | 1,
            left: None,
        }
    }

    /// Forwards a message, or the rest of it. An error ends the connection.
    pub(super) fn pass(&mut self, bytes: &mut [u8], to: &mut impl Write) -> io::Result<()> {
        let (spoil, is_reply) = (self.line.spoil(), self.direction == Direction::Reply);
        if self.is_lost(spoil) {
            self.line.spoiled();
            return Ok(());
        }
        match spoil {
            Spoil::Delay(time) => self.delay(time),
            Spoil::Trickle(pause) if is_reply => return self.trickle(bytes, to, pause),
            Spoil::CutReplies(most) if is_reply => return self.cut(bytes, to, most),
            Spoil::CutQuestions(most) if !is_reply => return self.cut(bytes, to, most),
            Spoil::Corrupt if is_reply => self.corrupt(bytes),
            Spoil::Double if is_reply && self.is_chosen() => to.write_all(bytes)?,
            Spoil::Swallow if is_reply && self.is_chosen() => return Ok(()),
            _ => self.left = None,
        }
        to.write_all(bytes)
    }

    /// Whether the connection is lost, since it was used while all were.
    fn is_lost(&self, spoil: Spoil) -> bool {
        if spoil == Spoil::Hole {
            self.ends.is_hole.store(true, Ordering::SeqCst);
        }
        self.ends.is_hole.load(Ordering::SeqCst)
    }

    fn delay(&self, time: Duration) {
        self.line.spoiled();
        sleep(time);
    }

    fn trickle(&self, bytes: &[u8], to: &mut impl Write, pause: Duration) -> io::Result<()> {
        self.line.spoiled();
        for (index, byte) in bytes.iter().enumerate() {
            if self.line.spoil() != Spoil::Trickle(pause) {
                return to.write_all(&bytes[index..]);
            }
            sleep(pause);
            to.write_all(&[*byte])?;
        }
        Ok(())
    }

    fn cut(&mut self, bytes: &[u8], to: &mut impl Write, most: usize) -> io::Result<()> {
        let left = match self.left {
            Some(left) => left,
            None => self.below(most),
        };
        let passed = left.min(bytes.len());
        to.write_all(&bytes[..passed])?;
        self.left = Some(left - passed);
        if passed < bytes.len() {
            self.line.spoiled();
            return Err(ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    fn corrupt(&mut self, bytes: &mut [u8]) {
        while self.is_chosen() {
            let index = self.below(bytes.len());
            bytes[index] ^= 1 << self.below(8);
        }
    }

    /// Whether a message is disturbed: every third is, and counted.
    fn is_chosen(&mut self) -> bool {
        let chosen = self.below(3) == 0;
        if chosen {
            self.line.spoiled();
        }
        chosen
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        ((self.random >> 16) % bound as u64) as usize
    }
}
