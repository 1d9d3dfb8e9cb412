//! The amount of measuring: the full form, or the short one for every day.

/// The numbers of rounds and calls.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Rounds of each contender, of which the median counts.
    pub rounds: usize,
    /// The number of times that a round goes through all visits.
    pub passes: usize,
    /// Calls of a round in which all miss.
    pub misses: usize,
    /// Draws of a round of Zipf.
    pub draws: usize,
    /// Rounds of Zipf, after as many that warm up.
    pub zipf_rounds: usize,
    /// Passes under callgrind, beside the first.
    pub counted_passes: usize,
    /// Runs under callgrind of each contender, of which the median counts.
    pub counted_runs: usize,
}

impl Form {
    /// Some minutes, for figures that are published.
    pub const FULL: Form = Form {
        rounds: 101,
        passes: 25,
        misses: 20_000,
        draws: 100_000,
        zipf_rounds: 21,
        counted_passes: 10,
        counted_runs: 3,
    };

    /// Less than a minute, for every day.
    pub const SHORT: Form = Form {
        rounds: 11,
        passes: 10,
        misses: 5_000,
        draws: 50_000,
        zipf_rounds: 5,
        counted_passes: 4,
        counted_runs: 1,
    };

    /// The form that the program's arguments ask for: the short one with `--short`.
    pub fn asked() -> Form {
        match std::env::args().any(|argument| argument == SHORT) {
            true => Form::SHORT,
            false => Form::FULL,
        }
    }

    /// Whether this is the short one.
    pub fn is_short(&self) -> bool {
        self.rounds == Form::SHORT.rounds
    }
}

/// The argument that asks for the short form.
pub const SHORT: &str = "--short";
