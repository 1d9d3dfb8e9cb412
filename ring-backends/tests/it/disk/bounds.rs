//! The size of the file is bounded.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ring_cache::storage::{EvictionCounts, Storage, StorageBase};
use ring_cache_backends::Disk;

use super::{Folder, get, keys, set};
use crate::random::Random;

const MAX: u64 = 256 << 10;

/// A file also contains free pages, and the growing page.
fn assert_bounded(disk: &Disk, max: u64) {
    let length = fs::metadata(disk.path()).unwrap().len();
    assert!(length <= max + max / 16, "{length} bytes");
}

#[test]
fn the_entries_written_first_make_room() {
    let folder = Folder::new();
    let disk = folder.open().max_bytes(MAX);
    for key in 0..5_000 {
        set(&disk, key, &format!("value {key}"));
    }
    // The remaining ones are the last.
    let left = keys(&disk).len() as u32;
    assert!((500..5_000).contains(&left), "{left} entries");
    for key in 0..5_000 {
        let there = (key >= 5_000 - left).then(|| format!("value {key}"));
        assert_eq!(get(&disk, key), there, "{key} of which {left} are left");
    }
    assert_eq!(
        disk.eviction_counts(),
        EvictionCounts::new(u64::from(5_000 - left), 0)
    );
    assert_bounded(&disk, MAX);
}

/// Reads do not write, so they do not change the order of eviction. Writes do.
#[test]
fn reading_does_not_keep_an_entry_and_writing_does() {
    let folder = Folder::new();
    let disk = folder.open().max_bytes(MAX);
    set(&disk, 1, "read");
    set(&disk, 2, "written");
    for key in 100.. {
        set(&disk, key, "filling");
        get(&disk, 1);
        disk.has(&1_u32).unwrap();
        set(&disk, 2, "written");
        if disk.eviction_counts().evictions > 100 {
            break;
        }
    }
    assert_eq!(get(&disk, 1), None);
    assert_eq!(get(&disk, 2).as_deref(), Some("written"));
}

#[test]
fn values_of_all_sizes_stay_within_bounds() {
    let folder = Folder::new();
    let disk = folder.open().max_bytes(MAX);
    let mut random = Random::seeded(7);
    for round in 0..1_500_u32 {
        let size = 1 << random.below(16);
        disk.set(&round, vec![7; size], None).unwrap();
        assert_bounded(&disk, MAX);
        let found = disk.get(&round).unwrap().map(|value| value.len());
        assert_eq!(found, Some(size));
    }
}

/// Written bytes bound the work: a small write evicts few.
#[test]
fn no_write_evicts_many_more_than_it_needs() {
    let folder = Folder::new();
    let full = folder.open();
    full.write_many(
        (0..20_000_u32).map(|key| (key, vec![1; 10], None)).collect(),
        None,
    )
    .unwrap();
    let disk = folder.open().max_bytes(MAX);
    let mut evicted = 0;
    for key in 0..200 {
        set(&disk, key, "small");
        let now = disk.eviction_counts().evictions;
        assert!(now - evicted <= 32, "{} at a time", now - evicted);
        evicted = now;
    }
    assert!(evicted > 2_000, "it shrinks step by step");
}

#[test]
fn a_value_that_is_too_large_is_an_error_and_removes_what_was_there() {
    let folder = Folder::new();
    let disk = folder.open().max_bytes(MAX);
    set(&disk, 1, "one");
    set(&disk, 2, "two");
    let error = disk.set(&1_u32, vec![0; 200 << 10], None).unwrap_err();
    assert!(error.to_string().contains("max_bytes"), "{error}");
    assert_eq!(get(&disk, 1), None);
    let many = [(2_u32, vec![0; 200 << 10], None), (3, b"three".to_vec(), None)];
    assert!(disk.write_many(many.to_vec(), None).is_err());
    assert_eq!(get(&disk, 2), None);
    assert_eq!(get(&disk, 3).as_deref(), Some("three"));
}

#[test]
fn the_least_size_holds_something() {
    let folder = Folder::new();
    let disk = folder.open().max_bytes(0);
    for key in 0..2_000 {
        set(&disk, key, "value");
        assert_eq!(get(&disk, key).as_deref(), Some("value"));
    }
    assert!(keys(&disk).len() > 50);
    assert_bounded(&disk, 64 << 10);
}

#[test]
fn the_log_does_not_grow_for_ever() {
    let folder = Folder::new();
    let disk = folder.open().deadline(Duration::from_secs(30));
    for _ in 0..3_000 {
        disk.set(&1_u32, vec![1; 10_000], None).unwrap();
    }
    let log = fs::metadata(folder.0.join("cache.db-wal")).unwrap().len();
    assert!(log < 5 << 20, "{log} bytes");
}

fn log_bytes(disk: &Disk) -> u64 {
    let mut log = disk.path().as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).map_or(0, |log| log.len())
}

/// SQLite itself empties the log only without readers.
#[test]
fn the_log_is_bounded_though_others_read_all_the_time() {
    const KEYS: u32 = 50;
    let folder = Folder::in_memory();
    let disk = folder.open().max_bytes(16 << 20);
    let value = |key: u32| vec![key as u8; 40_000];
    (0..KEYS).for_each(|key| disk.set(&key, value(key), None).unwrap());
    let (is_over, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut most = 0;
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let keys: Vec<u32> = (0..KEYS).collect();
                    let found = disk.read_many(&keys, None).unwrap();
                    assert!((0..KEYS).zip(found).all(|(key, found)| found == Some(value(key))));
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 0..1_500 {
            let key = number % KEYS;
            disk.set(&key, value(key), None).unwrap();
            most = most.max(log_bytes(&disk));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(reads.into_inner() > 4);
    // 60 MB were written.
    assert!(most < 40 << 20, "{most}");
}

#[test]
fn the_log_has_an_end_though_a_transaction_stays_open() {
    let folder = Folder::in_memory();
    let disk = folder.open();
    set(&disk, 0, "there");
    let reader = disk.backend().unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM entries")
        .unwrap();
    let write = |number: u32| disk.set(&(number % 10), vec![7; 500_000], None);
    let error = (1..400).map(write).find_map(Result::err).expect("no end");
    assert!(error.to_string().contains("the log is full"), "{error}");
    assert!(log_bytes(&disk) < 70 << 20, "{}", log_bytes(&disk));
    // Written values are found, refused ones are not, and old ones are readable.
    assert_eq!(get(&disk, 1_000), None);
    drop(reader);
    let start = Instant::now();
    while write(3).is_err() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not go on");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(log_bytes(&disk) < 10 << 20, "{}", log_bytes(&disk));
}
