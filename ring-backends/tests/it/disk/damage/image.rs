//! Files that are damaged again and again.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring_cache::storage::Storage;
use ring_cache_backends::Disk;

use super::super::{Folder, seconds};
use super::anywhere::Service;

/// The database, its log, and the index of the log.
pub(super) const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The keys of existing entries, then of expired, deleted, twice written, and never written ones.
pub(super) const LIVE: u32 = 24;
pub(super) const EXPIRED: u32 = LIVE + 16;
pub(super) const DELETED: u32 = EXPIRED + 4;
pub(super) const TWICE: u32 = DELETED + 4;
pub(super) const NEVER: u32 = TWICE + 4;

/// The number of entries of a method.
pub(super) const METHOD: u32 = 4;

/// When the files were written; they are read half a minute later.
fn written() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub(super) fn read() -> SystemTime {
    written() + Duration::from_secs(30)
}

/// The value of a key. Some values take several pages.
pub(super) fn value(key: u32, version: u32) -> Vec<u8> {
    let length = if is_large(key) { 5_000 } else { key as usize };
    let text = format!("value {version} of {key}. ");
    text.bytes().cycle().take(length + text.len()).collect()
}

fn is_large(key: u32) -> bool {
    key % 7 == 6
}

/// The files of a database, by suffix.
pub(super) type Files = [Vec<u8>; SUFFIXES.len()];

/// A storage, and an older state of it.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) files: Files,
    pub(super) older: Files,
}

impl Image {
    /// A closed one, one whose process was killed before any checkpoint, and one killed later; each with values of all
    /// sizes, and with small ones only, whose bytes are half of the file.
    pub(super) fn all() -> Vec<Image> {
        let kept_open = |_: &mut Option<Disk>, _: &Folder| {};
        let close = |disk: &mut Option<Disk>, _: &Folder| *disk = None;
        let reopen = |disk: &mut Option<Disk>, folder: &Folder| {
            *disk = None;
            *disk = Some(folder.open().wall_clock(written));
        };
        let of = |large| {
            [
                Image::of(large, reopen, close),
                Image::of(large, kept_open, kept_open),
                Image::of(large, reopen, kept_open),
            ]
        };
        [true, false].into_iter().flat_map(of).collect()
    }

    fn of(
        large: bool,
        between: impl FnOnce(&mut Option<Disk>, &Folder),
        at_the_end: impl FnOnce(&mut Option<Disk>, &Folder),
    ) -> Self {
        let folder = Folder::in_memory();
        let mut disk = Some(folder.open().wall_clock(written));
        first(disk.as_ref().unwrap(), large);
        between(&mut disk, &folder);
        let older = files(&folder.file());
        second(disk.as_ref().unwrap(), large);
        at_the_end(&mut disk, &folder);
        let files = files(&folder.file());
        Image { files, older }
    }

    pub(super) fn put(&self, path: &Path) {
        for (bytes, suffix) in self.files.iter().zip(SUFFIXES) {
            if !bytes.is_empty() {
                fs::write(beside(path, suffix), bytes).unwrap();
            }
        }
        // It identifies a storage whose beginning is damaged.
        fs::write(beside(path, "-lock"), "").unwrap();
    }
}

fn first(disk: &Disk, large: bool) {
    for key in (0..TWICE).filter(|key| large || !is_large(*key)) {
        let expiry = match key {
            ..LIVE if key % 3 == 0 => seconds(60),
            LIVE..EXPIRED => seconds(20),
            _ => None,
        };
        disk.set(&key, value(key, 1), expiry).unwrap();
    }
}

fn second(disk: &Disk, large: bool) {
    let service = Service { disk: disk.clone() };
    for number in 0..METHOD {
        service.text(number);
    }
    for key in EXPIRED..TWICE {
        disk.delete(&key).unwrap();
    }
    let again = (DELETED..TWICE).chain(0..LIVE / 2);
    for key in again.filter(|key| large || !is_large(*key)) {
        disk.set(&key, value(key, 2), None).unwrap();
    }
}

fn files(path: &Path) -> Files {
    SUFFIXES.map(|suffix| fs::read(beside(path, suffix)).unwrap_or_default())
}

pub(super) fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    format!("{}{suffix}", path.display()).into()
}
