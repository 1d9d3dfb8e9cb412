//! Reduction to the fewest steps that still show a divergence.

use std::time::{Duration, Instant};

use crate::beside::{Divergence, World, run};
use crate::step::{Setup, Step};

/// The time limit.
const PATIENCE: Duration = Duration::from_secs(20);

/// Omits as many steps as it can, and returns the rest with its result.
pub(crate) fn shrink(
    world: &World,
    setup: &Setup,
    mut steps: Vec<Step>,
    mut divergence: Divergence,
) -> (Vec<Step>, Divergence) {
    let end = Instant::now() + PATIENCE;
    let mut length = steps.len();
    while length > 0 {
        let mut start = 0;
        while start < steps.len() && Instant::now() < end {
            let mut fewer = steps.clone();
            fewer.drain(start..steps.len().min(start + length));
            match run(world, setup, fewer.iter().copied()) {
                Err(same) => (steps, divergence) = (fewer, same),
                Ok(()) => start += length,
            }
        }
        length /= 2;
    }
    (steps, divergence)
}
