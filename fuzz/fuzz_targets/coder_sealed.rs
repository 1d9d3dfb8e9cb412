//! `Sealed` opens only bytes that were sealed for the entry.
#![no_main]

use std::sync::{Arc, LazyLock};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ring_cache::coder::{Coder, EntryKey, Keys, Raw, Sealed, SealingKey};

struct Some2;

impl Keys for Some2 {
    fn current() -> Arc<[SealingKey]> {
        static KEYS: LazyLock<Arc<[SealingKey]>> =
            LazyLock::new(|| [0, 1].map(|id| SealingKey::new(id, [7; 32])).into());
        Arc::clone(&KEYS)
    }
}

#[derive(Arbitrary, Debug)]
struct Case {
    value: Vec<u8>,
    key: String,
    other: String,
    /// Changes of bytes: their positions and masks.
    changes: Vec<(u16, u8)>,
    cut: u8,
    foreign: Vec<u8>,
}

fn open(bytes: &[u8], key: &str) -> Option<Vec<u8>> {
    let text = || key.to_owned();
    Sealed::<Raw, Some2>::decode_entry(bytes, EntryKey::new(&text)).ok()
}

fuzz_target!(|case: Case| {
    let text = || case.key.clone();
    let sealed =
        Sealed::<Raw, Some2>::encode_entry(&case.value, EntryKey::new(&text)).expect("there is a key");
    assert_eq!(open(&sealed, &case.key).as_ref(), Some(&case.value));
    assert_eq!(open(&sealed, &case.other).is_some(), case.other == case.key);
    let mut changed = sealed.clone();
    for (place, by) in &case.changes {
        let place = usize::from(*place) % changed.len();
        changed[place] ^= by;
    }
    changed.truncate(changed.len() - usize::from(case.cut).min(changed.len()));
    assert_eq!(open(&changed, &case.key).is_some(), changed == sealed);
    assert_eq!(open(&case.foreign, &case.key), None);
    let headed = [&sealed[..29], &case.foreign].concat();
    assert_eq!(open(&headed, &case.key).is_some(), headed == sealed);
});
