//! `Disk`: a file that survives restarts.

mod bounds;
mod children;
mod damage;
mod expiry;
mod faults;
mod full;
mod killed;
mod namespaces;
mod private;
mod processes;
mod replaced;
mod restart;
mod service;
mod threads;
mod verbs;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, process};

use ring_cache::storage::Storage;
use ring_cache_backends::Disk;

/// A folder, removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self::within(&env::temp_dir())
    }

    /// In memory where the system offers that: for tests that open many files, each of which a disk would have to flush.
    fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if fs::metadata(memory).is_ok_and(|folder| folder.is_dir() && !folder.permissions().readonly()) {
            return Self::within(memory);
        }
        Self::new()
    }

    fn within(folder: &Path) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = folder.join(format!("ring-cache-disk-{}-{number}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("cache.db")
    }

    fn open(&self) -> Disk {
        open(&self.file())
    }

    /// The names of the files, sorted.
    fn names(&self) -> Vec<String> {
        let files = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The renamed databases.
    fn damaged(&self) -> Vec<String> {
        let mut names = self.names();
        names.retain(|name| {
            name.starts_with("cache.db.damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")
        });
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// With a deadline for a busy machine.
fn open(path: &Path) -> Disk {
    Disk::open(path).unwrap().deadline(Duration::from_secs(30))
}

/// A number from the environment.
fn from_environment(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

/// How to repeat a case, printed if the case panics.
struct Place(String);

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

/// A clock that tests set, forward and back.
#[derive(Clone)]
struct Wall(Arc<AtomicI64>);

impl Wall {
    fn new() -> Self {
        Wall(Arc::new(AtomicI64::new(1_800_000_000_000)))
    }

    /// Moves it by this number of seconds.
    fn move_by(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    fn of(&self, disk: Disk) -> Disk {
        let clock = self.clone();
        disk.wall_clock(move || clock.now())
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::SeqCst).try_into().unwrap())
    }
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

fn set(disk: &Disk, key: u32, value: &str) {
    disk.set(&key, value.into(), None).unwrap();
}

fn get(disk: &Disk, key: u32) -> Option<String> {
    let value = disk.get(&key).unwrap();
    value.map(|value| String::from_utf8(value).unwrap())
}

/// The texts of the keys in the file, sorted.
fn keys(disk: &Disk) -> Vec<String> {
    let database = disk.backend().unwrap();
    let mut statement = database.prepare("SELECT key FROM entries ORDER BY key").unwrap();
    let keys = statement.query_map([], |row| row.get(0)).unwrap();
    keys.map(Result::unwrap).collect()
}

/// Changes the file without the storage.
fn tamper(disk: &Disk, statement: &str) {
    let database = rusqlite::Connection::open(disk.path()).unwrap();
    database.execute_batch(statement).unwrap();
}
