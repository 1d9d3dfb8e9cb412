//! One error per mistake: wrong lines are marked by `//~`, or `//~ 2` for two mistakes, and have that many errors. Other
//! lines have none.

use std::collections::BTreeMap;

/// The differences between the errors and the marks of a file, if it has marks.
pub(super) fn differences(file: &str, source: &str, messages: &str) -> Option<String> {
    let marks = source.lines().enumerate().filter_map(|(index, line)| {
        let (_, mark) = line.split_once("//~")?;
        Some((index + 1, mark.trim().parse().unwrap_or(1)))
    });
    let marked: Vec<(usize, usize)> = marks.collect();
    if marked.is_empty() {
        return None;
    }
    let mut errors: BTreeMap<usize, usize> = BTreeMap::new();
    for line in error_lines(file, messages) {
        *errors.entry(line).or_default() += 1;
    }
    let wrong = marked.iter().filter_map(|(line, mistakes)| {
        let count = errors.remove(line).unwrap_or(0);
        (count != *mistakes).then(|| format!("{file}:{line} has {count} errors and not {mistakes}"))
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
