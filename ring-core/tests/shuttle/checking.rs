//! Running a scenario under many schedules.

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, Runner};

/// The default number of schedules of a scenario; `RING_CACHE_SCHEDULES` sets another.
const SCHEDULES: usize = 2_000;

/// The number of places in which a schedule of the second kind changes its order.
const TURNS: usize = 3;

/// Makes a test of a scenario over each of these storages.
macro_rules! scenario {
    ($scenario:ident over $($storage:ident),+) => {
        mod $scenario {
            $(
                #[test]
                fn $storage() {
                    crate::checking::check(|| super::$scenario(&crate::world::World::$storage()));
                }
            )+
        }
    };
}
pub(crate) use scenario;

/// Checks a scenario under half of the schedules each of two kinds: random ones, and priorities that change in few
/// places, which find faults that need a very late thread. With `RING_CACHE_REPLAY`, under that schedule only.
pub(crate) fn check(scenario: fn()) {
    if let Ok(schedule) = std::env::var("RING_CACHE_REPLAY") {
        run(ReplayScheduler::new_from_encoded(&schedule), scenario);
        return;
    }
    let schedules = std::env::var("RING_CACHE_SCHEDULES").map_or(SCHEDULES, |schedules| {
        schedules.parse().expect("RING_CACHE_SCHEDULES is a number")
    });
    let random = schedules / 2;
    run(RandomScheduler::new(random), scenario);
    run(PctScheduler::new(TURNS + 1, schedules - random), scenario);
}

fn run(scheduler: impl Scheduler + 'static, scenario: fn()) {
    let mut config = Config::new();
    // Enough for code that is not optimised.
    config.stack_size = 1 << 20;
    // docs/testing.md documents that weaker orderings are not modelled.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(scenario);
}
