//! Contenders that take turns, and the medians of their rounds.

use std::time::{Duration, Instant};

/// One way to do the work that is measured.
pub struct Contender<'c, N> {
    name: N,
    round: Box<dyn FnMut() -> Duration + 'c>,
}

impl<'c, N> Contender<'c, N> {
    /// A contender whose round says itself how long it took.
    pub fn new(name: N, round: impl FnMut() -> Duration + 'c) -> Self {
        let round = Box::new(round);
        Contender { name, round }
    }
}

/// A contender that does `round` once a round, all of which is timed.
pub fn contender<'c, N>(name: N, mut round: impl FnMut() + 'c) -> Contender<'c, N> {
    Contender::new(name, move || {
        let start = Instant::now();
        round();
        start.elapsed()
    })
}

/// Lets contenders take turns for this many rounds, after one that does not count. Returns their medians.
///
/// Another one begins each round, so that none is favoured by its place.
pub fn medians<N: Copy>(rounds: usize, mut contenders: Vec<Contender<'_, N>>) -> Vec<(N, Duration)> {
    for contender in &mut contenders {
        (contender.round)();
    }
    let count = contenders.len();
    let mut times = vec![Vec::with_capacity(rounds); count];
    for round in 0..rounds {
        for nth in (0..count).map(|turn| (round + turn) % count) {
            times[nth].push((contenders[nth].round)());
        }
    }
    let names = contenders.iter().map(|contender| contender.name);
    names.zip(times.iter_mut().map(|times| median(times))).collect()
}

/// Compares contenders that each make this many calls a round: prints the medians of a call's time, and their ratios to
/// the first contender's.
pub fn compare(title: &str, rounds: usize, calls: usize, contenders: Vec<Contender<'_, &'static str>>) {
    let medians = medians(rounds, contenders);
    println!("\n{title}");
    for (name, time) in &medians {
        let call = time.as_secs_f64() * 1e6 / calls as f64;
        let ratio = time.as_secs_f64() / medians[0].1.as_secs_f64();
        println!("  {name:<44} {call:>8.2} µs {ratio:>7.3}");
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
