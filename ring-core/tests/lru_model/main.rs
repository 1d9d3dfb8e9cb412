//! The cache in memory against a plain list, in random steps: any capacity, shards and policy, with expiry by a clock
//! that the test moves. docs/testing.md describes longer runs.
//!
//! A case is a new cache and some thousand steps, chosen by its number and the seed. Only the hash of keys differs
//! between processes, and with it the keys that share a shard; so a failed case is tried again, with fewer steps, in
//! the same process.

mod beside;
mod model;
mod shrink;
mod step;
mod value;

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use beside::World;
use shrink::shrink;
use step::{Random, Setup, Step};

/// The number of steps of a daily run.
const FEW: u64 = 400_000;

thread_local!(static EXPECTS_PANICS: Cell<bool> = const { Cell::new(false) });

/// A number from the environment, if it is set.
fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

/// The report contains the panics of the threads that run cases.
fn keep_panics_quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !EXPECTS_PANICS.get() {
            usual(panic);
        }
    }));
}

/// Runs the case of this number. Returns its number of steps, or a report.
fn case(world: &World, seed: u64, number: u64) -> Result<u64, String> {
    let mut random = Random::seeded(seed, number);
    let setup = Setup::random(&mut random);
    let begin = random.clone();
    let steps = setup.steps();
    let all = (0..steps).map(|_| Step::random(&mut random, &setup));
    let Err(divergence) = beside::run(world, &setup, all) else {
        return Ok(steps);
    };
    let mut random = begin;
    let until = divergence.step as u64 + 1;
    let all = (0..until.min(steps)).map(|_| Step::random(&mut random, &setup));
    let message = divergence.message.clone();
    let (fewest, shrunk) = shrink(world, &setup, all.collect(), divergence);
    let lines: Vec<_> = fewest.iter().map(|step| format!("    {step:?}")).collect();
    Err(format!(
        "RING_CACHE_SEED={seed} RING_CACHE_CASE={number}\n{setup:?}\nstep {until}: {message}\nthe same in {} steps: {}\n{}",
        fewest.len(),
        shrunk.message,
        lines.join("\n"),
    ))
}

/// The totals of all threads.
#[derive(Default)]
struct Progress {
    cases: AtomicU64,
    steps: AtomicU64,
    reports: Mutex<Vec<String>>,
}

impl Progress {
    fn run(&self, seed: u64, steps: u64) {
        EXPECTS_PANICS.set(true);
        let world = World::new();
        while self.steps.load(Relaxed) < steps && self.reports.lock().unwrap().is_empty() {
            match case(&world, seed, self.cases.fetch_add(1, Relaxed)) {
                Ok(steps) => drop(self.steps.fetch_add(steps, Relaxed)),
                Err(report) => self.reports.lock().unwrap().push(report),
            }
        }
    }
}

#[test]
fn the_cache_does_what_a_plain_list_does() {
    keep_panics_quiet();
    let seed = from_environment("RING_CACHE_SEED").unwrap_or(1);
    if let Some(number) = from_environment("RING_CACHE_CASE") {
        EXPECTS_PANICS.set(true);
        let outcome = case(&World::new(), seed, number);
        EXPECTS_PANICS.set(false);
        return outcome.map(drop).unwrap_or_else(|report| panic!("{report}"));
    }
    let steps = from_environment("RING_CACHE_OPERATIONS").unwrap_or(FEW);
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (progress, start) = (Progress::default(), Instant::now());
    std::thread::scope(|scope| {
        (0..threads).for_each(|_| drop(scope.spawn(|| progress.run(seed, steps))));
    });
    let (steps, seconds) = (progress.steps.into_inner(), start.elapsed().as_secs_f64());
    let reports = progress.reports.into_inner().unwrap();
    println!(
        "operations {steps}, cases {}, seed {seed}, divergences {}, {:.1} s, {:.2} million a second",
        progress.cases.into_inner(),
        reports.len(),
        seconds,
        steps as f64 / seconds / 1e6,
    );
    assert!(reports.is_empty(), "\n{}", reports.join("\n"));
}
