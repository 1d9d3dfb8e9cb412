//! Several processes use one file.

use std::path::Path;
use std::time::{Duration, Instant};

use ring_cache::storage::Storage;

use super::children::{Process, command, listen, say};
use super::{Folder, get, open, set};

const KEYS: u32 = 300;

pub(super) fn write_and_read(file: &Path) {
    let disk = open(file);
    say("ready");
    listen();
    for key in 0..KEYS {
        set(&disk, key, &format!("value {key}"));
        let other = (key * 7) % KEYS;
        let found = get(&disk, other);
        assert!(found.is_none_or(|found| found == format!("value {other}")));
    }
    set(&disk, std::process::id() + KEYS, "done");
}

#[test]
fn processes_write_and_read_at_the_same_time() {
    let folder = Folder::new();
    // They all create the file.
    let mut writers: Vec<_> = (0..4)
        .map(|_| Process::start(command("write and read", &folder)))
        .collect();
    for writer in &mut writers {
        assert_eq!(writer.hear().as_deref(), Some("ready"));
    }
    for writer in &mut writers {
        writer.tell();
    }
    let disk = folder.open();
    set(&disk, KEYS, "mine");
    writers.into_iter().for_each(Process::end);
    assert_eq!(get(&disk, KEYS).as_deref(), Some("mine"));
    for key in 0..KEYS {
        assert_eq!(get(&disk, key), Some(format!("value {key}")));
    }
    assert_eq!(super::keys(&disk).len() as u32, KEYS + 1 + 4);
    assert!(folder.damaged().is_empty());
    assert_eq!(disk.damages(), Default::default());
}

#[test]
fn what_one_process_deletes_the_other_does_not_find() {
    let folder = Folder::new();
    let disk = folder.open();
    let mut writer = Process::start(command("write and read", &folder));
    assert_eq!(writer.hear().as_deref(), Some("ready"));
    assert_eq!(get(&disk, 5), None);
    writer.tell();
    writer.end();
    assert_eq!(get(&disk, 5).as_deref(), Some("value 5"));
}

pub(super) fn hold_the_lock(file: &Path) {
    let database = rusqlite::Connection::open(file).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    say("locked");
    listen();
    database.execute_batch("COMMIT").unwrap();
    say("released");
}

/// Another process keeps writing: reads go on, writes fail at the deadline, and the entries that they could not replace or
/// remove are no longer found.
#[test]
fn an_operation_waits_for_the_deadline_at_most() {
    let folder = Folder::new();
    let disk = folder.open().deadline(Duration::from_millis(50));
    for key in 1..=4 {
        set(&disk, key, "old");
    }
    let mut other = Process::start(command("hold the lock", &folder));
    assert_eq!(other.hear().as_deref(), Some("locked"));

    let start = Instant::now();
    let error = disk.set(&1_u32, b"new".into(), None).unwrap_err();
    // SQLite counts whole milliseconds.
    assert!(start.elapsed() >= Duration::from_millis(45));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(error.to_string().starts_with("set on disk failed: "), "{error}");
    assert_eq!(disk.delete(&2_u32).unwrap_err().operation(), "delete");
    assert_eq!(
        disk.remove_many(&[3_u32], None).unwrap_err().operation(),
        "delete_many"
    );

    assert_eq!(get(&disk, 4).as_deref(), Some("old"));
    for key in 1..=3 {
        assert_eq!(get(&disk, key), None);
        assert!(!disk.has(&key).unwrap());
        assert_eq!(disk.read_many(&[key], None).unwrap(), [None]);
    }
    other.tell();
    assert_eq!(other.hear().as_deref(), Some("released"));
    set(&disk, 5, "new");
    other.end();
    // It is gone for all handles.
    drop(disk);
    assert_eq!(super::keys(&folder.open()), ["4", "5"]);
}
