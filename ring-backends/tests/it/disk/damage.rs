//! Any change of the file's bytes: a miss, and never another value.

mod anywhere;
mod image;
mod injury;

use std::fs;
use std::path::Path;

use ring_cache::storage::Storage;
use ring_cache_backends::Disk;

use super::{Folder, Wall, get, open, seconds, set, tamper};
use crate::random::Random;

const KEYS: u32 = 60;

fn value(key: u32) -> Vec<u8> {
    let size = if key.is_multiple_of(10) {
        9_000
    } else {
        5 + key * 7
    };
    let mut text = format!("value {key};").repeat(size as usize / 8 + 1);
    text.truncate(size as usize);
    text.into_bytes()
}

/// The bytes of a file with entries, some of them replaced and removed.
fn healthy() -> Vec<u8> {
    let folder = Folder::new();
    let disk = folder.open();
    for round in 0..2 {
        for key in 0..KEYS + 20 {
            if round == 0 || key % 2 == 0 {
                disk.set(&key, value(key), (key % 3 == 0).then(|| seconds(3600)).flatten())
                    .unwrap();
            }
        }
    }
    disk.remove_many(&(KEYS..KEYS + 20).collect::<Vec<_>>(), None)
        .unwrap();
    drop(disk);
    fs::read(folder.file()).unwrap()
}

/// The number of keys found, all of them right.
fn found(disk: &Disk) -> u32 {
    let mut there = 0;
    for key in 0..KEYS + 20 {
        if let Some(found) = disk.get(&key).unwrap() {
            assert!(key < KEYS && found == value(key), "a wrong value under {key}");
            there += 1;
        }
    }
    there
}

/// Writes succeed. When damage is noticed, older entries are lost.
fn assert_goes_on(disk: &Disk) {
    let files = disk.damages().files;
    if !goes_on(disk) {
        assert_eq!(disk.damages().files, files + 1);
        assert!(goes_on(disk));
    }
}

fn goes_on(disk: &Disk) -> bool {
    let written = [3, 30, 1000].map(|key| {
        disk.set(&key, value(key), seconds(60)).unwrap();
        let there = disk.has(&key).unwrap();
        let found = disk.get(&key).unwrap();
        assert!(found.is_none() || found == Some(value(key)));
        there && found.is_some()
    });
    let deleted = disk.delete(&30_u32).unwrap();
    assert_eq!(disk.get(&30_u32).unwrap(), None);
    deleted && written == [true; 3]
}

/// The number of trials that noticed the damage, and of those that found all entries nevertheless.
#[derive(Debug, Default)]
struct Trials {
    damaged: u32,
    whole: u32,
}

fn try_many(seed: u64, times: u32, damage: impl Fn(&mut Vec<u8>, &mut Random)) -> Trials {
    let (healthy, folder) = (healthy(), Folder::in_memory());
    let mut random = Random::seeded(seed);
    let mut trials = Trials::default();
    for trial in 0..times {
        let mut bytes = healthy.clone();
        damage(&mut bytes, &mut random);
        let file = folder.0.join(format!("{trial}.db"));
        fs::write(&file, bytes).unwrap();
        // It identifies a storage whose beginning is damaged.
        fs::write(folder.0.join(format!("{trial}.db-lock")), "").unwrap();
        let disk = open(&file);
        trials.whole += u32::from(found(&disk) == KEYS);
        assert_goes_on(&disk);
        trials.damaged += u32::from(disk.damages() != Default::default());
        drop(disk);
        assert_goes_on(&open(&file));
        clean(&folder);
    }
    trials
}

fn clean(folder: &Folder) {
    for name in folder.names() {
        fs::remove_file(folder.0.join(name)).unwrap();
    }
}

#[test]
#[ignore = "slow: 1,200 files"]
fn a_bit_flips() {
    let trials = try_many(1, 1_200, |bytes, random| {
        let bit = random.below(bytes.len() as u64 * 8) as usize;
        bytes[bit / 8] ^= 1 << (bit % 8);
    });
    assert!(trials.damaged > 300 && trials.whole > 50, "{trials:?}");
}

/// The part with the library's metadata of the file.
#[test]
#[ignore = "slow: hundreds of files"]
fn a_bit_flips_at_the_beginning() {
    let trials = try_many(2, 400, |bytes, random| {
        let bit = random.below(100 * 8) as usize;
        bytes[bit / 8] ^= 1 << (bit % 8);
    });
    assert!(trials.damaged > 40 && trials.whole > 40, "{trials:?}");
}

#[test]
fn many_bits_flip() {
    let trials = try_many(3, 200, |bytes, random| {
        for _ in 0..200 {
            let bit = random.below(bytes.len() as u64 * 8) as usize;
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    });
    assert!(trials.damaged > 190, "{trials:?}");
}

#[test]
fn the_end_is_missing() {
    let trials = try_many(4, 150, |bytes, random| {
        bytes.truncate(random.below(bytes.len() as u64) as usize);
    });
    assert!(trials.damaged > 100, "{trials:?}");
}

#[test]
fn blocks_are_zeroed() {
    for size in [512, 4096] {
        let trials = try_many(5, 150, |bytes, random| {
            let block = random.below((bytes.len() / size) as u64) as usize;
            bytes[block * size..][..size].fill(0);
        });
        assert!(trials.damaged > 50, "{trials:?}");
    }
}

/// The log of a killed process. The library drops everything after the damage, which reveals older values.
#[test]
fn the_log_is_damaged() {
    let source = Folder::new();
    let disk = source.open();
    for key in 0..KEYS {
        disk.set(&key, value(key), seconds(3600)).unwrap();
    }
    let [file, log] = ["cache.db", "cache.db-wal"].map(|name| fs::read(source.0.join(name)).unwrap());
    let (folder, mut random) = (Folder::in_memory(), Random::seeded(6));
    for trial in 0..200 {
        let mut damaged = log.clone();
        let bit = random.below(damaged.len() as u64 * 8) as usize;
        damaged[bit / 8] ^= 1 << (bit % 8);
        if trial % 4 == 0 {
            damaged.truncate(bit / 8);
        }
        fs::write(folder.file(), &file).unwrap();
        fs::write(folder.0.join("cache.db-wal"), damaged).unwrap();
        let disk = folder.open();
        found(&disk);
        assert_goes_on(&disk);
        drop(disk);
        clean(&folder);
    }
}

/// While the file is open.
#[test]
fn damage_is_noticed_in_operation() {
    let (healthy, folder) = (healthy(), Folder::in_memory());
    let mut random = Random::seeded(7);
    let mut noticed = 0;
    for _ in 0..150 {
        fs::write(folder.file(), &healthy).unwrap();
        let disk = folder.open();
        assert!(disk.has(&1_u32).unwrap());
        overwrite(&folder.file(), &mut random);
        found(&disk);
        assert_goes_on(&disk);
        noticed += u32::from(disk.damages() != Default::default());
        drop(disk);
        assert_goes_on(&folder.open());
        clean(&folder);
    }
    assert!(noticed > 20, "{noticed}");
}

/// Overwrites, zeroes or truncates a part of a file, in place.
fn overwrite(file: &Path, random: &mut Random) {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = fs::OpenOptions::new().write(true).open(file).unwrap();
    let length = file.metadata().unwrap().len();
    let at = random.below(length);
    match random.below(3) {
        0 => file.set_len(at).unwrap(),
        kind => {
            let byte = if kind == 1 { 0 } else { random.below(256) as u8 };
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(&[byte; 5_000]).unwrap();
        }
    }
}

#[test]
fn an_entry_that_does_not_fit_its_checksum_is_deleted() {
    let changes = [
        "UPDATE entries SET value = x'00' WHERE key = '1'",
        "UPDATE entries SET value = 'text' WHERE key = '1'",
        "UPDATE entries SET expires = expires + 1 WHERE key = '1'",
        "UPDATE entries SET lifetime = lifetime + 1 WHERE key = '1'",
        "UPDATE entries SET lifetime = NULL, expires = NULL WHERE key = '1'",
        "UPDATE entries SET created = created - 1 WHERE key = '1'",
        "UPDATE entries SET checksum = checksum + 1 WHERE key = '1'",
        "UPDATE entries SET value_checksum = 'x' WHERE key = '1'",
        // The entry of another key.
        "DELETE FROM entries WHERE key = '1'; UPDATE entries SET key = '1' WHERE key = '2'",
    ];
    for change in changes {
        let folder = Folder::new();
        let disk = folder.open();
        for key in 1..=3_u32 {
            disk.set(&key, value(key), seconds(60)).unwrap();
        }
        tamper(&disk, change);
        assert_eq!(disk.read_many(&[1_u32], None).unwrap(), [None], "{change}");
        assert!(!super::keys(&disk).contains(&"1".to_owned()), "{change}");
        assert_eq!(disk.get(&3_u32).unwrap(), Some(value(3)));
        let damages = disk.damages();
        assert_eq!((damages.entries, damages.files), (1, 0), "{change}");
    }
}

#[test]
fn an_entry_whose_head_is_damaged_is_not_there() {
    let (folder, wall) = (Folder::new(), Wall::new());
    let disk = wall.of(folder.open());
    disk.set(&1_u32, b"one".into(), seconds(60)).unwrap();
    tamper(&disk, "UPDATE entries SET expires = expires + 1");
    assert!(!disk.touch(&1_u32, seconds(60)).unwrap());
    assert!(!disk.has(&1_u32).unwrap());
    assert_eq!(get(&disk, 1), None);
    set(&disk, 1, "uno");
    assert_eq!(get(&disk, 1).as_deref(), Some("uno"));
}
