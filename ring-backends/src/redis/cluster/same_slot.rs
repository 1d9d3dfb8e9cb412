//! Suffixes that put a key into a given slot.

use super::slot_map::{slot, sum};

/// The number of checksums of one slot: their two highest bits are free.
const SUMS: u16 = 4;

/// `prefix` with four letters after it, so that its slot is that of `key`. In neither, braces determine the slot.
pub(super) fn in_slot_of(key: &str, prefix: String) -> String {
    let (slot, begun) = (slot(key.as_bytes()), sum(0, prefix.as_bytes()));
    let pairs = (0..=0xff_u16).flat_map(|first| {
        let after = sum(begun, &letters(first).to_be_bytes());
        (0..SUMS).map(move |high| (first, after ^ unshifted(slot | high << 14)))
    });
    // The letters that lead from one checksum to another are the difference of the two, if that consists of letters.
    let found = pairs.into_iter().find(|(_, last)| last & 0xf0f0 == 0x6060);
    let (first, last) = found.unwrap_or_else(|| unreachable!("four letters reach all slots: see the test"));
    let letters = [letters(first), last].map(u16::to_be_bytes).concat();
    prefix + &String::from_utf8_lossy(&letters)
}

/// Two of sixteen letters: the half-bytes of a number.
fn letters(number: u16) -> u16 {
    0x6060 | (number & 0xf0) << 4 | number & 0xf
}

/// The checksum before sixteen bits were shifted in.
fn unshifted(sum: u16) -> u16 {
    (0..16).fold(sum, |sum, _| match sum & 1 {
        0 => sum >> 1,
        _ => (sum ^ 0x1021) >> 1 | 0x8000,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linear: the prefix adds the same to all checksums. If the letters reach all slots from one, they do from any.
    #[test]
    fn four_letters_reach_all_slots() {
        for key in 0..100_000_u32 {
            let key = format!("key:{key}");
            let other = in_slot_of(&key, "any prefix".to_owned());
            assert_eq!(slot(other.as_bytes()), slot(key.as_bytes()));
        }
        let keys = (0..400_000_u32).map(|key| slot(format!("key:{key}").as_bytes()));
        let slots = keys.collect::<std::collections::HashSet<_>>();
        assert_eq!(slots.len(), 16_384, "of all slots some key was tried");
    }

    #[test]
    fn braces_do_not_decide() {
        for key in ["{}a{b}c", "a}b", "{}}{"] {
            let other = in_slot_of(key, format!("{key}%lease."));
            assert!(other.starts_with(key) && other.is_ascii());
            assert_eq!(slot(other.as_bytes()), slot(key.as_bytes()), "{other}");
        }
    }
}
