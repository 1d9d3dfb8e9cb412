//! Threads share one storage.

use std::thread;

use ring_cache::storage::Storage;

use super::{Folder, get, set};

#[test]
fn threads_read_and_write() {
    let folder = Folder::new();
    let disk = folder.open();
    thread::scope(|scope| {
        for thread in 0..8 {
            let disk = disk.clone();
            scope.spawn(move || {
                for round in 0..100 {
                    let key = thread * 1000 + round;
                    set(&disk, key, &format!("value {key}"));
                    assert_eq!(get(&disk, key), Some(format!("value {key}")));
                    let shared = get(&disk, 9_999_999);
                    assert!(shared.is_none_or(|shared| shared.starts_with("shared")));
                    set(&disk, 9_999_999, &format!("shared {thread}"));
                }
            });
        }
    });
    assert_eq!(super::keys(&disk).len(), 801);
}

/// A bulk look-up sees all entries of a bulk write, or none.
#[test]
fn many_are_one_state() {
    let folder = Folder::new();
    let disk = folder.open();
    let keys: Vec<u32> = (0..20).collect();
    let write = |round: u8| {
        let entries = keys.iter().map(|&key| (key, vec![round], None));
        disk.write_many(entries.collect(), None).unwrap();
    };
    write(0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| (1..100).for_each(write));
        while !writer.is_finished() {
            let found = disk.read_many(&keys, None).unwrap();
            assert!(found.iter().all(|value| value.is_some() && *value == found[0]));
        }
    });
}

/// No thread blocks another's read, as long as each gets its turn.
#[test]
fn more_threads_than_connections_read() {
    let folder = Folder::new();
    let disk = folder.open();
    set(&disk, 1, "one");
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..200).for_each(|_| assert_eq!(get(&disk, 1).as_deref(), Some("one"))));
        }
    });
}
