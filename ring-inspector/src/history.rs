//! The history of each ring while the inspector is used: its hit ratios between looks.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::time::{Duration, Instant};

use ring_cache_core::Stats;

/// The number of looks kept.
const LOOKS: usize = 61;

/// Looks in quicker succession count as one.
const APART: Duration = Duration::from_millis(900);

/// The counters of rings at several times.
#[derive(Default)]
pub(crate) struct History {
    rings: HashMap<String, VecDeque<(Instant, Stats)>>,
}

/// The recent history of a ring.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Recent {
    /// The hit ratios of the last intervals, from the oldest on. `None` for one without look-ups.
    pub(crate) ratios: Vec<Option<f64>>,
    /// The look-ups of a second in the last interval.
    pub(crate) rate: Option<f64>,
}

impl History {
    /// Notes the counters of all rings. Forgets other rings.
    pub(crate) fn note<'r>(&mut self, now: Instant, rings: impl Iterator<Item = (&'r str, Stats)>) {
        let mut known = std::mem::take(&mut self.rings);
        for (id, stats) in rings {
            let mut looks = known.remove(id).unwrap_or_default();
            let is_due = looks
                .back()
                .is_none_or(|(last, _)| now.saturating_duration_since(*last) >= APART);
            if is_due {
                if looks.len() == LOOKS {
                    looks.pop_front();
                }
                looks.push_back((now, stats));
            }
            self.rings.insert(id.to_owned(), looks);
        }
    }

    pub(crate) fn recent(&self, id: &str) -> Recent {
        let Some(looks) = self.rings.get(id) else {
            return Recent::default();
        };
        let pairs = || looks.iter().zip(looks.iter().skip(1));
        let ratios = pairs().map(|((_, before), (_, stats))| stats.since(before).hit_ratio());
        let last = pairs().next_back().map(|((began, before), (ended, stats))| {
            let since = stats.since(before);
            let seconds = ended.saturating_duration_since(*began).as_secs_f64();
            (since.hits + since.stale_hits + since.misses) as f64 / seconds.max(f64::MIN_POSITIVE)
        });
        Recent {
            ratios: ratios.collect(),
            rate: last,
        }
    }
}

impl Recent {
    /// The width of a sparkline, whose height is 1.
    pub(crate) const WIDTH: usize = LOOKS - 1;

    /// The ratios as the path of a line, the newest at the right, with gaps where nothing was looked up.
    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        let start = Self::WIDTH.saturating_sub(self.ratios.len());
        let mut pen_is_down = false;
        for (place, ratio) in self.ratios.iter().enumerate() {
            let Some(ratio) = ratio else {
                pen_is_down = false;
                continue;
            };
            let (x, y) = (start + place, 1.0 - ratio);
            let command = if pen_is_down { 'L' } else { 'M' };
            // A single point becomes a dot.
            let _ = write!(path, "{command}{x} {y:.3}h1");
            pen_is_down = true;
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(hits: u64, misses: u64) -> Stats {
        let mut stats = Stats::default();
        (stats.hits, stats.misses) = (hits, misses);
        stats
    }

    #[test]
    fn a_sparkline_has_the_ratio_of_each_interval_and_gaps_without_look_ups() {
        let (mut history, start) = (History::default(), Instant::now());
        let looks = [(0, 0), (1, 1), (1, 1), (4, 1), (4, 5)];
        for (second, (hits, misses)) in (0..).zip(looks) {
            let now = start + Duration::from_secs(second);
            history.note(now, [("a", stats(hits, misses))].into_iter());
            // Too early for another look.
            history.note(now + APART / 2, [("a", stats(99, 99))].into_iter());
        }
        let recent = history.recent("a");
        assert_eq!(recent.ratios, [Some(0.5), None, Some(1.0), Some(0.0)]);
        assert_eq!(recent.rate, Some(4.0));
        assert_eq!(recent.path(), "M56 0.500h1M58 0.000h1L59 1.000h1");
    }

    #[test]
    fn a_history_is_bounded_and_forgets_rings_that_are_gone() {
        let (mut history, start) = (History::default(), Instant::now());
        for second in 0..1000 {
            let now = start + Duration::from_secs(second);
            history.note(now, [("a", stats(second, 0)), ("b", stats(0, 0))].into_iter());
        }
        assert_eq!(history.recent("a").ratios.len(), Recent::WIDTH);
        history.note(
            start + Duration::from_secs(2000),
            [("b", stats(0, 0))].into_iter(),
        );
        assert_eq!(history.recent("a"), Recent::default());
    }
}
