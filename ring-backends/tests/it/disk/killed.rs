//! Processes killed during writes: exactly the acknowledged writes are found.
//!
//! A case is a file with several rounds. In each round, one process or two, with one thread or three, run operations chosen
//! by the number of the case and the seed, until they are killed at a random time. Then all keys are looked up, and the next
//! round continues. docs/testing.md describes longer runs.

mod history;
mod operation;
pub(super) mod writer;

use std::ops::AddAssign;
use std::thread;
use std::time::{Duration, Instant};
use std::{fmt, fs};

use ring_cache::storage::{Expiring, Storage};
use ring_cache_backends::Disk;

use super::children::{Lines, Running, start_together};
use super::{Folder, Place, from_environment};
use crate::random::Random;
use history::{History, State};
use operation::{Entry, KEYS, Operation, key};
use writer::Orders;

/// The number of rounds in a usual run.
const FEW: u64 = 40;

/// The second at which a case begins, and the seconds per round.
const BEGIN: u64 = 1_800_000_000;
const STEP: u64 = 10;

/// When processes are killed: some microseconds after an event.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// While they start and open the file.
    Started,
    /// When this number of operations was acknowledged.
    Acknowledged(u64),
    /// At the beginning of an operation of this kind, after this number of operations.
    Begun(&'static str, u64),
}

impl Moment {
    /// Whether a line is the awaited event, after this number of acknowledged operations.
    fn has_come(self, line: &str, acknowledged: u64) -> bool {
        match self {
            Moment::Started => true,
            Moment::Acknowledged(number) => acknowledged >= number,
            Moment::Begun(verb, number) => {
                let operation = line.splitn(3, ' ').nth(2).unwrap_or("");
                acknowledged >= number && line.starts_with("begin") && operation.starts_with(verb)
            }
        }
    }
}

#[derive(Debug, Default)]
struct Totals {
    rounds: u64,
    /// Killed processes.
    kills: u64,
    operations: u64,
    /// Entries whose `set` was acknowledged.
    acknowledged: u64,
    found: u64,
    lost: u64,
    wrong: u64,
    /// Files left in the middle of a checkpoint, at least, and with a log.
    checkpoints: u64,
    logs: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, more: Self) {
        self.rounds += more.rounds;
        self.kills += more.kills;
        self.operations += more.operations;
        self.acknowledged += more.acknowledged;
        self.found += more.found;
        self.lost += more.lost;
        self.wrong += more.wrong;
        self.checkpoints += more.checkpoints;
        self.logs += more.logs;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "rounds {}, kills {}, {} rounds left a log and at least {} half a checkpoint; operations acknowledged {}, \
             entries {}, found {}, lost {}, wrong {}",
            self.rounds,
            self.kills,
            self.logs,
            self.checkpoints,
            self.operations,
            self.acknowledged,
            self.found,
            self.lost,
            self.wrong,
        )
    }
}

/// A file with several rounds.
struct Case {
    folder: Folder,
    random: Random,
    seed: u64,
    max_bytes: u64,
    evicts: bool,
    round: u64,
    before: Vec<State>,
    totals: Totals,
    reports: Vec<String>,
}

impl Case {
    fn new(seed: u64, number: u64) -> Self {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(number);
        let mut random = Random::seeded(seed);
        let evicts = random.below(4) == 0;
        Case {
            folder: Folder::new(),
            max_bytes: if evicts { 256 << 10 } else { 1 << 30 },
            evicts,
            seed,
            random,
            round: 0,
            before: vec![None; KEYS as usize],
            totals: Totals::default(),
            reports: Vec::new(),
        }
    }

    fn orders(&self, writer: u64, threads: u64) -> Orders {
        Orders {
            writer: self.round * 8 + writer,
            threads,
            seed: self.seed,
            now: BEGIN + self.round * STEP,
            max_bytes: self.max_bytes,
        }
    }

    fn round(&mut self) {
        let threads = 1 + 2 * self.random.below(2);
        let processes = 1 + self.random.below(2);
        let commands = (0..processes).map(|nth| {
            let orders = self.orders(1 + nth * 3, threads);
            orders.command(&self.folder)
        });
        let (mut running, mut lines) = start_together(commands.collect());
        let now = BEGIN + self.round * STEP;
        let mut history = History::new(std::mem::take(&mut self.before), now);
        // Together, or one after the other, which continues alone.
        let together = self.random.below(2) == 0;
        while !running.is_empty() {
            let moment = self.moment();
            self.wait(moment, &mut lines, &mut history);
            let killed = if together { running.len() } else { 1 };
            running.drain(..killed).for_each(kill);
            self.totals.kills += killed as u64;
        }
        while self.hear(&mut lines, &mut history).is_some() {}
        self.round += 1;
        self.totals.rounds += 1;
        self.look_at_files(processes);
        self.compare(history);
    }

    fn moment(&mut self) -> Moment {
        let random = &mut self.random;
        match random.below(8) {
            0 => Moment::Started,
            1 => Moment::Begun("clear", random.below(40)),
            2 => Moment::Begun("reopen", random.below(40)),
            3 => Moment::Begun("set", random.below(40)),
            _ => Moment::Acknowledged(random.below(400)),
        }
    }

    fn wait(&mut self, moment: Moment, lines: &mut Lines, history: &mut History) {
        let before = self.totals.operations;
        let mut heard = String::new();
        while !moment.has_come(&heard, self.totals.operations - before) {
            heard = self
                .hear(lines, history)
                .expect("the writers ended by themselves");
        }
        let most = if matches!(moment, Moment::Started) {
            30_000
        } else {
            1_500
        };
        let (delay, start) = (Duration::from_micros(self.random.below(most)), Instant::now());
        while start.elapsed() < delay {
            thread::yield_now();
        }
    }

    fn hear(&mut self, lines: &mut Lines, history: &mut History) -> Option<String> {
        let line = lines.hear()?;
        let words: Vec<_> = line.splitn(3, ' ').collect();
        match words[..] {
            ["begin", writer, operation] => {
                let operation = Operation::parse(operation).unwrap();
                history.begin(writer.parse().unwrap(), operation);
            }
            ["end", writer, touched] => {
                self.totals.operations += 1;
                if let Operation::Set(entries) = history.end(writer.parse().unwrap(), touched == "1") {
                    self.totals.acknowledged += entries.len() as u64;
                }
            }
            ["open"] => {}
            _ => panic!("this is nothing that a writer says: {line}"),
        }
        Some(line)
    }

    /// The files after the kill, before any process opens them.
    fn look_at_files(&mut self, processes: u64) {
        let read = |name: &str| fs::read(self.folder.0.join(name)).unwrap_or_default();
        self.totals.logs += u64::from(!read("cache.db-wal").is_empty());
        let index = read("cache.db-shm");
        // The progress of a checkpoint, and its target. A process that recovers the log also writes there, which cannot have
        // happened with a single process.
        let number = |at: usize| Some(u32::from_ne_bytes(*index.get(at..)?.first_chunk()?));
        self.totals.checkpoints += u64::from(processes == 1 && number(96) < number(128));
    }

    fn compare(&mut self, mut history: History) {
        let now = BEGIN + self.round * STEP;
        let disk = self.orders(0, 1).open(&self.folder.file());
        let found: Vec<_> = (0..KEYS).map(|key| self.look_up(&disk, key, now)).collect();
        history.found(&found);
        for (key, found) in (0..KEYS).zip(&found) {
            let possible = history.possible(key, now);
            self.totals.found += u64::from(found.is_some());
            if possible.contains(found) || (self.evicts && found.is_none()) {
                continue;
            }
            match found {
                None => self.totals.lost += 1,
                Some(_) => self.totals.wrong += 1,
            }
            self.report(format_args!(
                "key {key}: {found:?} is there, possible are {possible:?}"
            ));
        }
        self.before = found;
        self.check(&disk);
    }

    fn look_up(&mut self, disk: &Disk, number: u32, now: u64) -> State {
        let found = disk.read_expiring(&key(number), None).unwrap();
        assert_eq!(disk.has(&key(number)).unwrap(), found.is_some());
        let Expiring {
            value,
            remaining: left,
        } = found?;
        let version = Entry::version_of(number, &value);
        if version.is_none() {
            self.totals.wrong += 1;
            self.report(format_args!("key {number} has a value that was never written"));
        }
        Some((version.unwrap_or(u64::MAX), left.map(|left| now + left.as_secs())))
    }

    /// The file is intact, and can be written.
    fn check(&mut self, disk: &Disk) {
        let database = disk.backend().unwrap();
        let check = database.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        let check = check.unwrap();
        let aside = self.folder.damaged();
        if check != "ok" || disk.damages() != Default::default() || !aside.is_empty() {
            self.report(format_args!(
                "the file is damaged: {check}, {:?}, {aside:?}",
                disk.damages()
            ));
        }
        disk.set(&u32::MAX, b"written".into(), None).unwrap();
        assert!(disk.delete(&u32::MAX).unwrap());
    }

    fn report(&mut self, what: std::fmt::Arguments<'_>) {
        self.reports.push(format!("round {}: {what}", self.round));
    }
}

/// It must still be running.
fn kill(mut process: Running) {
    let status = process.kill();
    assert_eq!(status.code().filter(|_| cfg!(unix)), None, "a writer failed");
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let seed = from_environment("RING_CACHE_SEED").unwrap_or(1);
    let rounds = from_environment("RING_CACHE_KILLS").unwrap_or(FEW);
    let only = from_environment("RING_CACHE_CASE");
    let (mut totals, mut reports, start) = (Totals::default(), Vec::new(), Instant::now());
    for number in only.unwrap_or(0).. {
        let place = Place(format!("RING_CACHE_SEED={seed} RING_CACHE_CASE={number}"));
        let mut case = Case::new(seed, number);
        for _ in 0..1 + case.random.below(12) {
            case.round();
        }
        totals += std::mem::take(&mut case.totals);
        reports.extend(case.reports.iter().map(|report| format!("{}, {report}", place.0)));
        if totals.rounds >= rounds || !reports.is_empty() || only.is_some() {
            break;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{totals}, seed {seed}, {seconds:.1} s");
    assert!(reports.is_empty(), "\n{}", reports.join("\n"));
    assert!(
        only.is_some() || (totals.logs > 0 && totals.found > 0),
        "{totals}"
    );
}
