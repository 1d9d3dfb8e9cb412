//! Writes whose replies nobody waits for any more: the server may do them yet, and later than what it is asked on other
//! connections. So nothing is changed before it has replied to them, or their connections have ended.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use event_listener::{Event, EventListener};
use parking_lot::Mutex;

/// How long a reply is waited for at most. A connection that says nothing for so long is taken for lost.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// A server that answers on a new connection does within this time what it was asked before, if it ever heard of it. It is
/// asked for a sign of life as often, and given as long for it.
pub(crate) const GRACE: Duration = Duration::from_millis(100);

/// The writes in doubt of one server.
#[derive(Default)]
pub(crate) struct Doubts {
    numbers: Mutex<Numbers>,
    settled: Event,
}

#[derive(Default)]
struct Numbers {
    unsettled: BTreeSet<u64>,
    next: u64,
}

/// A write in doubt, until this is dropped.
pub(crate) struct Doubt {
    doubts: Arc<Doubts>,
    number: u64,
}

/// The doubts that there were at some moment: later ones are not waited for.
#[derive(Clone, Copy)]
pub(crate) struct UpTo(u64);

impl Doubts {
    pub(crate) fn begin(self: &Arc<Self>) -> Doubt {
        let mut numbers = self.numbers.lock();
        let number = numbers.next;
        numbers.next += 1;
        numbers.unsettled.insert(number);
        Doubt {
            doubts: Arc::clone(self),
            number,
        }
    }

    /// Those that there are now.
    pub(crate) fn up_to_now(&self) -> UpTo {
        UpTo(self.numbers.lock().next)
    }

    /// What to wait for before asking again, if any of these is left.
    pub(crate) fn unsettled(&self, up_to: UpTo) -> Option<EventListener> {
        if !self.is_any_left(up_to) {
            return None;
        }
        let settled = self.settled.listen();
        self.is_any_left(up_to).then_some(settled)
    }

    fn is_any_left(&self, up_to: UpTo) -> bool {
        let numbers = self.numbers.lock();
        numbers.unsettled.first().is_some_and(|first| *first < up_to.0)
    }
}

impl Drop for Doubt {
    fn drop(&mut self) {
        self.doubts.numbers.lock().unsettled.remove(&self.number);
        self.doubts.settled.notify(usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_are_waited_for_that_there_were() {
        let doubts = Arc::new(Doubts::default());
        assert!(doubts.unsettled(doubts.up_to_now()).is_none());
        let (first, second) = (doubts.begin(), doubts.begin());
        let up_to = doubts.up_to_now();
        let later = doubts.begin();
        drop(second);
        assert!(doubts.unsettled(up_to).is_some());
        drop(first);
        assert!(doubts.unsettled(up_to).is_none());
        assert!(doubts.unsettled(doubts.up_to_now()).is_some());
        drop(later);
        assert!(doubts.unsettled(doubts.up_to_now()).is_none());
    }
}
