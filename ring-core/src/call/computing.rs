//! A body that runs for the cache: measured, reported, and known to the calls inside of it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use super::context::CallContext;
use crate::account::Use;
use crate::flights::{Leader, Scope, ScopeGuard, Scoped};
use crate::observer;
use crate::ring::Ring;
use crate::spans::{Entered, Span};
use crate::storage::View;

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
    began: Instant,
    /// Whether the entry is still there, but out of date.
    is_refresh: bool,
}

/// The body runs. Dropped at its end.
pub(crate) struct Running<'c> {
    _scope: ScopeGuard,
    _span: Entered,
    measure: Measure<'c>,
}

impl<V, S: View<V>> CallContext<V, S> {
    /// The computation of a leader. Its time begins now.
    pub(crate) fn computing(&self, leader: &Leader<'_, S::Held>) -> Computing<'_> {
        Computing {
            scope: leader.computing(),
            span: Span::of(self.ring, leader.key()),
            measure: Measure {
                ring: self.ring,
                used: self.used(),
                began: Instant::now(),
                is_refresh: false,
            },
        }
    }
}

impl<'c> Computing<'c> {
    /// The same for an entry that is still there, if that is so.
    pub(crate) fn of_refresh(mut self, is_refresh: bool) -> Self {
        self.measure.is_refresh = is_refresh;
        self
    }

    /// Runs the body on this thread until the result is dropped.
    pub(crate) fn enter(self) -> Running<'c> {
        Running {
            _scope: self.scope.enter(),
            _span: self.span.enter(),
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
    fn end(&self) {
        let (took, ring) = (self.began.elapsed(), self.ring.name().as_str());
        self.used.counters.computed(took);
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

/// A body that panicked did not run to its end.
impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.measure.end();
        }
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
