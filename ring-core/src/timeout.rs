//! The limit of the time that a plain call waits for a body: the option `timeout`.

use std::fmt;
use std::time::Duration;

/// A plain call of a ring with `timeout` has waited for the body for that time. The body runs on in the background, and its
/// value is stored.
///
/// The method's error is made from it by `From`:
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::TimedOut;
///
/// #[derive(Debug)]
/// enum Error {
///     Slow(TimedOut),
/// }
///
/// impl From<TimedOut> for Error {
///     fn from(timed_out: TimedOut) -> Self {
///         Error::Slow(timed_out)
///     }
/// }
/// ```
///
/// `Box<dyn Error + Send + Sync>`, and the errors of the crates anyhow and eyre, already implement it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    ring: &'static str,
    timeout: Duration,
}

impl TimedOut {
    pub(crate) fn new(ring: &'static str, timeout: Duration) -> Self {
        TimedOut { ring, timeout }
    }

    /// The name of the ring.
    pub fn ring(&self) -> &'static str {
        self.ring
    }

    /// The time that the call waited.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: no value after {:?}", self.ring, self.timeout)
    }
}

impl std::error::Error for TimedOut {}

/// A result that can express that a call timed out.
#[diagnostic::on_unimplemented(
    message = "`timeout` needs an error that can be made of `TimedOut`",
    label = "no `Result` whose error is `From<ring_cache::TimedOut>`",
    note = "write `impl From<ring_cache::TimedOut> for YourError`, or leave out `timeout`"
)]
pub trait Overdue {
    /// The result of a call that timed out.
    fn overdue(timed_out: TimedOut) -> Self;
}

#[diagnostic::do_not_recommend]
impl<V, E: From<TimedOut>> Overdue for Result<V, E> {
    fn overdue(timed_out: TimedOut) -> Self {
        Err(timed_out.into())
    }
}
