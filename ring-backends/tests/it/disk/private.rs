//! Only the owner of the files can read them.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::children::{Process, limited, listen, say};
use super::{Folder, get, open, set};

fn modes(folder: &Folder) -> Vec<(String, u32)> {
    let names = folder.names().into_iter();
    let mode = |name: String| {
        let mode = fs::metadata(folder.0.join(&name)).unwrap().mode() & 0o777;
        (name, mode)
    };
    names.map(mode).collect()
}

pub(super) fn create(file: &Path) {
    let disk = open(file);
    set(&disk, 1, "one");
    say("written");
    listen();
    assert_eq!(get(&disk, 1).as_deref(), Some("one"));
}

/// Whatever the mode of other new files.
#[test]
fn files_are_private() {
    for umask in ["umask 000", "umask 022", "umask 077"] {
        let folder = Folder::new();
        let mut process = Process::start(limited(umask, "create privately", &folder));
        assert_eq!(process.hear().as_deref(), Some("written"));
        let files = ["cache.db", "cache.db-lock", "cache.db-shm", "cache.db-wal"];
        assert_eq!(
            modes(&folder),
            files.map(|name| (name.to_owned(), 0o600)),
            "{umask}"
        );
        process.tell();
        process.end();
    }
}

/// Also the file that replaces a damaged one, and the damaged file itself.
#[test]
fn new_files_are_private() {
    let folder = Folder::new();
    set(&folder.open(), 1, "one");
    fs::write(folder.file(), "no database at all").unwrap();
    let disk = folder.open();
    set(&disk, 1, "one");
    let modes = modes(&folder);
    assert!(modes.len() >= 5);
    assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
}

#[test]
fn a_file_that_is_there_keeps_its_mode() {
    let folder = Folder::new();
    set(&folder.open(), 1, "one");
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(get(&folder.open(), 1).as_deref(), Some("one"));
    assert_eq!(fs::metadata(folder.file()).unwrap().mode() & 0o777, 0o640);
}
