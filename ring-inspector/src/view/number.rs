//! Numbers and times for people.

use std::time::Duration;

/// A count, with commas: `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A ratio: `93 %`. `–` without a value. Only a whole is `100 %`, and only nothing `0 %`.
pub(super) fn part(ratio: Option<f64>) -> String {
    match ratio {
        None => "–".into(),
        Some(ratio) if ratio > 0.0 && ratio < 0.01 => "< 1 %".into(),
        Some(ratio) if ratio > 0.99 && ratio < 1.0 => "> 99 %".into(),
        Some(ratio) => format!("{:.0} %", ratio * 100.0),
    }
}

/// A time with about three digits: `1.23 ms`. `–` without a value.
pub(super) fn time(time: Option<Duration>) -> String {
    let Some(time) = time else { return "–".into() };
    let nanos = time.as_nanos() as f64;
    match nanos {
        ..1e3 => format!("{nanos} ns"),
        ..1e6 => format!("{} µs", short(nanos / 1e3)),
        ..1e9 => format!("{} ms", short(nanos / 1e6)),
        ..600e9 => format!("{} s", short(nanos / 1e9)),
        _ => long(time.as_secs()),
    }
}

/// The remaining life of an entry, which ends with its stale part.
pub(super) fn life(remaining: Option<Duration>, stale: Duration) -> String {
    match remaining {
        None => "no expiry".into(),
        Some(remaining) if remaining > stale => time(Some(remaining - stale)),
        Some(remaining) => format!("stale, {} left", time(Some(remaining))),
    }
}

/// Whole units of a long time: `2 d 3 h`.
fn long(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

fn short(number: f64) -> String {
    match number {
        ..10.0 => format!("{number:.2}"),
        ..100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// A number of look-ups a second.
pub(super) fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "–".into(),
        Some(0.0) => "0 / s".into(),
        Some(rate) if rate < 10.0 => format!("{rate:.1} / s"),
        Some(rate) => format!("{} / s", count(rate as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_true() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        let parts = [None, Some(0.0), Some(0.001), Some(0.5), Some(0.9999), Some(1.0)].map(part);
        assert_eq!(parts, ["–", "0 %", "< 1 %", "50 %", "> 99 %", "100 %"]);
        let times = [
            7,
            1_234,
            12_345_678,
            123_456_789_000,
            4_000_000_000_000,
            200_000_000_000_000,
        ];
        let times = times.map(|nanos| time(Some(Duration::from_nanos(nanos))));
        assert_eq!(
            times,
            ["7 ns", "1.23 µs", "12.3 ms", "123 s", "1 h 6 min", "2 d 7 h"]
        );
        let lives = [None, Some(70), Some(60), Some(5)]
            .map(|left| life(left.map(Duration::from_secs), Duration::from_secs(60)));
        assert_eq!(
            lives,
            ["no expiry", "10.0 s", "stale, 60.0 s left", "stale, 5.00 s left"]
        );
        assert_eq!(
            [None, Some(0.25), Some(12_345.6)].map(rate),
            ["–", "0.2 / s", "12,345 / s"]
        );
    }
}
