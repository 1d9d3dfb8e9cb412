//! A body that runs for the cache: measured, reported, and known to the calls inside of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::context::CallContext;
use crate::account::Use;
use crate::body::Body;
use crate::flights::{Leader, Scope, ScopeGuard, Scoped, UntypedLeader};
use crate::observer;
use crate::ring::Ring;
use crate::spans::{Entered, Span};
use crate::stats::Timed;
use crate::stats::cells::Counter;
use crate::storage::{StorageBase, View};

/// The computation of a leader, before its body runs.
pub(crate) struct Computing<'c> {
    scope: Scope,
    span: Span,
    measure: Measure<'c>,
}

/// Measures a body.
struct Measure<'c> {
    ring: &'static Ring,
    used: &'c Use,
    timed: Option<Timed>,
    /// Whether the entry is still there, but out of date.
    is_refresh: bool,
}

/// A body runs on this thread. If it panics, it is not measured.
pub(super) struct Running<'c> {
    // Left in this order.
    _scope: ScopeGuard,
    _span: Entered,
    measure: Measure<'c>,
}

impl Running<'_> {
    /// The body has returned.
    // Debug builds compile it once, and release builds inline it in every miss.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn end(self) {
        self.measure.end();
    }
}

impl<V, S: View<V>> CallContext<V, S> {
    /// The computation of a leader. Its time begins now.
    pub(crate) fn computing(&self, leader: &Leader<'_, S::Stored>) -> Computing<'_> {
        self.computing_for(self.used(), leader)
    }

    /// [`computing`](Self::computing) for this use of the storage.
    #[inline]
    pub(super) fn computing_for<'u>(&self, used: &'u Use, leader: &Leader<'_, S::Stored>) -> Computing<'u> {
        if S::TAGGED {
            self.storage().fix_version(leader.key());
            leader.set_version(self.version(leader.key()));
        }
        Computing::new(self.ring, used, leader)
    }
}

impl<'c> Computing<'c> {
    // Debug builds compile it once, and release builds inline it in every miss.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn new(ring: &'static Ring, used: &'c Use, leader: &UntypedLeader<'_>) -> Self {
        let times_all = cfg!(feature = "metrics") || observer::is_there() || ring.needs_times();
        Computing {
            scope: leader.computing(),
            span: Span::of(ring, leader.key()),
            measure: Measure {
                ring,
                used,
                timed: used.time(times_all),
                is_refresh: false,
            },
        }
    }

    /// The same for an entry that is still there, if that is so.
    pub(crate) fn of_refresh(mut self, is_refresh: bool) -> Self {
        self.measure.is_refresh = is_refresh;
        self
    }

    /// Runs the body on this thread. A body that panics is not measured.
    #[inline(always)]
    pub(crate) fn run<B: Body>(self, body: B) -> B::Out {
        let running = self.begin();
        let out = body.run();
        running.end();
        out
    }

    /// Begins to run a body on this thread.
    // Debug builds compile it once, and release builds inline it in every miss.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn begin(self) -> Running<'c> {
        let span = self.span.enter();
        Running {
            _scope: self.scope.enter(),
            _span: span,
            measure: self.measure,
        }
    }

    /// Runs a body that is a future.
    pub(crate) fn around<F: Future + Unpin>(self, body: F) -> Measured<'c, F> {
        Measured {
            body: self.scope.around(body),
            span: self.span,
            measure: self.measure,
        }
    }
}

impl Measure<'_> {
    #[inline]
    fn end(&self) {
        self.used.count(Counter::Computed);
        if let Some(timed) = self.timed {
            self.tell(timed);
        }
    }

    fn tell(&self, timed: Timed) {
        let (took, ring) = (timed.took(), self.ring.name().as_str());
        self.used.counters.took(timed, took);
        self.ring.note_time(took);
        #[cfg(feature = "metrics")]
        crate::metrics::computed(self.ring, took);
        observer::each(|observer| {
            observer.computed(ring, took);
            if self.is_refresh {
                observer.refreshed(ring, took);
            }
        });
    }
}

/// See [`Computing::around`].
pub(crate) struct Measured<'c, F> {
    body: Scoped<F>,
    span: Span,
    measure: Measure<'c>,
}

impl<F: Future + Unpin> Future for Measured<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Measured { body, span, measure } = &mut *self;
        span.around(|| {
            let polled = Pin::new(body).poll(context);
            if polled.is_ready() {
                measure.end();
            }
            polled
        })
    }
}
