//! A timer that may fire at any moment, and always fires in the end.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};

/// Others get at most two to this power turns before a timer fires.
const LONGEST: u32 = 7;

/// futures-timer's `Delay`. The schedule decides when it fires, independent of its duration: some fire at once, some
/// after most other steps.
pub(crate) struct Delay {
    turns: u32,
}

impl Delay {
    pub(crate) fn new(_: Duration) -> Self {
        let turns = (1 << thread_rng().gen_range(0..=LONGEST)) - 1;
        Delay { turns }
    }
}

impl Future for Delay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(left) = self.turns.checked_sub(1) else {
            return Poll::Ready(());
        };
        self.turns = left;
        // Wakes the task, and lets others go first.
        pin!(shuttle::future::yield_now()).poll(context)
    }
}
