//! Files that replace others.

use std::fs;
use std::path::Path;

use ring_cache_backends::Disk;

use super::children::{Process, command, listen, say};
use super::{Folder, get, open, set, tamper};

pub(super) fn notice_damage(file: &Path) {
    let disk = open(file);
    set(&disk, 1, "theirs");
    say("ready");
    listen();
    assert_eq!(get(&disk, 1), None);
    assert_eq!(disk.damages().files, 1);
    set(&disk, 2, "theirs");
    say("replaced");
    listen();
    assert_eq!(get(&disk, 3).as_deref(), Some("ours"));
}

/// One process renames a damaged file, and the others continue with the new one.
#[test]
fn processes_agree_on_the_new_file() {
    let folder = Folder::new();
    let mut other = Process::start(command("notice damage", &folder));
    assert_eq!(other.hear().as_deref(), Some("ready"));
    let disk = folder.open();
    assert_eq!(get(&disk, 1).as_deref(), Some("theirs"));
    tamper(&disk, "DROP TABLE entries");
    other.tell();
    assert_eq!(other.hear().as_deref(), Some("replaced"));
    assert_eq!(get(&disk, 1), None);
    assert_eq!(get(&disk, 2).as_deref(), Some("theirs"));
    set(&disk, 3, "ours");
    other.tell();
    other.end();
    assert_eq!(disk.damages().files, 0);
    assert_eq!(folder.damaged().len(), 1);
    drop(disk);
    assert_eq!(get(&folder.open(), 2).as_deref(), Some("theirs"));
}

type Create = fn(&Folder);

#[test]
fn unreadable_storages_are_renamed() {
    let contents: [(&str, Create); 5] = [
        ("one of a version to come", |folder| {
            tamper(
                &folder.open(),
                "PRAGMA user_version = 2; ALTER TABLE entries ADD COLUMN more",
            )
        }),
        ("one of a version before", |folder| {
            tamper(&folder.open(), "PRAGMA user_version = 0")
        }),
        ("one with a trigger", |folder| {
            tamper(
                &folder.open(),
                "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END",
            )
        }),
        ("one whose header is gone, and the log with it", |folder| {
            drop(folder.open());
            let mut bytes = fs::read(folder.file()).unwrap();
            bytes[..100].fill(0);
            fs::write(folder.file(), bytes).unwrap();
            fs::remove_file(folder.0.join("cache.db-lock")).unwrap();
        }),
        ("one without anything that was in it", |folder| {
            drop(folder.open());
            fs::write(folder.file(), [0; 50_000]).unwrap();
        }),
    ];
    for (what, create) in contents {
        let folder = Folder::new();
        create(&folder);
        let before = fs::read(folder.file()).unwrap();
        let disk = folder.open();
        assert_eq!(get(&disk, 1), None, "{what}");
        set(&disk, 1, "one");
        assert_eq!(get(&disk, 1).as_deref(), Some("one"), "{what}");
        assert_eq!(disk.damages().files, 1, "{what}");
        let damaged = folder.damaged();
        assert_eq!(damaged.len(), 1, "{what}");
        assert_eq!(fs::read(folder.0.join(&damaged[0])).unwrap(), before, "{what}");
    }
}

/// `Disk::open("app.db")` with the application's database.
#[test]
fn files_of_others_stay_as_they_are_and_nothing_beside_them() {
    fn database(folder: &Folder, statements: &str) {
        let database = rusqlite::Connection::open(folder.file()).unwrap();
        database.execute_batch(statements).unwrap();
    }
    let contents: [(&str, Create); 6] = [
        ("a database", |folder| {
            database(
                folder,
                "CREATE TABLE users (name); INSERT INTO users VALUES ('Ada')",
            )
        }),
        ("a database with a table of our name", |folder| {
            database(
                folder,
                "CREATE TABLE entries (key, value); INSERT INTO entries VALUES (1, 2)",
            )
        }),
        ("a database with a log", |folder| {
            database(folder, "PRAGMA journal_mode = WAL; CREATE TABLE users (name)")
        }),
        ("a damaged database", |folder| {
            database(folder, "CREATE TABLE users (name); PRAGMA application_id = 7");
            let mut bytes = fs::read(folder.file()).unwrap();
            bytes[100..].fill(0xff);
            fs::write(folder.file(), bytes).unwrap();
        }),
        ("text", |folder| fs::write(folder.file(), "a poem").unwrap()),
        ("zeros", |folder| fs::write(folder.file(), [0; 50_000]).unwrap()),
    ];
    for (what, create) in contents {
        let folder = Folder::new();
        create(&folder);
        let (before, names) = (fs::read(folder.file()).unwrap(), folder.names());
        for _ in 0..2 {
            let error = Disk::open(folder.file()).unwrap_err().to_string();
            assert!(error.contains("name another file"), "{what}: {error}");
        }
        assert_eq!(fs::read(folder.file()).unwrap(), before, "{what}");
        assert_eq!(folder.names(), names, "{what}");
    }
}

#[test]
fn opening_that_fails_leaves_nothing() {
    let folder = Folder::new();
    fs::create_dir(folder.0.join("folder.db")).unwrap();
    Disk::open(folder.0.join("folder.db")).unwrap_err();
    assert_eq!(folder.names(), ["folder.db"]);
    // A name that is too long with the suffixes of SQLite's other files.
    let long = folder.0.join("new/folders").join("n".repeat(252));
    Disk::open(long).unwrap_err();
    assert_eq!(folder.names(), ["folder.db"]);
}

/// The first stays: it may be another program's file, mistaken for a storage.
#[test]
fn a_few_damaged_files_are_kept() {
    let folder = Folder::new();
    drop(folder.open());
    for round in 0..8 {
        fs::write(folder.file(), format!("poem {round}")).unwrap();
        set(&folder.open(), 1, "one");
    }
    let kept = folder.damaged().into_iter();
    let kept: Vec<_> = kept
        .map(|name| fs::read_to_string(folder.0.join(name)).unwrap())
        .collect();
    assert_eq!(kept, ["poem 0", "poem 5", "poem 6", "poem 7"]);
}
