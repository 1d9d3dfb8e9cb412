//! What the benchmarks share: contenders that take turns, and the table of their medians.

use std::time::{Duration, Instant};

/// One way to do the work that is measured.
pub struct Contender<'c> {
    name: &'static str,
    round: Box<dyn FnMut() + 'c>,
}

/// A contender that does `round` once a round.
pub fn contender<'c>(name: &'static str, round: impl FnMut() + 'c) -> Contender<'c> {
    Contender {
        name,
        round: Box::new(round),
    }
}

/// Lets contenders take turns for so many rounds, each of `calls` calls, and prints the medians of a call's time and
/// their ratios to the first contender's. Another one begins each round, so that none has the better moments.
pub fn compare(title: &str, rounds: usize, calls: usize, mut contenders: Vec<Contender<'_>>) {
    contenders.iter_mut().for_each(|contender| (contender.round)());
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    let count = contenders.len();
    for round in 0..rounds {
        for nth in (0..count).map(|turn| (round + turn) % count) {
            let start = Instant::now();
            (contenders[nth].round)();
            times[nth].push(start.elapsed());
        }
    }
    let medians: Vec<_> = times.iter_mut().map(|times| median(times)).collect();
    println!("\n{title}");
    for (contender, time) in contenders.iter().zip(&medians) {
        let call = time.as_secs_f64() * 1e6 / calls as f64;
        let ratio = time.as_secs_f64() / medians[0].as_secs_f64();
        println!("  {:<44} {call:>8.2} µs {ratio:>7.3}", contender.name);
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
