//! The operations, single and in bulk.

use std::time::Duration;

use ring_cache::Error;
use ring_cache::storage::{EvictionCounts, Storage, StorageBase};

use super::{Folder, get, keys, seconds, set};

#[test]
fn every_operation() {
    let folder = Folder::new();
    let disk = folder.open();
    assert_eq!(get(&disk, 1), None);
    assert!(!disk.has(&1_u32).unwrap());
    assert!(!disk.delete(&1_u32).unwrap());
    assert!(!disk.touch(&1_u32, seconds(60)).unwrap());
    set(&disk, 1, "one");
    set(&disk, 2, "two");
    assert_eq!(get(&disk, 1).as_deref(), Some("one"));
    assert!(disk.has(&1_u32).unwrap());
    assert!(disk.touch(&1_u32, None).unwrap());
    assert!(disk.touch(&1_u32, seconds(60)).unwrap());
    set(&disk, 1, "uno");
    assert_eq!(get(&disk, 1).as_deref(), Some("uno"));
    assert!(disk.delete(&1_u32).unwrap());
    assert_eq!(get(&disk, 1), None);
    assert_eq!(get(&disk, 2).as_deref(), Some("two"));
    assert_eq!(disk.eviction_counts(), EvictionCounts::new(0, 0));
}

#[test]
fn values_of_all_sizes() {
    let folder = Folder::new();
    let disk = folder.open();
    for size in [0, 1, 4_000, 5_000, 1 << 20, 5 << 20] {
        let value: Vec<u8> = (0..size).map(|byte| (byte % 251) as u8).collect();
        disk.set(&size, value.clone(), None).unwrap();
        assert_eq!(disk.get(&size).unwrap(), Some(value));
    }
}

#[test]
fn many_at_once() {
    let folder = Folder::new();
    let disk = folder.open();
    let entry = |key: u32, value: &str| (key, value.as_bytes().to_vec(), None);
    disk.write_many(vec![entry(1, "one"), entry(2, "two"), entry(1, "uno")], None)
        .unwrap();
    let found = disk.read_many(&[3_u32, 2, 1, 2], None).unwrap();
    let text = |text: &str| Some(text.as_bytes().to_vec());
    assert_eq!(found, [None, text("two"), text("uno"), text("two")]);
    // Of two equal keys the second finds nothing to remove.
    assert_eq!(
        disk.remove_many(&[3_u32, 2, 2], None).unwrap(),
        [false, true, false]
    );
    assert_eq!(disk.read_many(&[2_u32, 1], None).unwrap(), [None, text("uno")]);
    disk.write_many(
        vec![(1_u32, vec![], Some(Duration::ZERO)), (5, vec![5], None)],
        None,
    )
    .unwrap();
    assert_eq!(keys(&disk), ["5"]);
    disk.write_many(Vec::<(u32, _, _)>::new(), None).unwrap();
    assert!(disk.read_many::<u32>(&[], None).unwrap().is_empty());
}

#[test]
fn handles_are_one_storage() {
    let folder = Folder::new();
    let disk = folder.open();
    let other = disk.clone();
    set(&disk, 1, "one");
    assert_eq!(get(&other, 1).as_deref(), Some("one"));
    assert!(std::ptr::eq(disk.flights(), other.flights()));
    let patient = other.deadline(Duration::from_secs(1));
    assert!(std::ptr::eq(disk.flights(), patient.flights()));
    // In another namespace the same key is another entry, with computations of its own.
    assert!(!std::ptr::eq(disk.flights(), patient.namespace("shop").flights()));
}

#[test]
fn the_database_can_be_looked_into() {
    let folder = Folder::new();
    let disk = folder.open();
    set(&disk, 7, "seven");
    let database = disk.backend().unwrap();
    let row = database.query_row("SELECT key, value FROM entries", [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
    });
    assert_eq!(row.unwrap(), ("7".to_owned(), b"seven".to_vec()));
    assert!(database.execute("DELETE FROM entries", []).is_err());
    assert_eq!(get(&disk, 7).as_deref(), Some("seven"));
}

#[test]
fn it_shows_its_settings_and_no_values() {
    let folder = Folder::new();
    let disk = folder.open().namespace("shop").max_bytes(1 << 20);
    set(&disk, 1, "secret");
    let text = format!("{disk:?}");
    assert!(text.contains("cache.db") && text.contains("shop:") && text.contains("1048576"));
    assert!(!text.contains("secret"));
}

#[test]
fn errors_name_the_storage_and_the_operation() {
    let folder = Folder::new();
    let error: Error = ring_cache_backends::Disk::open(&folder.0).unwrap_err();
    assert!(error.to_string().starts_with("open on disk failed: "), "{error}");
    assert_eq!(error.operation(), "open");
}
