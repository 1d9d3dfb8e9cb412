//! Damage of any kind, anywhere in the file, its log and the index of that, while it is closed or open.
//!
//! A case is one storage with damage at one or several places, chosen by its number and the seed. docs/testing.md describes
//! longer runs.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use ring_cache::coder::Raw;
use ring_cache::storage::Storage;
use ring_cache::{RingKey, ring_impl};
use ring_cache_backends::Disk;

use super::super::{Folder, from_environment, open, seconds};
use super::image::{self, DELETED, EXPIRED, Image, LIVE, METHOD, NEVER, SUFFIXES, TWICE, beside, value};
use super::injury::Injury;
use crate::random::Random;

/// The number of cases in a usual run.
const FEW: u64 = 200;

/// Nine of ten cases take less, also on a busy machine. If work on a damaged file does not end soon, it is slow in all of
/// them.
const LONG: Duration = Duration::from_secs(5);

/// Plain calls, as users make them.
#[derive(RingKey)]
pub(super) struct Service {
    #[ring_key(skip)]
    pub(super) disk: Disk,
}

#[ring_impl(storage = self.disk as Disk, coder = Raw)]
impl Service {
    #[ring(key_prefix = "text")]
    pub(super) fn text(&self, number: u32) -> String {
        format!("the text of {number}")
    }
}

#[derive(Debug, Default)]
struct Totals {
    cases: u64,
    /// Cases with a wrong value, a panic, or no successful write.
    failed: u64,
    injuries: BTreeMap<Injury, u64>,
    /// The number of cases with an open file.
    open: u64,
    found: u64,
    /// Cases that found an entry, and cases that noticed the damage.
    some_found: u64,
    noticed: u64,
    entries_dropped: u64,
    files_put_aside: u64,
    /// Refused operations.
    errors: u64,
    slowest: Duration,
    /// Cases that took longer than [`LONG`].
    long: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: u64 = self.injuries.values().sum();
        write!(
            f,
            "cases {} ({} of open files), damages {all} {:?}; noticed in {} cases, entries found {} in {} cases, \
             entries dropped {}, files put aside {}, errors {}, slowest {:?}, failed {}",
            self.cases,
            self.open,
            self.injuries,
            self.noticed,
            self.found,
            self.some_found,
            self.entries_dropped,
            self.files_put_aside,
            self.errors,
            self.slowest,
            self.failed,
        )
    }
}

struct Case<'c> {
    images: &'c [Image],
    path: &'c Path,
    random: Random,
    totals: &'c mut Totals,
}

impl Case<'_> {
    fn run(&mut self) {
        let image = &self.images[self.random.below(self.images.len() as u64) as usize];
        image.put(self.path);
        let disk = if self.random.below(2) == 0 {
            self.injure(false);
            self.open()
        } else {
            let disk = self.open();
            self.use_before(&disk);
            self.totals.open += 1;
            self.injure(true);
            disk
        };
        let found = self.look(&disk, 2);
        self.totals.found += u64::from(found);
        self.totals.some_found += u64::from(found > 0);
        self.call(&disk);
        self.go_on(&disk);
        let damages = disk.damages();
        self.totals.noticed += u64::from(damages != Default::default());
        self.totals.entries_dropped += damages.entries;
        self.totals.files_put_aside += damages.files;
        drop(disk);
        let disk = self.open();
        self.look(&disk, 3);
        self.call(&disk);
        self.go_on(&disk);
    }

    fn open(&self) -> Disk {
        open(self.path).wall_clock(image::read)
    }

    /// So that the library has cached a part of the file.
    fn use_before(&mut self, disk: &Disk) {
        for key in 0..self.random.below(u64::from(NEVER)) as u32 {
            disk.get(&key).unwrap();
        }
        for key in 0..self.random.below(4) as u32 {
            disk.set(&key, value(key, 2), None).unwrap();
        }
    }

    fn injure(&mut self, is_open: bool) {
        let mut files = SUFFIXES.map(|suffix| fs::read(beside(self.path, suffix)).unwrap_or_default());
        let before = files.clone();
        let times = match self.random.below(10) {
            0..6 => 1,
            6..9 => 2 + self.random.below(4),
            _ => 6 + self.random.below(40),
        };
        let mut done = 0;
        while done < times {
            let injury = Injury::random(&mut files, self.images, is_open, &mut self.random);
            if let Some(injury) = injury {
                *self.totals.injuries.entry(injury).or_default() += 1;
                done += 1;
            }
        }
        for ((bytes, before), suffix) in files.iter().zip(&before).zip(SUFFIXES) {
            if bytes != before {
                write_in_place(&beside(self.path, suffix), bytes);
            }
        }
    }

    /// Found values were written under their keys, in one of these versions, and have not expired. Returns their number.
    fn look(&mut self, disk: &Disk, versions: u32) -> u32 {
        let keys: Vec<u32> = (0..NEVER).collect();
        let many = self.allow(disk.read_many(&keys, None));
        let mut there = 0;
        for key in keys {
            let found = self.allow(disk.get(&key)).flatten();
            let many = many.as_ref().and_then(|many| many[key as usize].clone());
            for found in [&found, &many].into_iter().flatten() {
                let mut written = (1..=versions).map(|version| value(key, version));
                assert!(written.any(|value| value == *found), "a wrong value under {key}");
            }
            let has = self.allow(disk.has(&key)).unwrap_or(false);
            let may_be_there = match key {
                LIVE..EXPIRED => versions > 2 && key == LIVE + 1,
                TWICE.. => false,
                _ => true,
            };
            assert!(
                may_be_there || !(has || found.is_some() || many.is_some()),
                "{key} cannot be there"
            );
            there += u32::from(found.is_some());
        }
        there
    }

    fn call(&mut self, disk: &Disk) {
        let service = Service { disk: disk.clone() };
        for number in 0..METHOD + 1 {
            assert_eq!(service.text(number), format!("the text of {number}"));
        }
    }

    /// Writes succeed. Damage may be noticed only now, even twice.
    fn go_on(&mut self, disk: &Disk) {
        let worked = (0..4).any(|_| self.write(disk));
        assert!(worked, "nothing can be written: {:?}", disk.damages());
    }

    fn write(&mut self, disk: &Disk) -> bool {
        let mut all = true;
        for key in [0, LIVE + 1, EXPIRED, DELETED + 2] {
            let set = self.allow(disk.set(&key, value(key, 3), seconds(60)));
            let found = self.allow(disk.get(&key)).flatten();
            let new = found.as_ref().is_some_and(|found| *found == value(key, 3));
            assert!(
                new || found.is_none() || set.is_none(),
                "{key} has an old value after `set`"
            );
            all &= set.is_some() && new;
        }
        let deleted = self.allow(disk.delete(&EXPIRED));
        let has = self.allow(disk.has(&EXPIRED)).unwrap_or(false);
        assert!(!has, "{EXPIRED} is there after `delete`");
        all && deleted == Some(true)
    }

    fn allow<T>(&mut self, done: Result<T, ring_cache::Error>) -> Option<T> {
        if let Err(error) = &done {
            self.totals.errors += 1;
            println!("{error:?}");
        }
        done.ok()
    }
}

fn write_in_place(path: &Path, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .unwrap();
    file.write_all(bytes).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
}

/// Returns the failures.
fn run(number: u64, seed: u64, images: &[Image], folder: &Folder, totals: &mut Totals) -> Option<String> {
    let path = folder.0.join(format!("{number}.db"));
    totals.cases += 1;
    let start = Instant::now();
    let mut case = Case {
        images,
        path: &path,
        random: Random::seeded(seed.wrapping_mul(1_000_003).wrapping_add(number)),
        totals,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| case.run()));
    let took = start.elapsed();
    totals.slowest = totals.slowest.max(took);
    totals.long += u64::from(took > LONG);
    super::clean(folder);
    let place = || format!("RING_CACHE_SEED={seed} RING_CACHE_CASE={number}");
    match outcome {
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or(panic.downcast_ref::<&str>().copied());
            Some(format!("{}: {}", place(), message.unwrap_or("a panic")))
        }
        Ok(()) => None,
    }
}

#[test]
fn any_damage_anywhere_is_a_miss_and_never_another_value() {
    let seed = from_environment("RING_CACHE_SEED").unwrap_or(1);
    let cases = from_environment("RING_CACHE_DAMAGES").unwrap_or(FEW);
    let only = from_environment("RING_CACHE_CASE");
    let numbers = only.map_or(0..cases, |only| only..only + 1);
    let (images, folder) = (Image::all(), Folder::in_memory());
    let (mut totals, start) = (Totals::default(), Instant::now());
    let reports: Vec<_> = numbers
        .filter_map(|number| run(number, seed, &images, &folder, &mut totals))
        .take(20)
        .collect();
    let seconds = start.elapsed().as_secs_f64();
    totals.failed = reports.len() as u64;
    println!("{totals}, seed {seed}, {seconds:.1} s");
    assert!(reports.is_empty(), "\n{}", reports.join("\n"));
    assert!(
        totals.long <= totals.cases / 10 + 1,
        "{totals}, {} took {LONG:?}",
        totals.long
    );
    assert!(
        only.is_some() || (totals.some_found > cases / 4 && totals.noticed > cases / 4),
        "{totals}"
    );
}
