//! Spans and events of the crate `tracing`: without the feature `tracing`, nothing.

use crate::error::Error;
use crate::key::EncodedKey;
use crate::ring::Ring;

/// The span of one computation.
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    span: ::tracing::Span,
}

/// A thread is inside the span until this is dropped.
pub(crate) struct Entered {
    #[cfg(feature = "tracing")]
    _span: ::tracing::span::EnteredSpan,
}

#[cfg(feature = "tracing")]
impl Span {
    pub(crate) fn of(ring: &Ring, key: &EncodedKey) -> Self {
        let name = ring.name().as_str();
        let span = ::tracing::info_span!("ring.compute", ring = name, key = ::tracing::field::Empty);
        if crate::tracing::keys_are_recorded() && !span.is_disabled() {
            span.record("key", crate::key::key_text(key));
        }
        Span { span }
    }

    pub(crate) fn enter(self) -> Entered {
        Entered {
            _span: self.span.entered(),
        }
    }

    /// Runs code inside the span.
    #[inline]
    pub(crate) fn around<T>(&self, run: impl FnOnce() -> T) -> T {
        self.span.in_scope(run)
    }
}

#[cfg(not(feature = "tracing"))]
impl Span {
    #[inline]
    pub(crate) fn of(_: &Ring, _: &EncodedKey) -> Self {
        Span {}
    }

    #[inline]
    pub(crate) fn enter(self) -> Entered {
        Entered {}
    }

    /// Runs code inside the span.
    #[inline]
    pub(crate) fn around<T>(&self, run: impl FnOnce() -> T) -> T {
        run()
    }
}

/// An error, as an event. An open breaker is reported at the level `DEBUG`, since it affects each call.
#[cfg(feature = "tracing")]
pub(crate) fn failed(ring: &Ring, error: &Error) {
    let (ring, storage) = (ring.name().as_str(), error.storage_name());
    let (kind, operation) = (error.kind().as_str(), error.operation());
    if error.kind() == crate::ErrorKind::Unavailable {
        ::tracing::debug!(ring, storage, operation, kind, %error, "the cache failed");
    } else {
        ::tracing::error!(ring, storage, operation, kind, %error, "the cache failed");
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn failed(_: &Ring, _: &Error) {}

/// Warns of a storage that does not work, once.
#[cfg(feature = "tracing")]
pub(crate) fn warned(error: &Error) {
    let (storage, address) = (error.storage_name(), error.address());
    ::tracing::warn!(storage, address, %error, "a storage does not work, so calls compute without it");
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn warned(_: &Error) {}
