//! A blocking storage: one file per key, in a directory that is removed on drop.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process};

use ring_cache::clock::{Clock, ManualClock};
use ring_cache::flights::Flights;
use ring_cache::key::{EncodedKey, text_in_namespace};
use ring_cache::storage::{ChangeObserver, Clear, EvictionCounts, Expires, Storage, StorageBase};
use ring_cache::{Error, Key, Name, RingKey};

/// The first eight bytes of a file are its expiry time.
pub(crate) struct Files {
    directory: PathBuf,
    clock: ManualClock,
    flights: Flights<Vec<u8>>,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self::with_clock(ManualClock::default())
    }

    pub(crate) fn with_clock(clock: ManualClock) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = env::temp_dir().join(format!("ring-cache-files-{}-{number}", process::id()));
        fs::create_dir_all(&directory).unwrap();
        Files {
            directory,
            clock,
            flights: Flights::default(),
        }
    }

    /// The texts of the keys, sorted.
    pub(crate) fn keys(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.directory).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut keys: Vec<_> = names.map(|name| name.replace('+', "/")).collect();
        keys.sort();
        keys
    }

    fn path<K: RingKey + ?Sized>(&self, key: &K) -> PathBuf {
        self.directory.join(Key::of(key).as_str().replace('/', "+"))
    }

    fn load(&self, path: &PathBuf) -> io::Result<Option<Vec<u8>>> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let (deadline, value) = bytes.split_first_chunk().ok_or(ErrorKind::InvalidData)?;
        let lives = u128::from(u64::from_be_bytes(*deadline)) > self.clock.now().as_nanos();
        Ok(lives.then(|| value.to_vec()))
    }

    /// At once: a look-up meanwhile finds the old content, not a part of the new one.
    fn save(&self, path: &PathBuf, value: &[u8], expiry: Option<Duration>) -> io::Result<()> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let deadline = expiry.map_or(u64::MAX, |expiry| {
            (self.clock.now() + expiry).as_nanos().try_into().unwrap()
        });
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let written = self.directory.with_extension(number.to_string());
        fs::write(&written, [&deadline.to_be_bytes(), value].concat())?;
        fs::rename(written, path)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn failed(operation: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::storage("files", operation, error)
}

impl StorageBase<Vec<u8>> for Files {
    type Error = Error;

    fn flights(&self) -> &Flights<Vec<u8>> {
        &self.flights
    }

    fn namespace(&self) -> &str {
        ""
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        text_in_namespace("", key)
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn eviction_counts(&self) -> EvictionCounts {
        EvictionCounts::default()
    }

    fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool {
        false
    }

    fn mark_suspect(&self, _: &EncodedKey) {}
}

impl Storage<Vec<u8>> for Files {
    fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<Vec<u8>>, Error> {
        self.load(&self.path(key)).map_err(failed("get"))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        self.save(&self.path(key), &value, expiry).map_err(failed("set"))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        let path = self.path(key);
        let there = self.load(&path).map_err(failed("delete"))?.is_some();
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("delete")(error)),
            _ => Ok(there),
        }
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        Ok(self.read(key, until)?.is_some())
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        let value = self.read(key, until)?;
        let there = value.is_some();
        value.map_or(Ok(()), |value| self.write(key, value, Some(expiry), until))?;
        Ok(there)
    }
}

impl Expires for Files {}

impl Clear<Vec<u8>> for Files {
    fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        let ring = format!("{name}:");
        let keys = self.keys().into_iter().filter(|key| key.starts_with(&ring));
        for key in keys {
            fs::remove_file(self.directory.join(key.replace('/', "+"))).map_err(failed("clear"))?;
        }
        Ok(())
    }
}
