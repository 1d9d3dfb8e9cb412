//! The content of a file that is opened again.

use ring_cache::Disk;
use ring_cache::storage::Storage;

use super::{Folder, Wall, get, open, seconds, set};

#[test]
fn entries_survive() {
    let folder = Folder::new();
    let disk = folder.open();
    for key in 0..500 {
        set(&disk, key, &format!("value {key}"));
    }
    disk.delete(&7_u32).unwrap();
    drop(disk);
    // The files of a closed storage.
    assert_eq!(folder.names(), ["cache.db", "cache.db-lock"]);
    let disk = folder.open();
    for key in 0..500 {
        assert_eq!(get(&disk, key), (key != 7).then(|| format!("value {key}")));
    }
    assert_eq!(disk.damages(), Default::default());
}

#[test]
fn expiries_go_on_meanwhile() {
    let (folder, wall) = (Folder::new(), Wall::new());
    let disk = wall.of(folder.open());
    disk.set(&1_u32, b"one".into(), seconds(60)).unwrap();
    disk.set(&2_u32, b"two".into(), seconds(90)).unwrap();
    drop(disk);
    wall.move_by(70);
    let disk = wall.of(folder.open());
    assert_eq!(get(&disk, 1), None);
    assert_eq!(
        disk.read_expiring(&2_u32, None).unwrap().unwrap().remaining,
        seconds(20)
    );
}

#[test]
fn folders_above_it_are_created() {
    let folder = Folder::new();
    let path = folder.0.join("not/there yet/ä.db");
    set(&open(&path), 1, "one");
    assert!(path.is_file());
    assert_eq!(get(&open(&path), 1).as_deref(), Some("one"));
}

/// A name with a special meaning in SQLite.
#[test]
fn every_name_is_a_file() {
    let folder = Folder::new();
    for name in [":memory:", "file:x?mode=memory", "a%20b", "-wal", " "] {
        let path = folder.0.join(name);
        set(&open(&path), 1, name);
        assert!(path.is_file(), "{name}");
        assert_eq!(get(&open(&path), 1).as_deref(), Some(name));
    }
}

#[test]
fn the_folder_a_process_is_in_may_change() {
    let folder = Folder::new();
    let disk = folder.open();
    assert!(disk.path().is_absolute());
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_file() {
    let folder = Folder::new();
    set(&folder.open(), 1, "one");
    let link = folder.0.join("link");
    std::os::unix::fs::symlink(folder.file(), &link).unwrap();
    let disk = open(&link);
    assert_eq!(get(&disk, 1).as_deref(), Some("one"));
    assert_eq!(disk.path().file_name(), folder.file().file_name());
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_is_said_and_left() {
    let folder = Folder::new();
    let link = folder.0.join("link");
    std::os::unix::fs::symlink(folder.0.join("absent"), &link).unwrap();
    let error = Disk::open(&link).unwrap_err().to_string();
    assert!(error.contains("link to a file that does not exist"), "{error}");
    assert!(link.is_symlink() && !folder.0.join("absent").exists());
}
