//! Writes whose replies nobody waits for any more: the server may do them yet, and later than what it is asked on other
//! connections. So nothing is written before it has replied to them, or their connections have ended.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use event_listener::{Event, EventListener};
use socket2::SockRef;

/// How long a reply is waited for at most. A connection that says nothing for so long is taken for lost.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// A server that answers on a new connection does within this time what it was asked before, if it ever heard of it. It is
/// asked for a sign of life as often, and given as long for it.
pub(super) const GRACE: Duration = Duration::from_millis(100);

/// A connection that is given up takes along what the system has not sent yet: otherwise a write would reach the server when
/// newer ones have.
pub(super) fn without_lingering<'s, S>(stream: &'s S) -> io::Result<()>
where
    SockRef<'s>: From<&'s S>,
{
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

#[derive(Default)]
pub(super) struct Doubts {
    count: AtomicUsize,
    settled: Event,
}

/// A write in doubt, until this is dropped.
pub(super) struct Doubt(Arc<Doubts>);

impl Doubts {
    pub(super) fn begin(self: &Arc<Self>) -> Doubt {
        self.count.fetch_add(1, Ordering::SeqCst);
        Doubt(Arc::clone(self))
    }

    /// What to wait for before asking again, if there are doubts.
    pub(super) fn unsettled(&self) -> Option<EventListener> {
        if self.count.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let settled = self.settled.listen();
        (self.count.load(Ordering::SeqCst) > 0).then_some(settled)
    }
}

impl Drop for Doubt {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.settled.notify(usize::MAX);
        }
    }
}
