//! A disk that is full, and then has room again.
#![cfg(unix)]

use std::fs;
use std::io::{Write, stderr};
use std::path::Path;
use std::process::{Command, Stdio};

use ring_cache::coder::Raw;
use ring_cache::storage::Storage;
use ring_cache::{RingKey, ring_impl};
use ring_cache_backends::Disk;

use super::children::{Process, limited, listen, say, within};
use super::{Folder, get, open, set};

const KEYS: u32 = 400;
const SIZE: usize = 5_000;

/// A file that takes up room until it is removed.
const FILLER: &str = "filler";

#[derive(RingKey)]
struct Service {
    #[ring_key(skip)]
    disk: Disk,
}

#[ring_impl(storage = self.disk as Disk, coder = Raw)]
impl Service {
    #[ring(key_prefix = "text")]
    fn text(&self, number: u32) -> String {
        format!("{number};").repeat(SIZE / 4)
    }
}

impl Service {
    /// Calls that find nothing, and calls that find an entry. Returns the number of stored ones.
    fn call(&self) -> usize {
        let call = |number: &u32| {
            assert_eq!(self.text(*number), self.text_ring(*number).execute());
            self.text_ring(*number).has().unwrap()
        };
        (0..40).filter(call).count()
    }
}

/// The last acknowledged write of each key.
struct Acknowledged(Vec<Option<u8>>);

impl Acknowledged {
    fn value(key: u32, round: u8) -> Vec<u8> {
        [vec![round; SIZE], key.to_le_bytes().to_vec()].concat()
    }

    /// Writes all keys. Returns the number of refused ones.
    fn write(&mut self, disk: &Disk, round: u8) -> usize {
        for (key, newest) in (0..).zip(&mut self.0) {
            let written = disk.set(&key, Self::value(key, round), None);
            *newest = written.is_ok().then_some(round);
            if let Err(error) = written {
                assert!(error.to_string().starts_with("set on disk failed: "), "{error}");
            }
        }
        self.0.iter().filter(|newest| newest.is_none()).count()
    }

    fn delete(&mut self, disk: &Disk) {
        for (key, newest) in (0..).zip(&mut self.0).step_by(7) {
            if let Err(error) = disk.delete(&key) {
                assert!(
                    error.to_string().starts_with("delete on disk failed: "),
                    "{error}"
                );
            }
            *newest = None;
        }
    }

    fn check(&self, disk: &Disk) {
        for (key, newest) in (0..).zip(&self.0) {
            let found = disk.get(&key).unwrap();
            let value = newest.map(|round| Self::value(key, round));
            assert_eq!(found, value, "{key}");
        }
    }
}

pub(super) fn fill_the_disk(file: &Path) {
    let disk = open(file);
    let service = Service { disk: disk.clone() };
    let mut acknowledged = Acknowledged(vec![None; KEYS as usize]);
    service.text(0);
    let refused = acknowledged.write(&disk, 0);
    acknowledged.check(&disk);
    assert!(refused > 0 && refused < KEYS as usize, "{refused}");
    assert!(acknowledged.write(&disk, 1) > 0);
    acknowledged.check(&disk);
    acknowledged.delete(&disk);
    acknowledged.check(&disk);

    assert!(service.call() < 40, "there is still room");
    let error = service.text_ring(41).set("x".repeat(SIZE * 4)).unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("set on disk for the ring `text` failed: "),
        "{error}"
    );
    assert!(service.text_cache().stats().errors > 0);
    say("full");
    listen();

    let _ = fs::remove_file(file.with_file_name(FILLER));
    acknowledged.check(&disk);
    assert_eq!(acknowledged.write(&disk, 2), 0);
    acknowledged.check(&disk);
    assert_eq!(service.call(), 40);
    assert_eq!(disk.damages(), Default::default());
    drop((service, disk));
    acknowledged.check(&open(file));
    say("done");
}

fn leave_out(what: &str, reason: &str) {
    // Not `eprintln!`, which the harness captures. If stderr is closed, the message is lost.
    _ = stderr().write_all(format!("!!! LEFT OUT: {what}: {reason}\n").as_bytes());
}

/// Whether a program exists and succeeds.
fn succeeds(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    command
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A limit on the size of files, which looks like a full disk.
#[test]
fn a_full_disk_is_an_error_and_works_again_with_room() {
    let folder = Folder::new();
    let limit = "trap '' XFSZ; ulimit -S -f 2000";
    let mut process = Process::start(limited(limit, "fill the disk", &folder));
    assert_eq!(process.hear().as_deref(), Some("full"));
    let id = process.id().to_string();
    if succeeds(Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited:"])) {
        process.tell();
        assert_eq!(process.hear().as_deref(), Some("done"));
        process.end();
    } else {
        leave_out("room on a disk that was full", "`prlimit` of Linux is missing");
        drop(process);
    }
    let disk = folder.open();
    set(&disk, 1000, "more");
    assert_eq!(get(&disk, 1000).as_deref(), Some("more"));
    assert!(folder.damaged().is_empty());
}

/// A small file system in memory, private to the process that mounts it.
#[test]
fn a_full_file_system_is_an_error_and_works_again_with_room() {
    let folder = Folder::new();
    let mount = format!("mount -t tmpfs -o size=16m tmpfs '{}'", folder.0.display());
    // An administrator may do that; others may if the system gives them a user namespace.
    let ways: [&[&str]; 2] = [
        &["unshare", "--mount"],
        &["unshare", "--mount", "--map-root-user"],
    ];
    let may = |way: &&&[&str]| succeeds(Command::new(way[0]).args(&way[1..]).args(["sh", "-c", &mount]));
    let Some(way) = ways.iter().find(may) else {
        return leave_out("a file system that is full", "no tmpfs can be mounted here");
    };
    let fill = format!(
        "{mount} && head -c 15000000 /dev/zero >'{}' && exec \"$0\" \"$@\"",
        folder.0.join(FILLER).display()
    );
    let shell = [*way, &["sh", "-c", &fill]].concat();
    let mut process = Process::start(within(&shell, "fill the disk", &folder));
    assert_eq!(process.hear().as_deref(), Some("full"));
    process.tell();
    assert_eq!(process.hear().as_deref(), Some("done"));
    process.end();
    assert!(folder.names().is_empty(), "it was mounted for others to see");
}
