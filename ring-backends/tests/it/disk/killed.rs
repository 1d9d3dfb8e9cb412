//! A process that is killed while it writes.

use std::path::Path;

use ring_cache::storage::Storage;

use super::children::{Process, command, say};
use super::{Folder, get, open};

/// A value that tells its key, of a size that does as well.
fn value(key: u32) -> Vec<u8> {
    let size = 10 + (key * 37) % 9_000;
    let mut text = format!("value {key};").repeat(size as usize / 8 + 1);
    text.truncate(size as usize);
    text.into_bytes()
}

pub(super) fn write_for_ever(file: &Path) {
    let disk = open(file);
    for key in 0.. {
        disk.set(&key, value(key), None).unwrap();
        if key >= 3 {
            disk.delete(&(key - 3)).unwrap();
            disk.set(&(key - 3), value(key - 3), None).unwrap();
        }
        say(key);
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let folder = Folder::new();
    for round in 1..=5 {
        let mut writer = Process::start(command("write for ever", &folder));
        let mut acknowledged = 0;
        while acknowledged < round * 60 {
            acknowledged = writer.hear().unwrap().parse().unwrap();
        }
        writer.kill();
        // It may have gone on until it was killed.
        while let Some(key) = writer.hear() {
            acknowledged = key.parse().unwrap_or(acknowledged);
        }
        let disk = folder.open();
        for key in 0..=acknowledged {
            let found = disk.get(&key).unwrap();
            // The one before the last writes again was deleted in between.
            let rewritten = key + 2 == acknowledged;
            assert!(
                found == Some(value(key)) || (rewritten && found.is_none()),
                "key {key}"
            );
        }
        for key in acknowledged + 1..acknowledged + 10 {
            assert!(disk.get(&key).unwrap().is_none_or(|found| found == value(key)));
        }
        assert_eq!(disk.damages(), Default::default());
        disk.set(&9_999_999_u32, b"written".into(), None).unwrap();
        assert_eq!(get(&disk, 9_999_999).as_deref(), Some("written"));
        assert!(folder.damaged().is_empty());
    }
}
