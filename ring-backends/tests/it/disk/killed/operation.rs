//! The operations of a writer, each printed before and after it.

use std::fmt;
use std::time::Duration;

use ring_cache::Name;
use ring_cache::storage::{Clear, Storage};
use ring_cache_backends::Disk;

use crate::random::Random;

/// The number of keys, and of rings.
pub(super) const KEYS: u32 = 120;
pub(super) const RINGS: u32 = 3;

const RING_NAMES: [&str; RINGS as usize] = ["r0", "r1", "r2"];

/// The key of an entry: its ring first, as in keys of the macros.
pub(super) fn key(number: u32) -> String {
    format!("{}:{number}", RING_NAMES[(number % RINGS) as usize])
}

/// A written entry. Each write has a unique version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: u32,
    pub(super) version: u64,
    /// In seconds; 0 if it does not expire.
    pub(super) expiry: u64,
}

impl Entry {
    /// A value that contains its key and version, with a size derived from them.
    pub(super) fn value(self) -> Vec<u8> {
        let size = match Random::seeded(self.version).below(64) {
            0 => 60_000,
            1..8 => 5_000 + self.version % 4_000,
            _ => 40 + self.version % 400,
        };
        let text = format!("value {} of {};", self.version, self.key);
        text.bytes().cycle().take(size as usize).collect()
    }

    /// The version of the value found under `key`, unless it is a value of another key.
    pub(super) fn version_of(key: u32, value: &[u8]) -> Option<u64> {
        let text = std::str::from_utf8(value).ok()?;
        let version = text.strip_prefix("value ")?.split(' ').next()?.parse().ok()?;
        let entry = Entry {
            key,
            version,
            expiry: 0,
        };
        (entry.value() == value).then_some(version)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// Of one entry, or of several, written atomically.
    Set(Vec<Entry>),
    Delete(Vec<u32>),
    Touch {
        key: u32,
        expiry: u64,
    },
    Clear(u32),
    /// Closes the file, which checkpoints the log if no other process has it open, and opens it again.
    Reopen,
}

impl Operation {
    /// A writer's operation of this number, whose versions begin at `first`.
    pub(super) fn random(random: &mut Random, first: u64) -> Self {
        let key = |random: &mut Random| random.below(u64::from(KEYS)) as u32;
        let expiry = |random: &mut Random| [0, 0, 15, 35, 3600][random.below(5) as usize];
        match random.below(40) {
            0 => Operation::Clear(random.below(u64::from(RINGS)) as u32),
            1..3 => Operation::Reopen,
            3..7 => {
                let (from, step) = (key(random), 1 + key(random));
                let keys = (0..2 + random.below(5) as u32).map(|nth| (from + nth * step) % KEYS);
                let mut keys: Vec<_> = keys.collect();
                keys.sort_unstable();
                keys.dedup();
                let entries = keys.into_iter().zip(first..).map(|(key, version)| Entry {
                    key,
                    version,
                    expiry: expiry(random),
                });
                Operation::Set(entries.collect())
            }
            7..13 => Operation::Delete(vec![key(random)]),
            13..15 => Operation::Delete(vec![key(random), key(random)]),
            15..20 => Operation::Touch {
                key: key(random),
                expiry: 1 + expiry(random),
            },
            _ => Operation::Set(vec![Entry {
                key: key(random),
                version: first,
                expiry: expiry(random),
            }]),
        }
    }

    /// Executes it. Returns the storage, and whether an entry was touched.
    pub(super) fn run(&self, disk: Disk, open: impl FnOnce() -> Disk) -> (Disk, bool) {
        let mut touched = false;
        match self {
            Operation::Set(entries) => set(&disk, entries),
            Operation::Delete(keys) => delete(&disk, keys),
            Operation::Touch { key: number, expiry } => {
                touched = disk.touch(&key(*number), seconds(*expiry)).unwrap()
            }
            Operation::Clear(ring) => {
                let name = Name::chosen(RING_NAMES[*ring as usize]);
                disk.clear_ring(name).unwrap();
            }
            Operation::Reopen => {
                drop(disk);
                return (open(), false);
            }
        }
        (disk, touched)
    }

    /// Parses the output of `Display`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut words = rest.split(' ').map(|word| {
            let numbers = word.split('/').map(|number| number.parse::<u64>().ok());
            numbers.collect::<Option<Vec<_>>>()
        });
        Some(match verb {
            "set" => {
                let entries = words.map(|numbers| match numbers?[..] {
                    [key, version, expiry] => Some(Entry {
                        key: key as u32,
                        version,
                        expiry,
                    }),
                    _ => None,
                });
                Operation::Set(entries.collect::<Option<_>>()?)
            }
            "delete" => Operation::Delete(
                words
                    .map(|key| Some(*key?.first()? as u32))
                    .collect::<Option<_>>()?,
            ),
            "touch" => match words.next()??[..] {
                [key, expiry] => Operation::Touch {
                    key: key as u32,
                    expiry,
                },
                _ => return None,
            },
            "clear" => Operation::Clear(*words.next()??.first()? as u32),
            "reopen" => Operation::Reopen,
            _ => return None,
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Set(entries) => {
                f.write_str("set")?;
                entries
                    .iter()
                    .try_for_each(|Entry { key, version, expiry }| write!(f, " {key}/{version}/{expiry}"))
            }
            Operation::Delete(keys) => {
                f.write_str("delete")?;
                keys.iter().try_for_each(|key| write!(f, " {key}"))
            }
            Operation::Touch { key, expiry } => write!(f, "touch {key}/{expiry}"),
            Operation::Clear(ring) => write!(f, "clear {ring}"),
            Operation::Reopen => f.write_str("reopen"),
        }
    }
}

fn set(disk: &Disk, entries: &[Entry]) {
    let parts = |entry: &Entry| (key(entry.key), entry.value(), seconds(entry.expiry));
    if let [entry] = entries {
        let (key, value, expiry) = parts(entry);
        return disk.set(&key, value, expiry).unwrap();
    }
    disk.write_many(entries.iter().map(parts).collect(), None)
        .unwrap();
}

fn delete(disk: &Disk, keys: &[u32]) {
    if let [number] = *keys {
        disk.delete(&key(number)).unwrap();
        return;
    }
    let keys: Vec<_> = keys.iter().map(|number| key(*number)).collect();
    disk.remove_many(&keys, None).unwrap();
}

fn seconds(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds))
}
