//! I1 among threads: after a writer returned, no later call returns an older value.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ring_cache::{Lru, Map, ring_impl};

const KEYS: usize = 3;

#[derive(Default)]
struct Service {
    rows: [AtomicU64; KEYS],
    lru: Lru<u64>,
    map: Map<u64>,
}

#[ring_impl(ignore(self))]
impl Service {
    #[ring(lru = self.lru)]
    fn in_lru(&self, id: usize) -> u64 {
        self.read(id)
    }

    #[ring(map = self.map)]
    fn in_map(&self, id: usize) -> u64 {
        self.read(id)
    }

    #[ring(lru = self.lru, coalesce = false)]
    fn alone(&self, id: usize) -> u64 {
        self.read(id)
    }

    #[ring(invalidates(self.in_lru(id), self.in_map(id), self.alone(id)))]
    fn write(&self, id: usize) -> u64 {
        self.rows[id].fetch_add(1, Ordering::SeqCst) + 1
    }

    #[ring(invalidates(self.in_lru(..), self.in_map(..), |id| self.alone(*id)))]
    fn write_all(&self, id: usize) -> usize {
        self.rows[id].fetch_add(1, Ordering::SeqCst);
        id
    }

    fn read(&self, id: usize) -> u64 {
        let row = self.rows[id].load(Ordering::SeqCst);
        // A computation takes its time, in which writers come and go.
        if row.is_multiple_of(3) {
            thread::yield_now();
        }
        row
    }
}

#[test]
fn i1_no_later_call_returns_an_older_value() {
    let (service, stopped) = (Service::default(), AtomicBool::new(false));
    // The newest row of each key whose writer has returned.
    let written: [AtomicU64; KEYS] = Default::default();
    let seconds = std::env::var("RING_CACHE_STRESS")
        .ok()
        .and_then(|text| text.parse().ok());
    let until = Instant::now() + Duration::from_millis(seconds.map_or(500, |seconds: u64| seconds * 1_000));
    thread::scope(|scope| {
        for number in 0..2 {
            let (service, written, stopped) = (&service, &written, &stopped);
            scope.spawn(move || {
                for round in 0.. {
                    let id = (round + number) % KEYS;
                    let before = service.rows[id].load(Ordering::SeqCst);
                    let row = if round % 5 == 0 {
                        service.write_all(id);
                        before + 1
                    } else {
                        service.write(id)
                    };
                    written[id].fetch_max(row, Ordering::SeqCst);
                    if stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    thread::yield_now();
                }
            });
        }
        for number in 0..3 {
            let (service, written, stopped) = (&service, &written, &stopped);
            scope.spawn(move || {
                for round in 0.. {
                    let id = (round + number) % KEYS;
                    let least = written[id].load(Ordering::SeqCst);
                    let found = [service.in_lru(id), service.in_map(id), service.alone(id)];
                    let is_old = found.iter().any(|found| *found < least);
                    if is_old || Instant::now() > until {
                        stopped.store(true, Ordering::Relaxed);
                    }
                    assert!(!is_old, "{found:?} of key {id}, where {least} was acknowledged");
                    if stopped.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
    });
    assert!(service.in_lru_cache().stats().hits > 0, "some calls are hits");
}
