//! Messages of the compiler without parts that differ between machines or change with other files.

use std::collections::HashSet;

use super::compiler::root;

/// The messages with paths from the root of this repository or of Rust, and without line numbers in other files.
pub(super) fn normal(messages: &str) -> String {
    let mut seen = HashSet::new();
    // The compiler repeats messages; Cargo shows each once.
    let messages: Vec<_> = messages
        .split("\n\n")
        .filter(|message| seen.insert(*message))
        .map(|message| {
            message
                .lines()
                .filter(|line| !is_summary(line))
                .collect::<Vec<_>>()
        })
        .filter(|lines| !lines.is_empty())
        .map(|lines| narrow(&without_numbers_elsewhere(&with_few_types(&lines))).join("\n"))
        .collect();
    messages.join("\n\n") + "\n"
}

/// One message without line numbers in other files.
fn without_numbers_elsewhere(lines: &[String]) -> Vec<String> {
    let (mut is_elsewhere, mut is_std) = (false, false);
    let line = |line: &String| {
        let line = with_short_paths(line);
        match line.split_once("--> ").or_else(|| line.split_once("::: ")) {
            Some((_, place)) => {
                is_elsewhere = !place.starts_with("tests/ui/");
                is_std = place.starts_with("$RUST");
                Some(if is_elsewhere {
                    without_position(&line)
                } else {
                    line
                })
            }
            // Code of std is shown where its source is installed.
            None if is_std && line.split_once('|').is_some_and(|(margin, _)| is_margin(margin)) => None,
            None if is_std => {
                is_std = false;
                Some(line)
            }
            None if is_elsewhere => Some(without_number(&line)),
            None => Some(line),
        }
    };
    lines.iter().filter_map(line).collect()
}

/// Whether a text is the margin: a line number, or nothing.
fn is_margin(text: &str) -> bool {
    text.chars()
        .all(|character| character == ' ' || character.is_ascii_digit())
}

/// One message with the margin as narrow as its line numbers allow.
fn narrow(lines: &[String]) -> Vec<String> {
    let margin = lines.iter().find_map(|line| line.find("--> ")).unwrap_or(0);
    let digits = |line: &String| {
        let (number, _) = line.split_once(" |")?;
        number.trim().parse::<u32>().ok().map(|_| number.trim().len())
    };
    let wanted = lines.iter().filter_map(digits).max().unwrap_or(margin);
    let spare = " ".repeat(margin.saturating_sub(wanted));
    let line = |line: &String| line.strip_prefix(&spare).unwrap_or(line).to_owned();
    lines.iter().map(line).collect()
}

/// One message with at most eight implementors of a trait: the others change with every such type.
fn with_few_types(lines: &[&str]) -> Vec<String> {
    let mut few = Vec::new();
    let mut lines = lines.iter().peekable();
    while let Some(line) = lines.next() {
        few.push((*line).to_owned());
        if !line.contains("the following other types implement trait") {
            continue;
        }
        let is_type = |line: &&&str| {
            !["--> ", " |", " = "].iter().any(|mark| line.contains(mark)) && line.starts_with(' ')
        };
        let types: Vec<_> = std::iter::from_fn(|| lines.next_if(is_type)).collect();
        let named = if types.len() > 9 { 8 } else { types.len() };
        few.extend(types[..named].iter().map(|line| (**line).to_owned()));
        if named < types.len() {
            let indent = types[0].len() - types[0].trim_start().len() - 2;
            few.push(format!("{:indent$}and $N others", ""));
        }
    }
    few
}

/// Whether a line is the number of errors, or how to explain them.
fn is_summary(line: &str) -> bool {
    [
        "error: aborting due to",
        "Some errors have detailed",
        "For more information about",
    ]
    .iter()
    .any(|start| line.starts_with(start))
}

fn with_short_paths(line: &str) -> String {
    let line = line.replace(&format!("{}/", root().display()), "");
    // The path of Rust's source: of its build, or of the component `rust-src`.
    match line.split_once("/library/") {
        Some((before, after)) => match before
            .find("/rustc/")
            .or_else(|| before.find(std::path::MAIN_SEPARATOR))
        {
            Some(start) => format!("{}$RUST/{after}", &before[..start]),
            None => line,
        },
        None => line,
    }
}

fn without_position(line: &str) -> String {
    let mut parts = line.rsplitn(3, ':');
    let (column, row) = (parts.next(), parts.next());
    let is_number = |part: Option<&str>| part.is_some_and(|part| part.parse::<u32>().is_ok());
    match parts.next() {
        Some(path) if is_number(column) && is_number(row) => path.to_owned(),
        _ => line.to_owned(),
    }
}

/// Shorter numbers of a message have spaces before them.
fn without_number(line: &str) -> String {
    let start = line.len() - line.trim_start_matches(' ').len();
    let digits = line[start..]
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(line.len() - start);
    let end = start + digits;
    format!("{}{}", " ".repeat(end), &line[end..])
}
