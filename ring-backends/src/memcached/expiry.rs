//! Expiries for memcached: seconds from now, or a date.

use std::time::{Duration, SystemTime};

/// Memcached reads a number up to this as seconds from now, and a larger one as seconds since 1970.
const MONTH: u64 = 60 * 60 * 24 * 30;
/// The last date, in January 2038: beyond it memcached's numbers overflow, and the entry is lost.
const LAST: u64 = i32::MAX as u64;

/// The number for an expiry that begins `now`, rounded up. It is never zero, which would mean no expiry.
pub(super) fn expiry(expiry: Duration, now: SystemTime) -> u32 {
    let seconds = rounded_up(expiry).max(1);
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let taken = match rounded_up(since_1970.saturating_add(expiry)).min(LAST) {
        _ if seconds <= MONTH => seconds,
        // The clock is past the last date, or before the first.
        date if date <= since_1970.as_secs() + MONTH => MONTH,
        date => date,
    };
    u32::try_from(taken).unwrap_or(u32::MAX)
}

fn rounded_up(duration: Duration) -> u64 {
    let begun = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 60 * 60 * 24;

    fn at(seconds: f64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds)
    }

    fn seconds(asked: Duration) -> u32 {
        expiry(asked, at(1_800_000_000.5))
    }

    #[test]
    fn seconds_are_rounded_up_and_never_none() {
        assert_eq!(seconds(Duration::from_nanos(1)), 1);
        assert_eq!(seconds(Duration::from_secs(1)), 1);
        assert_eq!(seconds(Duration::from_millis(1001)), 2);
        assert_eq!(seconds(Duration::ZERO), 1);
    }

    #[test]
    fn more_than_thirty_days_are_a_date() {
        assert_eq!(seconds(Duration::from_secs(30 * DAY)), 2_592_000);
        let longer = seconds(Duration::from_millis(30 * DAY * 1000 + 1));
        assert_eq!(longer, 1_800_000_001 + 2_592_000);
        assert_eq!(seconds(Duration::from_secs(31 * DAY)), 1_800_000_001 + 2_678_400);
    }

    #[test]
    fn dates_that_memcached_cannot_count_are_its_last() {
        for asked in [Duration::from_secs(36_500 * DAY), Duration::MAX] {
            assert_eq!(seconds(asked), 2_147_483_647);
        }
    }

    #[test]
    fn after_the_last_date_a_month_is_the_longest() {
        for now in [2_147_000_000.0, 2_147_483_647.0, 5_000_000_000.0] {
            assert_eq!(expiry(Duration::MAX, at(now)), 2_592_000);
        }
        let before_1970 = SystemTime::UNIX_EPOCH - Duration::from_secs(DAY);
        assert!(expiry(Duration::from_secs(31 * DAY), before_1970) >= 2_592_000);
    }
}
