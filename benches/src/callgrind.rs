//! Instructions of one call, counted by callgrind in processes of their own.

use std::io;
use std::process::{Command, Stdio};

use crate::form::Form;
use crate::table::{Measure, Row};
use crate::who::Who;
use crate::workloads::instructions::{CALLS, COUNTED, run};

/// The argument that makes the program run one contender.
const RUN: &str = "run";
const NOBODY: &str = "nobody";

/// Whether callgrind is installed.
pub fn is_there() -> bool {
    let mut version = Command::new("valgrind");
    let version = version
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

/// Runs the contender named by the program's arguments, if any.
pub fn run_if_asked() -> bool {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [first, measure, who, passes] = &arguments[..] else {
        return false;
    };
    let measure = COUNTED.iter().find(|counted| counted.0.title == measure);
    match (first.as_str(), measure, passes.parse()) {
        (RUN, Some((measure, _)), Ok(passes)) => {
            run(*measure, Who::named(who), passes);
            true
        }
        _ => false,
    }
}

/// Counts the instructions of a call: those of several passes minus those of one, without the loop itself. Hash tables
/// differ between processes, so the median of some runs is taken.
///
/// # Errors
///
/// If callgrind does not run.
pub fn measure(form: &Form) -> io::Result<Vec<Row>> {
    COUNTED
        .iter()
        .map(|(measure, contenders)| row(*measure, contenders, form))
        .collect()
}

fn row(measure: Measure, contenders: &[Who], form: &Form) -> io::Result<Row> {
    let mut row = Row::new(measure);
    let empty = a_call(measure, None, form)?;
    for &who in contenders {
        let calls = (0..form.counted_runs).map(|_| a_call(measure, Some(who), form));
        let mut calls = calls.collect::<io::Result<Vec<_>>>()?;
        calls.sort_unstable_by(f64::total_cmp);
        row.put(who, Ok(calls[calls.len() / 2] - empty));
    }
    Ok(row)
}

fn a_call(measure: Measure, who: Option<Who>, form: &Form) -> io::Result<f64> {
    let one = instructions(measure, who, 1)?;
    let more = instructions(measure, who, 1 + form.counted_passes)?;
    Ok((more - one) / (form.counted_passes * CALLS) as f64)
}

fn instructions(measure: Measure, who: Option<Who>, passes: usize) -> io::Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args([
            RUN,
            measure.title,
            who.map_or(NOBODY, Who::name),
            &passes.to_string(),
        ])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    match count.filter(|_| output.status.success()) {
        Some(count) => Ok(count),
        None => Err(io::Error::other(format!("callgrind failed: {said}"))),
    }
}
