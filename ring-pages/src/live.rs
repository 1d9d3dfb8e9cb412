//! The handle of a response that is under way: whoever waits for it drives it.

use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;

use crate::BoxFuture;
use crate::flow::{End, Flow, Head};

/// A response that is under way, and the future that makes it.
pub(crate) struct Live {
    pub(crate) flow: Arc<Flow>,
    driver: Mutex<Driver>,
    /// Ends its place among the heads.
    at_end: Mutex<Option<AtEnd>>,
}

enum Driver {
    Idle(BoxFuture<()>),
    /// Some task polls it; `is_missed` is whether another one wanted to.
    Busy {
        is_missed: bool,
    },
    Gone,
}

/// What is done when a response is gone.
pub(crate) type AtEnd = Box<dyn FnOnce() + Send>;

impl Live {
    pub(crate) fn new(flow: Arc<Flow>, driver: BoxFuture<()>, at_end: Option<AtEnd>) -> Arc<Self> {
        Arc::new(Live {
            flow,
            driver: Mutex::new(Driver::Idle(driver)),
            at_end: Mutex::new(at_end),
        })
    }

    /// Lets the response go on. The task is woken when there is something new.
    pub(crate) fn drive(&self, context: &Context<'_>) {
        let wakers = &self.flow.wakers;
        wakers.register(context);
        let Some(mut driver) = self.take() else { return };
        let poll = Polling {
            live: self,
            is_done: false,
        };
        // All readers are woken: this one may be dropped, or not be polled again.
        let waker = Waker::from(Arc::clone(wakers));
        let polled = driver.as_mut().poll(&mut Context::from_waker(&waker));
        poll.ended(polled.is_pending().then_some(driver));
    }

    fn take(&self) -> Option<BoxFuture<()>> {
        let mut driver = self.driver.lock();
        match std::mem::replace(&mut *driver, Driver::Busy { is_missed: false }) {
            Driver::Idle(future) => Some(future),
            Driver::Busy { .. } => {
                *driver = Driver::Busy { is_missed: true };
                None
            }
            Driver::Gone => {
                *driver = Driver::Gone;
                None
            }
        }
    }

    /// Waits for the head, or for an end without one.
    pub(crate) async fn head(&self) -> Option<Arc<Head>> {
        self.until(|flow| match flow.head() {
            Some(head) => Some(Some(head)),
            None => flow.end().map(|_| None),
        })
        .await
    }

    /// Waits for the end, or for the body to become too large.
    pub(crate) async fn whole(&self) -> Option<End> {
        self.until(|flow| match flow.end() {
            None if flow.is_passing() => Some(None),
            end => end.map(Some),
        })
        .await
    }

    /// Lets it go on as far as it can without waiting.
    pub(crate) async fn drive_once(&self) {
        poll_fn(|context| {
            self.drive(context);
            Poll::Ready(())
        })
        .await;
    }

    async fn until<T>(&self, mut is_there: impl FnMut(&Flow) -> Option<T>) -> T {
        poll_fn(|context| {
            if let Some(found) = is_there(&self.flow) {
                return Poll::Ready(found);
            }
            self.drive(context);
            is_there(&self.flow).map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// One poll of the driver. If it panics, the response has failed.
struct Polling<'l> {
    live: &'l Live,
    is_done: bool,
}

impl Polling<'_> {
    fn ended(mut self, driver: Option<BoxFuture<()>>) {
        self.is_done = driver.is_some();
        let next = driver.map_or(Driver::Gone, Driver::Idle);
        let before = std::mem::replace(&mut *self.live.driver.lock(), next);
        if matches!(before, Driver::Busy { is_missed: true }) {
            self.live.flow.wakers.wake_by_ref();
        }
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            *self.live.driver.lock() = Driver::Gone;
            self.live.flow.finish(End::Failed);
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.at_end.get_mut().take().into_iter().for_each(|end| end());
    }
}

/// What the ring of heads holds: the response goes when its readers do, and a call that waited for its head still finds a
/// page that was whole by then.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) flow: Arc<Flow>,
    live: Weak<Live>,
}

impl Handle {
    pub(crate) fn of(live: &Arc<Live>) -> Self {
        Handle {
            flow: Arc::clone(&live.flow),
            live: Arc::downgrade(live),
        }
    }

    /// The response, if it is still under way.
    pub(crate) fn live(&self) -> Option<Arc<Live>> {
        self.live.upgrade()
    }

    /// Whether both are of one response.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.flow, &other.flow)
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.live.strong_count() == 0
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("flow", &self.flow)
            .finish_non_exhaustive()
    }
}
