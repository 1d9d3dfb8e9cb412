//! Operations that the system refuses.

use std::fs;
use std::path::Path;

use ring_cache::key::EncodedKey;
use ring_cache::storage::{Storage, StorageBase};
use ring_cache_backends::Disk;

use super::{Folder, get, set};

/// As after a call that was dropped during its write.
#[test]
fn suspect_entries_are_not_found_until_they_are_written_again() {
    let folder = Folder::new();
    let disk = folder.open();
    set(&disk, 1, "old");
    disk.mark_suspect(&EncodedKey::of(&1_u32));
    assert_eq!((get(&disk, 1), disk.has(&1_u32).unwrap()), (None, false));
    set(&disk, 1, "new");
    assert_eq!(get(&disk, 1).as_deref(), Some("new"));
}

#[test]
fn a_path_that_cannot_be_a_file() {
    let folder = Folder::new();
    set(&folder.open(), 1, "one");
    let below_a_file = folder.file().join("cache.db");
    let paths = [
        below_a_file.as_path(),
        &folder.0,
        Path::new("/"),
        Path::new(""),
        Path::new("/dev/null"),
    ];
    for path in paths {
        let error = Disk::open(path).unwrap_err().to_string();
        assert!(error.starts_with("open on disk failed: "), "{error}");
    }
    assert!(Disk::open(Path::new("a\0b")).is_err());
    assert!(Path::new("/dev/null").exists());
}

/// A place where not even an administrator can create files.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written() {
    for path in ["/proc/cache.db", "/proc/self/not/there/cache.db", "/sys/cache.db"] {
        let error = Disk::open(path).unwrap_err().to_string();
        assert!(error.starts_with("open on disk failed: "), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_was_made_read_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    set(&folder.open(), 1, "one");
    let mode = |mode| fs::set_permissions(&folder.0, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o500);
    let opened = Disk::open(folder.file());
    // An administrator may write all the same.
    let may_write = fs::write(folder.0.join("probe"), "").is_ok();
    mode(0o700);
    match opened {
        Ok(disk) => {
            assert!(may_write);
            assert_eq!(get(&disk, 1).as_deref(), Some("one"));
        }
        Err(error) => assert!(!may_write && error.operation() == "open"),
    }
}

/// A file that the user may not write stays unchanged.
#[cfg(target_os = "linux")]
#[test]
fn files_of_other_programs_are_not_renamed() {
    let (folder, file) = (Folder::new(), "/proc/version");
    assert!(Disk::open(file).is_err());
    assert!(Path::new(file).exists() && folder.names().is_empty());
}

#[test]
fn a_deleted_file_begins_anew() {
    let folder = Folder::new();
    let disk = folder.open();
    set(&disk, 1, "one");
    fs::remove_file(folder.file()).unwrap();
    assert_eq!(get(&disk, 1), None);
    set(&disk, 2, "two");
    assert_eq!(get(&disk, 2).as_deref(), Some("two"));
    assert_eq!(get(&folder.open(), 2).as_deref(), Some("two"));
    for name in folder.names() {
        fs::remove_file(folder.0.join(name)).unwrap();
    }
    set(&disk, 3, "three");
    assert_eq!(super::keys(&disk), ["3"]);
    drop(disk);
    assert_eq!(get(&folder.open(), 3).as_deref(), Some("three"));
    assert!(folder.damaged().is_empty());
}

/// For instance by a cleaner of temporary files.
#[test]
fn a_deleted_folder_is_made_again() {
    let folder = Folder::new();
    let disk = folder.open();
    for round in 0..3 {
        set(&disk, 1, "one");
        assert_eq!(get(&disk, 1).as_deref(), Some("one"), "{round}");
        fs::remove_dir_all(&folder.0).unwrap();
        assert_eq!(get(&disk, 1), None, "{round}");
    }
    assert!(folder.damaged().is_empty());
}
