//! Running a scenario under many schedules.

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, Runner};

/// How many schedules a scenario is checked under, if `RING_CACHE_SCHEDULES` does not say.
const SCHEDULES: usize = 2_000;

/// In so many places a schedule of the second kind turns from the order that it began with.
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

/// Checks a scenario under half of the schedules each of two kinds: at random, and by priorities that change in few
/// places, which finds what needs somebody to be very late. With `RING_CACHE_REPLAY`, under that one schedule only.
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
    // That weaker orderings are not modelled is said in docs/testing.md.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(scenario);
}
