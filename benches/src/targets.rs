//! Limits of the figures, mostly as ratios within one run, and whether they are reached.

use std::fmt;

use crate::table::{Measure, Table};
use crate::who::Who;
use crate::workloads::{allocations, hits, instructions, memory, misses, mixed, threads};

/// The limit of a figure.
#[derive(Clone, Copy, Debug)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}
use Limit::{AtLeast, AtMost};

/// A figure and its limit.
#[derive(Clone, Debug)]
pub struct Target {
    what: String,
    limit: Limit,
    figure: f64,
}

impl Target {
    /// Whether the figure is within its limit.
    pub fn is_reached(&self) -> bool {
        match self.limit {
            AtMost(limit) => self.figure <= limit,
            AtLeast(limit) => self.figure >= limit,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, limit) = match self.limit {
            AtMost(limit) => ('≤', limit),
            AtLeast(limit) => ('≥', limit),
        };
        let verdict = if self.is_reached() {
            "reached"
        } else {
            "**NOT reached**"
        };
        write!(
            f,
            "| {} | {sign} {limit} | {:.2} | {verdict} |",
            self.what, self.figure
        )
    }
}

/// All targets whose figures a table holds, as a table in Markdown.
pub fn judge(table: &Table) -> String {
    let targets = targets(table);
    let lines = targets.iter().map(Target::to_string);
    let head = ["| target | | measured | |", "|---|---|---:|---|"].map(str::to_owned);
    head.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// All targets whose figures a table holds.
pub fn targets(table: &Table) -> Vec<Target> {
    let mut targets = beside_one_peer(table);
    targets.extend(free_of_charge(table));
    targets
}

fn beside_one_peer(table: &Table) -> Vec<Target> {
    let quick = Who::QuickBorrowed;
    let of_mixed = [0.9, 1.0, 1.3, 0.9, 1.4, 4.0];
    let mixed = mixed::ALL.iter().zip(of_mixed);
    let mixed = mixed.map(|((measure, ..), least)| (*measure, quick, AtLeast(least)));
    let ratios = [
        (hits::NUMBER, quick, AtMost(0.80)),
        (hits::URL, quick, AtMost(0.95)),
        (hits::METHOD, quick, AtMost(0.95)),
        (hits::BYTES64, quick, AtMost(1.0)),
        (hits::TEXT, quick, AtMost(0.90)),
        (instructions::NUMBER, quick, AtMost(0.85)),
        (threads::NUMBER, quick, AtLeast(3.0)),
        (threads::URL, quick, AtLeast(1.7)),
        (threads::HOT_KEY, quick, AtLeast(5.0)),
        (threads::SMALL, quick, AtLeast(5.0)),
        (misses::OF_128, quick, AtMost(1.0)),
        (misses::OF_1024, quick, AtMost(1.0)),
        (misses::OF_100000, quick, AtMost(1.0)),
    ];
    let ratio = |(measure, peer, limit): (Measure, Who, Limit)| {
        Some(Target {
            what: format!("{} ÷ {peer}", measure.title),
            limit,
            figure: table.figure(measure, Who::Ring)? / table.figure(measure, peer)?,
        })
    };
    ratios.into_iter().chain(mixed).filter_map(ratio).collect()
}

/// The targets of features that should cost nothing or little.
fn free_of_charge(table: &Table) -> Vec<Target> {
    let ours = |measure| table.figure(measure, Who::Ring);
    let beyond_storage = |measure| Some(ours(measure)? - table.figure(measure, Who::RingStorage)?);
    // Each of the two threads makes half of the hits.
    let on_a_thread = |millions: f64| 2_000.0 / millions;
    let beyond_storage_on_threads = || {
        let storage = table.figure(threads::NUMBER, Who::RingStorage)?;
        Some(on_a_thread(ours(threads::NUMBER)?) - on_a_thread(storage))
    };
    let expiry = || Some(ours(hits::EXPIRING)? / ours(hits::NUMBER)?);
    let target = |what: &str, limit, figure: Option<f64>| {
        let what = what.to_owned();
        figure.map(|figure| Target { what, limit, figure })
    };
    let targets = [
        target("a hit with expiry ÷ one without", AtMost(1.3), expiry()),
        target(allocations::NUMBER.title, AtMost(0.0), ours(allocations::NUMBER)),
        target(allocations::URL.title, AtMost(0.0), ours(allocations::URL)),
        target(allocations::METHOD.title, AtMost(0.0), ours(allocations::METHOD)),
        target(memory::BYTES.title, AtMost(52.4), ours(memory::BYTES)),
        target(
            "statistics and call, `u64`, beyond `Lru::get` (ns)",
            AtMost(3.0),
            beyond_storage(hits::NUMBER),
        ),
        target(
            "… on 2 threads (ns of each)",
            AtMost(3.0),
            beyond_storage_on_threads(),
        ),
        target(
            "call, `u64`, beyond `Lru::get` (instructions)",
            AtMost(5.0),
            beyond_storage(instructions::NUMBER),
        ),
        target(
            "call, URL and `u64`, beyond `Lru::get` (instructions)",
            AtMost(5.0),
            beyond_storage(instructions::URL),
        ),
        target(
            "call, `&self`, beyond `Lru::get` (instructions)",
            AtMost(5.0),
            beyond_storage(instructions::METHOD),
        ),
    ];
    targets.into_iter().flatten().collect()
}
