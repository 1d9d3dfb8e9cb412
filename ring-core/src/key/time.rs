//! Keys of durations and points in time: seconds, with the decimals that they have.

use std::time::{Duration, SystemTime};

use super::{KeyWriter, RingKey, TypeName, network::display};

impl RingKey for Duration {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        seconds("", *self, |word| key.word(word));
    }

    fn ring_name(name: &mut TypeName) {
        name.text("Duration");
    }
}

/// Seconds since the Unix epoch, negative before it.
impl RingKey for SystemTime {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match self.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => seconds("", after, |word| key.word(word)),
            Err(before) => seconds("-", before.duration(), |word| key.word(word)),
        }
    }

    fn ring_name(name: &mut TypeName) {
        name.text("SystemTime");
    }
}

fn seconds(sign: &str, duration: Duration, write: impl FnOnce(&str)) {
    let (whole, nanos) = (duration.as_secs(), duration.subsec_nanos());
    if nanos == 0 {
        display(format_args!("{sign}{whole}s"), write);
    } else {
        let (mut decimals, mut width) = (nanos, 9);
        while decimals % 10 == 0 {
            decimals /= 10;
            width -= 1;
        }
        display(format_args!("{sign}{whole}.{decimals:0width$}s"), write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_and_without_trailing_zeros() {
        let text = |duration| super::super::key_text(&duration);
        assert_eq!(text(Duration::from_secs(90)), "90s");
        assert_eq!(text(Duration::from_millis(1_050)), "1.05s");
        assert_eq!(text(Duration::from_nanos(1)), "0.000000001s");
        let before = SystemTime::UNIX_EPOCH - Duration::from_millis(2_500);
        assert_eq!(super::super::key_text(&before), "-2.5s");
    }
}
