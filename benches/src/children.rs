//! Programs that `hits` starts for measures that cannot be taken beside time: their rows, as lines of text.

use std::io;
use std::process::Command;

use crate::form::{Form, SHORT};
use crate::table::{Measure, Row, Table};
use crate::who::Who;
use crate::workloads::{allocations, instructions, memory};

/// The argument that asks for lines instead of a table.
const LINES: &str = "--lines";

/// The prefixes of the variables by which `cargo run` describes the package.
const TOLD: [&str; 2] = ["CARGO_MANIFEST_", "CARGO_PKG_"];

/// The measures of these programs.
const MEASURES: [Measure; 8] = [
    allocations::NUMBER,
    allocations::URL,
    allocations::METHOD,
    memory::BYTES,
    instructions::NUMBER,
    instructions::URL,
    instructions::METHOD,
    instructions::MISS,
];

/// Prints a program's rows: as lines if `hits` started it, otherwise as a table with the verdict of `judge`.
pub fn print(rows: Vec<Row>, judge: impl Fn(&Table) -> String) {
    let mut table = Table::default();
    table.extend(rows);
    if std::env::args().any(|argument| argument == LINES) {
        table.rows().iter().for_each(print_lines);
    } else {
        println!("{table}\n{}", judge(&table));
    }
}

fn print_lines(row: &Row) {
    for who in Who::ALL {
        match row.outcome(who) {
            Some(Ok(figure)) => println!("{}\t{who}\t{figure}\t", row.measure.title),
            Some(Err(why)) => println!("{}\t{who}\t\t{why}", row.measure.title),
            None => {}
        }
    }
}

/// Builds and runs another program of this package, and reads its rows.
///
/// # Errors
///
/// If it cannot be built or fails.
pub fn run(program: &str, form: &Form) -> io::Result<Vec<Row>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Without the variables that `cargo run` set for this program: dependencies that read them would be built again.
    let told = std::env::vars_os().map(|variable| variable.0);
    let told = told.filter(|name| TOLD.iter().any(|start| name.to_string_lossy().starts_with(start)));
    let mut command = Command::new(cargo);
    told.for_each(|name| {
        command.env_remove(name);
    });
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "--release", "--quiet", "--bin", program, "--", LINES])
        .args(form.is_short().then_some(SHORT))
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("{program} failed: {said}")));
    }
    Ok(read(&String::from_utf8_lossy(&output.stdout)))
}

fn read(lines: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in lines.lines() {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        let (title, who, figure, why) = (next(), next(), next(), next());
        let measure = MEASURES.into_iter().find(|measure| measure.title == title);
        let (Some(measure), Some(who)) = (measure, Who::named(who)) else {
            continue;
        };
        if rows.last().is_none_or(|row| row.measure != measure) {
            rows.push(Row::new(measure));
        }
        if let Some(row) = rows.last_mut() {
            row.put(who, figure.parse().map_err(|_| why.to_owned()));
        }
    }
    rows
}
