//! For any change of its file, a `Disk` opens, and finds written values or nothing.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libfuzzer_sys::{Corpus, fuzz_target};
use ring_cache::Disk;
use ring_cache::storage::Storage;

/// The number of existing entries; then come expired, deleted and twice written ones.
const LIVE: u32 = 24;
const EXPIRED: u32 = LIVE + 4;
const DELETED: u32 = EXPIRED + 4;
const TWICE: u32 = DELETED + 4;

/// When the file was written; it is read half a minute later.
fn written() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn read() -> SystemTime {
    written() + Duration::from_secs(30)
}

/// The bytes of a file, and of its log if it was not closed.
#[derive(Clone)]
struct Image {
    file: Vec<u8>,
    log: Vec<u8>,
}

struct Place {
    folder: PathBuf,
    /// After it was closed, and while it was open.
    images: [Image; 2],
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("ring-cache-fuzz-{}", std::process::id()));
    empty(&folder);
    let path = folder.join("made");
    let disk = Disk::open(&path)
        .expect("a file that is not there yet")
        .wall_clock(written);
    fill(&disk).expect("there is room");
    let open = Image::of(&path);
    drop(disk);
    let images = [Image::of(&path), open];
    assert!(images[0].log.is_empty() && !images[1].log.is_empty());
    Place { folder, images }
});

/// The value of a key. Some values take several pages.
fn value(key: u32, version: u32) -> Vec<u8> {
    let length = if key % 7 == 6 { 5_000 } else { key as usize * 9 };
    let text = format!("value {version} of {key}. ");
    text.bytes().cycle().take(length + text.len()).collect()
}

fn fill(disk: &Disk) -> Result<(), ring_cache::Error> {
    for key in 0..TWICE {
        let expiry = match key {
            ..LIVE if key % 3 == 0 => Some(Duration::from_secs(60)),
            LIVE..EXPIRED => Some(Duration::from_secs(20)),
            _ => None,
        };
        disk.set(&key, value(key, 1), expiry)?;
    }
    for key in EXPIRED..TWICE {
        disk.delete(&key)?;
    }
    (DELETED..TWICE).try_for_each(|key| disk.set(&key, value(key, 2), None))
}

fn empty(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("a folder for files that are thrown away");
}

fn log_of(path: &Path) -> PathBuf {
    format!("{}-wal", path.display()).into()
}

impl Image {
    fn of(path: &Path) -> Self {
        Image {
            file: fs::read(path).expect("it is there"),
            log: fs::read(log_of(path)).unwrap_or_default(),
        }
    }

    /// Beside a lock file, which tells that the file is a storage's, whatever its first page holds by now.
    fn put(&self, path: &Path) {
        fs::write(path, &self.file).expect("there is room");
        fs::write(format!("{}-lock", path.display()), []).expect("there is room");
        if !self.log.is_empty() {
            fs::write(log_of(path), &self.log).expect("there is room");
        }
    }

    /// Five bytes: the place, the kind of change, and its value.
    fn change(&mut self, [low, middle, high, what, with]: [u8; 5]) {
        let bytes = if what & 128 == 0 || self.log.is_empty() {
            &mut self.file
        } else {
            &mut self.log
        };
        if bytes.is_empty() {
            return;
        }
        let place = u32::from_le_bytes([low, middle, high, 0]) as usize % bytes.len();
        let sector = place / 512 * 512;
        match what % 8 {
            0..3 => bytes[place] ^= with,
            3 => bytes[place] = with,
            4 => bytes[sector..].iter_mut().take(512).for_each(|byte| *byte = with),
            5 => bytes.truncate(place),
            6 => bytes.extend(std::iter::repeat_n(with, 512)),
            _ => {
                let page = place / 4096 * 4096;
                let from = usize::from(with) * 4096 % bytes.len() / 4096 * 4096;
                let length = 4096.min(bytes.len() - page.max(from));
                bytes.copy_within(from..from + length, page);
            }
        }
    }
}

fn check(disk: &Disk) {
    for key in 0..TWICE + 4 {
        // An older value may come back with its page.
        let once = [value(key, 1), value(key, 2)];
        let found = disk.get(&key).unwrap_or_default();
        assert!(
            found.is_none_or(|found| key < TWICE && once.contains(&found)),
            "{key}"
        );
        let there = disk.has(&key).unwrap_or_default();
        assert!(!there || key < TWICE, "{key}");
    }
    assert!(
        (LIVE..EXPIRED).all(|key| !disk.has(&key).unwrap_or_default()),
        "they have expired"
    );
    for key in [0, LIVE + 1, EXPIRED, TWICE + 5] {
        if disk.set(&key, value(key, 3), None).is_ok() {
            let found = disk.get(&key).unwrap_or_default();
            assert!(
                found.is_none_or(|found| found == value(key, 3)),
                "{key} has an old value"
            );
        }
    }
    for key in [1, 6] {
        let deleted = disk.delete(&key);
        let there = disk.has(&key).unwrap_or_default();
        assert!(deleted.is_err() || !there, "{key} was deleted");
    }
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((which, changes)) = input.split_first() else {
        return Corpus::Reject;
    };
    let place = &*PLACE;
    let mut image = place.images[usize::from(which & 1)].clone();
    let changes = changes.as_chunks().0;
    changes.iter().for_each(|change| image.change(*change));
    empty(&place.folder);
    let path = place.folder.join("file");
    image.put(&path);
    let disk = Disk::open(&path).expect("damage is no error").wall_clock(read);
    check(&disk);
    if changes.is_empty() {
        assert_eq!(disk.damages(), Default::default());
        assert_eq!(
            disk.get(&2).ok().flatten(),
            Some(value(2, 1)),
            "nothing was changed"
        );
    }
    drop(disk);
    let _ = fs::remove_dir_all(&place.folder);
    Corpus::Keep
});
