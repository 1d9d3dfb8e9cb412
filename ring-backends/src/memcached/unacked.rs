//! Writes without a reply that no call waits for any more: the server may still do them, later than commands on other
//! connections. So nothing is written before it has replied to them, or their connections have ended.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use event_listener::{Event, EventListener};
use socket2::SockRef;

/// The longest wait for the replies. A connection that is silent for longer counts as lost.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(5);
/// A server that answers on a new connection does within this time what it received before. New connections are tried at
/// this interval, each for this long.
pub(super) const PROBE: Duration = Duration::from_millis(100);

/// Closing a connection discards what the system has not sent yet: otherwise a write could reach the server after newer
/// ones.
pub(super) fn without_lingering<'s, S>(stream: &'s S) -> io::Result<()>
where
    SockRef<'s>: From<&'s S>,
{
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

/// The unacknowledged writes of one server.
#[derive(Default)]
pub(super) struct UnackedWrites {
    count: AtomicUsize,
    settled: Event,
}

/// An unacknowledged write, until this is dropped.
pub(super) struct UnackedWrite(Arc<UnackedWrites>);

impl UnackedWrites {
    pub(super) fn begin(self: &Arc<Self>) -> UnackedWrite {
        self.count.fetch_add(1, Ordering::SeqCst);
        UnackedWrite(Arc::clone(self))
    }

    /// Notified when there are none any more, if there are any.
    pub(super) fn settled(&self) -> Option<EventListener> {
        if self.count.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let settled = self.settled.listen();
        (self.count.load(Ordering::SeqCst) > 0).then_some(settled)
    }
}

impl Drop for UnackedWrite {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.settled.notify(usize::MAX);
        }
    }
}
