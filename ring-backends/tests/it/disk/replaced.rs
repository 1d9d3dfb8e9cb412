//! A file that takes the place of another.

use std::fs;
use std::path::Path;

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

/// One process puts a damaged file aside, and the others go on with the new one.
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

#[test]
fn what_is_no_storage_is_put_aside() {
    type Create = fn(&Folder);
    let contents: [(&str, Create); 7] = [
        ("an empty one that says that it cannot be written", |folder| {
            let database = rusqlite::Connection::open(folder.file()).unwrap();
            database.execute_batch("VACUUM").unwrap();
            drop(database);
            let mut bytes = fs::read(folder.file()).unwrap();
            // The version of the format that writers must know.
            bytes[18] = 9;
            fs::write(folder.file(), bytes).unwrap();
        }),
        ("text", |folder| fs::write(folder.file(), "a poem").unwrap()),
        ("zeros", |folder| fs::write(folder.file(), [0; 50_000]).unwrap()),
        ("another's database", |folder| {
            let database = rusqlite::Connection::open(folder.file()).unwrap();
            database
                .execute_batch("CREATE TABLE entries (key); INSERT INTO entries VALUES (1)")
                .unwrap();
        }),
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

/// The first stays: it may be no storage at all, but something that was named by mistake.
#[test]
fn a_few_damaged_files_are_kept() {
    let folder = Folder::new();
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
