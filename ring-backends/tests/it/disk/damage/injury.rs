//! The kinds of damage.

use super::image::{Files, Image};
use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Injury {
    BitFlipped,
    ByteOverwritten,
    SectorZeroed,
    BlockZeroed,
    CutOff,
    GarbageAppended,
    /// From elsewhere in the file.
    BlockCopied,
    /// An older state.
    OldBlock,
    /// The log of another storage.
    OtherLog,
}

const ALL: [Injury; 9] = [
    Injury::BitFlipped,
    Injury::ByteOverwritten,
    Injury::SectorZeroed,
    Injury::BlockZeroed,
    Injury::CutOff,
    Injury::GarbageAppended,
    Injury::BlockCopied,
    Injury::OldBlock,
    Injury::OtherLog,
];

const BLOCK: usize = 4096;
const LOG: usize = 1;
const INDEX: usize = 2;

impl Injury {
    /// Damages one of the files. Returns a description, unless there was nothing to damage.
    pub(super) fn random(
        files: &mut Files,
        images: &[Image],
        is_open: bool,
        random: &mut Random,
    ) -> Option<Injury> {
        let injury = ALL[random.below(ALL.len() as u64) as usize];
        let which = [0, 0, 0, LOG, LOG, INDEX][random.below(6) as usize];
        let other = &images[random.below(images.len() as u64) as usize];
        let (which, source) = match injury {
            Injury::OtherLog => (LOG, &other.files[LOG]),
            _ => (which, &other.older[which]),
        };
        let before = files[which].clone();
        // The index of an open file is memory that the processes share, not content of a disk: the library trusts it.
        let is_memory = is_open && which == INDEX;
        if !is_memory && (!before.is_empty() || injury == Injury::OtherLog) {
            injury.harm(&mut files[which], source, random);
        }
        (files[which] != before).then_some(injury)
    }

    fn harm(self, bytes: &mut Vec<u8>, source: &[u8], random: &mut Random) {
        let at = random.below(bytes.len().max(1) as u64) as usize;
        match self {
            Injury::BitFlipped => {
                let at = dense(bytes, at, random);
                bytes[at] ^= 1 << random.below(8);
            }
            Injury::ByteOverwritten => {
                let at = dense(bytes, at, random);
                bytes[at] = random.below(256) as u8;
            }
            Injury::SectorZeroed => block(bytes, at, 512).fill(0),
            Injury::BlockZeroed => block(bytes, at, BLOCK).fill(0),
            Injury::CutOff => bytes.truncate(at),
            Injury::GarbageAppended => {
                let garbage = (0..1 + random.below(9_000)).map(|_| random.below(256) as u8);
                bytes.extend(garbage.collect::<Vec<_>>());
            }
            Injury::BlockCopied => {
                let from = random.below(bytes.len() as u64) as usize;
                let copy = block(bytes, from, BLOCK).to_vec();
                overwrite(bytes, at, &copy);
            }
            Injury::OldBlock => {
                let from = at / BLOCK * BLOCK;
                let end = source.len().min(from + BLOCK);
                overwrite(bytes, at, source.get(from..end).unwrap_or_default());
            }
            Injury::OtherLog => *bytes = source.to_vec(),
        }
    }
}

/// Half of the time another offset than `at`: a byte of metadata, neither empty nor text.
fn dense(bytes: &[u8], at: usize, random: &mut Random) -> usize {
    let is_text = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let is_dense = |at: &usize| {
        let around = &bytes[at.saturating_sub(1)..bytes.len().min(at + 2)];
        !around.iter().all(is_text) && around.iter().any(|byte| *byte != 0)
    };
    let tries = 100 * random.below(2);
    let mut places = (0..tries).map(|_| random.below(bytes.len() as u64) as usize);
    places.find(is_dense).unwrap_or(at)
}

/// The block with this offset.
fn block(bytes: &mut [u8], at: usize, size: usize) -> &mut [u8] {
    let from = at / size * size;
    let end = bytes.len().min(from + size);
    &mut bytes[from..end]
}

fn overwrite(bytes: &mut [u8], at: usize, copy: &[u8]) {
    block(bytes, at, BLOCK)
        .iter_mut()
        .zip(copy)
        .for_each(|(byte, copy)| *byte = *copy);
}
