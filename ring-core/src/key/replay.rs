//! Replay of a recorded key to a writer.

use std::cell::Cell;

use super::encode::{LONG, tag};
use super::name::{Name, ring_number};
use super::{Bracket, EncodedKey, KeyWriter, RingKey};

/// Feeds the parts that an [`EncodedKey`] recorded.
pub(crate) struct Replay<'a> {
    rest: Cell<&'a [u8]>,
}

impl<'a> Replay<'a> {
    pub(crate) fn of(key: &'a EncodedKey) -> Self {
        Self::of_bytes(key.as_bytes())
    }

    /// Feeds bytes written by the encoder.
    pub(crate) fn of_bytes(bytes: &'a [u8]) -> Self {
        Replay {
            rest: Cell::new(bytes),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.rest.get().first().copied()
    }

    fn take<const N: usize>(&self) -> [u8; N] {
        let (head, rest) = self
            .rest
            .get()
            .split_first_chunk()
            .expect("the encoder wrote whole items");
        self.rest.set(rest);
        *head
    }

    /// Takes the byte `tag` if it is next.
    fn take_if(&self, tag: u8) -> bool {
        let next = self.peek() == Some(tag);
        if next {
            self.take::<1>();
        }
        next
    }

    fn take_prefixed(&self) -> &'a [u8] {
        let [short] = self.take();
        let length = if short == LONG {
            u64::from_be_bytes(self.take()) as usize
        } else {
            usize::from(short)
        };
        let (head, rest) = self.rest.get().split_at(length);
        self.rest.set(rest);
        head
    }

    fn take_str(&self) -> &'a str {
        std::str::from_utf8(self.take_prefixed()).expect("the encoder wrote a string")
    }

    /// Parts up to the end of the element.
    fn element<W: KeyWriter>(&self, key: &mut W) {
        loop {
            while self.take_if(tag::LABEL) {
                key.label(self.take_str());
            }
            if !self.take_if(tag::EMPTY) {
                self.part(key);
            }
            if !self.take_if(tag::JOIN) {
                return;
            }
        }
    }

    fn part<W: KeyWriter>(&self, key: &mut W) {
        let [tag] = self.take();
        match tag {
            tag::UNSIGNED => key.unsigned(u64::from_be_bytes(self.take())),
            tag::NEGATIVE => key.signed(i64::from_be_bytes(self.take())),
            tag::UNSIGNED_WIDE => key.unsigned_wide(u128::from_be_bytes(self.take())),
            tag::NEGATIVE_WIDE => key.signed_wide(i128::from_be_bytes(self.take())),
            tag::FLOAT => key.float(f64::from_bits(u64::from_be_bytes(self.take()))),
            tag::FLOAT_NARROW => key.float_narrow(f32::from_bits(u32::from_be_bytes(self.take()))),
            tag::TEXT => key.text(self.take_str()),
            tag::BYTES => key.bytes(self.take_prefixed()),
            tag::WORD => key.word(self.take_str()),
            tag::OPEN_ROUND => self.group(key, Bracket::Round),
            tag::OPEN_SQUARE => self.group(key, Bracket::Square),
            tag::FORMAT => self.format(key),
            other => unreachable!("the encoder wrote no tag {other:#04x} here"),
        }
    }

    fn group<W: KeyWriter>(&self, key: &mut W, bracket: Bracket) {
        key.open(self.take_str(), bracket);
        while !self.take_if(tag::CLOSE) {
            key.begin_element();
            self.element(key);
            key.end_element();
        }
        key.close(bracket);
    }
}

impl Replay<'_> {
    fn format<W: KeyWriter>(&self, key: &mut W) {
        key.open_format(self.take_str());
        self.element(key);
        while self.take_if(tag::BETWEEN) {
            key.next_field(self.take_str());
            self.element(key);
        }
        self.take::<1>();
        key.close_format(self.take_str());
    }
}

impl RingKey for Replay<'_> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        let ring = ring_number(self.rest.get());
        if let Some(number) = ring {
            self.take::<4>();
            key.ring(Name::of_id(number));
        }
        let ringed = ring.is_some();
        while self.peek().is_some() {
            if ringed {
                key.begin_segment();
            }
            if self.take_if(tag::SURROUND) {
                let before = self.take_str();
                self.take::<1>();
                key.surround(before, self.take_str());
            }
            self.element(key);
            if ringed {
                key.end_segment();
            }
        }
    }
}
