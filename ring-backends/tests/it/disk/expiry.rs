//! Entries expire by the wall clock, also if it is set.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring_cache::storage::{EvictionCounts, Storage, StorageBase};

use super::{Folder, Wall, get, keys, seconds};

const HOUR: i64 = 3600;

#[test]
fn entries_expire() {
    let (folder, wall) = (Folder::new(), Wall::new());
    let disk = wall.of(folder.open());
    disk.set(&1_u32, b"one".into(), seconds(60)).unwrap();
    disk.set(&2_u32, b"two".into(), None).unwrap();
    assert_eq!(
        disk.read_expiring(&1_u32, None).unwrap().unwrap().remaining,
        seconds(60)
    );
    wall.move_by(59);
    assert_eq!(get(&disk, 1).as_deref(), Some("one"));
    assert_eq!(
        disk.read_expiring(&1_u32, None).unwrap().unwrap().remaining,
        seconds(1)
    );
    assert_eq!(disk.read_expiring(&2_u32, None).unwrap().unwrap().remaining, None);
    wall.move_by(1);
    assert_eq!(get(&disk, 1), None);
    assert_eq!(disk.read_expiring(&1_u32, None).unwrap(), None);
    assert!(!disk.has(&1_u32).unwrap());
    assert!(!disk.touch(&1_u32, seconds(60)).unwrap());
    assert_eq!(disk.read_many(&[1_u32], None).unwrap(), [None]);
    assert!(!disk.delete(&1_u32).unwrap());
    assert_eq!(get(&disk, 2).as_deref(), Some("two"));
}

#[test]
fn touch_restarts_an_expiry() {
    let (folder, wall) = (Folder::new(), Wall::new());
    let disk = wall.of(folder.open());
    disk.set(&1_u32, b"one".into(), seconds(60)).unwrap();
    wall.move_by(59);
    assert!(disk.touch(&1_u32, None).unwrap());
    assert_eq!(
        disk.read_expiring(&1_u32, None).unwrap().unwrap().remaining,
        seconds(1)
    );
    assert!(disk.touch(&1_u32, seconds(90)).unwrap());
    wall.move_by(89);
    assert_eq!(get(&disk, 1).as_deref(), Some("one"));
    wall.move_by(1);
    assert_eq!(get(&disk, 1), None);
}

#[test]
fn a_zero_expiry_removes() {
    let folder = Folder::new();
    let disk = folder.open();
    disk.set(&1_u32, b"one".into(), None).unwrap();
    disk.set(&1_u32, b"uno".into(), Some(Duration::ZERO)).unwrap();
    assert_eq!(get(&disk, 1), None);
    disk.set(&1_u32, b"one".into(), None).unwrap();
    assert!(disk.touch(&1_u32, Some(Duration::ZERO)).unwrap());
    assert!(keys(&disk).is_empty());
}

#[test]
fn a_clock_that_was_set_back_gives_no_more_than_one_expiry() {
    let (folder, wall) = (Folder::new(), Wall::new());
    let disk = wall.of(folder.open());
    disk.set(&1_u32, b"one".into(), seconds(60)).unwrap();
    disk.set(&2_u32, b"two".into(), seconds(60)).unwrap();
    wall.move_by(-1000 * HOUR);
    assert_eq!(
        disk.read_expiring(&1_u32, None).unwrap().unwrap().remaining,
        seconds(60)
    );
    assert!(disk.has(&2_u32).unwrap());
    wall.move_by(59);
    assert_eq!(
        disk.read_expiring(&1_u32, None).unwrap().unwrap().remaining,
        seconds(1)
    );
    wall.move_by(1);
    assert_eq!((get(&disk, 1), get(&disk, 2)), (None, None));
}

#[test]
fn a_clock_that_was_set_back_a_little_gives_no_more_either() {
    let (folder, wall) = (Folder::new(), Wall::new());
    let disk = wall.of(folder.open());
    disk.set(&1_u32, b"one".into(), seconds(60)).unwrap();
    wall.move_by(-30);
    assert_eq!(
        disk.read_expiring(&1_u32, None).unwrap().unwrap().remaining,
        seconds(60)
    );
    wall.move_by(60);
    assert_eq!(get(&disk, 1), None);
}

#[test]
fn a_clock_that_was_set_forward_expires() {
    let (folder, wall) = (Folder::new(), Wall::new());
    let disk = wall.of(folder.open());
    disk.set(&1_u32, b"one".into(), seconds(60)).unwrap();
    wall.move_by(1000 * HOUR);
    assert_eq!(get(&disk, 1), None);
    wall.move_by(-1000 * HOUR);
    disk.set(&2_u32, b"two".into(), None).unwrap();
    assert_eq!(get(&disk, 2).as_deref(), Some("two"));
}

#[test]
fn durations_are_rounded_up_and_have_an_end() {
    let folder = Folder::new();
    // Half a millisecond past a whole one.
    let now = UNIX_EPOCH + Duration::from_micros(1_800_000_000_000_500);
    let at = |later: Duration| folder.open().wall_clock(move || now + later);
    let disk = at(Duration::ZERO);
    disk.set(&1_u32, b"one".into(), Some(Duration::from_nanos(1)))
        .unwrap();
    disk.set(&2_u32, b"two".into(), Some(Duration::from_micros(1500)))
        .unwrap();
    disk.set(&3_u32, b"three".into(), Some(Duration::MAX)).unwrap();
    assert_eq!(get(&at(Duration::from_nanos(1)), 1).as_deref(), Some("one"));
    assert_eq!(get(&at(Duration::from_micros(1500)), 2).as_deref(), Some("two"));
    assert_eq!(get(&at(Duration::from_millis(4)), 2), None);
    let late = at(Duration::from_secs(10_000_000_000));
    assert_eq!(get(&late, 3).as_deref(), Some("three"));
}

#[test]
fn a_clock_may_show_any_time() {
    let folder = Folder::new();
    let before = folder
        .open()
        .wall_clock(|| SystemTime::UNIX_EPOCH - Duration::from_secs(7));
    before.set(&1_u32, b"one".into(), seconds(60)).unwrap();
    assert_eq!(get(&before, 1).as_deref(), Some("one"));
    let then = folder.open().wall_clock(|| UNIX_EPOCH + Duration::from_secs(53));
    assert_eq!(get(&then, 1), None);
}

/// Each write removes a few, so that none takes long.
#[test]
fn what_has_expired_is_swept_in_steps() {
    let (folder, wall) = (Folder::new(), Wall::new());
    let disk = wall.of(folder.open());
    let entries = (0..100_u32).map(|key| (key, vec![1], seconds(60)));
    disk.write_many(entries.collect(), None).unwrap();
    disk.set(&1000_u32, vec![1], None).unwrap();
    wall.move_by(60);
    assert_eq!(keys(&disk).len(), 101);
    let (mut left, mut writes) = (101, 0);
    while left > 1 {
        disk.set(&1000_u32, vec![1], None).unwrap();
        let now = keys(&disk).len();
        assert!(now < left && left - now <= 16, "{left} became {now} in one write");
        (left, writes) = (now, writes + 1);
    }
    assert!(writes >= 7);
    assert_eq!(disk.eviction_counts(), EvictionCounts::new(0, 100));
}

/// In each way, an expired entry is counted once.
#[test]
fn what_has_expired_and_is_computed_again_is_counted() {
    let (folder, wall) = (Folder::new(), Wall::new());
    let disk = wall.of(folder.open());
    for round in 0..10 {
        assert_eq!(get(&disk, 1), None);
        disk.set(&1_u32, b"one".into(), seconds(60)).unwrap();
        assert_eq!(disk.eviction_counts(), EvictionCounts::new(0, round));
        wall.move_by(60);
    }
}
