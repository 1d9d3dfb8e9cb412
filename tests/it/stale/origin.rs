//! The origin of the cached values, for the tests of stale values and of their refreshes in the background.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ring_cache::clock::ManualClock;
use ring_cache::{Lru, RingKey};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// The `expire` of the rings.
pub(super) const TILL_STALE: Duration = Duration::from_secs(10);
/// Their `expire` and `stale` together.
pub(super) const TILL_DEAD: Duration = Duration::from_secs(70);

/// An origin with numbered answers that can be down.
#[derive(Clone, RingKey)]
pub(super) struct Origin {
    #[ring_key(skip)]
    pub(super) state: Arc<State>,
    #[ring_key(skip)]
    pub(super) values: Arc<Lru<u32>>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) answers: AtomicU32,
    pub(super) is_down: AtomicBool,
    pub(super) clock: ManualClock,
    pub(super) slow: Mutex<()>,
}

impl Origin {
    pub(super) fn new() -> Self {
        let state = Arc::new(State::default());
        let values = Lru::builder().capacity(100).clock(state.clock.clone()).build();
        Origin {
            state,
            values: Arc::new(values),
        }
    }

    pub(super) fn answer(&self) -> Result<u32, String> {
        drop(self.state.slow.lock().unwrap());
        if self.state.is_down.load(SeqCst) {
            return Err("down".into());
        }
        Ok(self.state.answers.fetch_add(1, SeqCst) + 1)
    }

    pub(super) fn wait(&self, time: Duration) {
        self.state.clock.advance(time);
    }

    pub(super) fn go_down(&self) {
        self.state.is_down.store(true, SeqCst);
    }
}
