//! The state of one ring's metrics between two computations.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use ::metrics::{Key, Label, Level, Metadata, with_recorder};

use crate::sync::lasting::{AtomicU64, Ordering};

/// The milliseconds between two automatic publications of a ring.
const PAUSE: u64 = 1000;

static METADATA: Metadata<'static> = Metadata::new("ring_cache", Level::INFO, None);

/// The histogram of a ring, and the time of its last publication.
#[derive(Debug)]
pub(crate) struct Published {
    at: AtomicU64,
    /// Allocated once, so that a computation allocates nothing for it.
    duration: Key,
}

impl Published {
    pub(crate) fn of(ring: &'static str) -> Self {
        let labels = vec![Label::from_static_parts("ring", ring)];
        Published {
            at: AtomicU64::new(0),
            duration: Key::from_parts("ring_cache.compute.duration", labels),
        }
    }

    /// Records the time of a body.
    pub(crate) fn duration(&self, took: Duration) {
        with_recorder(|recorder| {
            let histogram = recorder.register_histogram(&self.duration, &METADATA);
            histogram.record(took.as_secs_f64());
        });
    }

    /// Whether the pause is over. If so, restarts it.
    pub(crate) fn is_due(&self) -> bool {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let now = PAUSE + u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.at.load(Ordering::Relaxed);
        let begin_anew = || {
            self.at
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
        };
        now >= last.saturating_add(PAUSE) && begin_anew().is_ok()
    }
}
