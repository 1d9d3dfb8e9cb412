//! Unacknowledged writes: no call waits for their replies, and the server may execute them after commands on other
//! connections. So the next change waits until the server has replied to them, or their connections have ended.

use std::collections::BTreeSet;
#[cfg(feature = "tokio")]
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use event_listener::{Event, EventListener, Listener};
use parking_lot::Mutex;

use super::Fault;
#[cfg(feature = "tokio")]
use crate::real_time;

/// The longest wait for the replies. A connection that is silent for longer counts as lost.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// A server that answers on a new connection executes earlier requests within this time. New connections are tried at this
/// interval, each for this long.
const PROBE: Duration = Duration::from_millis(100);

/// The unacknowledged writes of one server.
#[derive(Default)]
pub(crate) struct UnackedWrites {
    numbers: Mutex<Numbers>,
    /// Notified when one is settled.
    settled: Event,
}

#[derive(Default)]
struct Numbers {
    unsettled: BTreeSet<u64>,
    next: u64,
}

/// An unacknowledged write. Dropping this settles it.
pub(crate) struct UnackedWrite {
    writes: Arc<UnackedWrites>,
    number: u64,
}

impl UnackedWrites {
    pub(crate) fn begin(self: &Arc<Self>) -> UnackedWrite {
        let mut numbers = self.numbers.lock();
        let number = numbers.next;
        numbers.next += 1;
        numbers.unsettled.insert(number);
        UnackedWrite {
            writes: Arc::clone(self),
            number,
        }
    }

    /// Waits for the current unacknowledged writes, and not for later ones.
    pub(crate) fn wait(&self, until: Instant) -> Result<(), Fault> {
        let before = self.numbers.lock().next;
        while let Some(settled) = self.unsettled(before) {
            let busy = || Fault::Busy("waiting for earlier changes took all the time".into());
            settled.wait_deadline(until).ok_or_else(busy)?;
        }
        Ok(())
    }

    /// [`wait`](Self::wait), awaited.
    #[cfg(feature = "tokio")]
    pub(crate) async fn wait_async(&self) {
        let before = self.numbers.lock().next;
        while let Some(settled) = self.unsettled(before) {
            settled.await;
        }
    }

    /// Listens, if a write with a number less than `before` is unsettled.
    fn unsettled(&self, before: u64) -> Option<EventListener> {
        let numbers = self.numbers.lock();
        let is_unsettled = numbers.unsettled.first().is_some_and(|first| *first < before);
        // Listens under the lock, so that the end of the write is not missed.
        is_unsettled.then(|| self.settled.listen())
    }
}

impl UnackedWrite {
    /// Waits on its own thread while the write may still take effect: until `has_settled`, or a while after the server
    /// `answers` on another connection. Then closes the connection.
    pub(crate) fn settle<C: Send + 'static>(
        self,
        mut connection: C,
        has_settled: impl Fn(&mut C, Instant) -> bool + Send + 'static,
        answers: impl Fn(&C, Instant) -> bool + Send + 'static,
    ) {
        let settle = move || {
            let (over, mut is_last) = (Instant::now() + MAX_WAIT, false);
            while !has_settled(&mut connection, Instant::now() + PROBE) && !is_last && Instant::now() < over {
                is_last = answers(&connection, Instant::now() + PROBE);
            }
            drop(connection);
            drop(self);
        };
        drop(
            thread::Builder::new()
                .name("ring-cache settle".into())
                .spawn(settle),
        );
    }

    /// [`settle`](Self::settle), awaited: `settled` owns the connection, and `open_another` opens another one.
    #[cfg(feature = "tokio")]
    pub(crate) async fn settle_async<O, C, E>(
        self,
        settled: impl Future<Output = ()>,
        open_another: impl Fn() -> O,
    ) where
        O: Future<Output = Result<C, E>>,
    {
        let (over, mut is_last) = (Instant::now() + MAX_WAIT, false);
        let mut settled = pin!(settled);
        let probe = || Instant::now() + PROBE;
        while real_time::within(probe(), settled.as_mut()).await.is_none()
            && !is_last
            && Instant::now() < over
        {
            is_last = matches!(real_time::within(probe(), open_another()).await, Some(Ok(_)));
        }
    }
}

impl Drop for UnackedWrite {
    fn drop(&mut self) {
        self.writes.numbers.lock().unsettled.remove(&self.number);
        self.writes.settled.notify(usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writes_of_now_are_waited_for_and_not_later_ones() {
        let writes = Arc::new(UnackedWrites::default());
        let next = || writes.numbers.lock().next;
        assert!(writes.unsettled(next()).is_none());
        let (first, second) = (writes.begin(), writes.begin());
        let before = next();
        let later = writes.begin();
        drop(second);
        assert!(writes.unsettled(before).is_some());
        drop(first);
        assert!(writes.unsettled(before).is_none());
        assert!(writes.unsettled(next()).is_some());
        drop(later);
        assert!(writes.unsettled(next()).is_none());
    }
}
