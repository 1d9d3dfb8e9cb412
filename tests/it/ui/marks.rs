//! One error a mistake: lines that are wrong are marked by `//~`, each has one error, and no other line has any.

use std::collections::BTreeMap;

/// What is wrong with the places of the errors of a file, if it has marks.
pub(super) fn differences(file: &str, source: &str, messages: &str) -> Option<String> {
    let marked: Vec<usize> = source
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains("//~"))
        .map(|(index, _)| index + 1)
        .collect();
    if marked.is_empty() {
        return None;
    }
    let mut errors: BTreeMap<usize, usize> = BTreeMap::new();
    for line in error_lines(file, messages) {
        *errors.entry(line).or_default() += 1;
    }
    let wrong = marked.iter().filter_map(|line| match errors.remove(line) {
        Some(1) => None,
        count => Some(format!("{file}:{line} has {} errors", count.unwrap_or(0))),
    });
    let mut wrong: Vec<String> = wrong.collect();
    wrong.extend(
        errors
            .iter()
            .map(|(line, count)| format!("{file}:{line} has {count} errors and no mark")),
    );
    (!wrong.is_empty()).then(|| wrong.join("\n"))
}

/// The line of each error.
fn error_lines(file: &str, messages: &str) -> Vec<usize> {
    let (mut lines, mut is_error) = (Vec::new(), false);
    for line in messages.lines() {
        if !line.starts_with([' ', '|']) {
            is_error = line.starts_with("error");
        }
        let Some((_, place)) = line.split_once("--> ").filter(|_| is_error) else {
            continue;
        };
        let place = place.strip_prefix(file).and_then(|place| place.strip_prefix(':'));
        let number = place.and_then(|place| place.split(':').next()?.parse().ok());
        lines.push(number.unwrap_or(0));
        is_error = false;
    }
    lines
}
