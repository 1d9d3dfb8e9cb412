//! What is particular to writes to memcached in doubt: see [`Doubts`].

use std::io;
use std::time::Duration;

use socket2::SockRef;

pub(super) use crate::remote::doubts::{Doubt, Doubts, GRACE, PATIENCE};

/// A connection that is given up takes along what the system has not sent yet: otherwise a write would reach the server when
/// newer ones have.
pub(super) fn without_lingering<'s, S>(stream: &'s S) -> io::Result<()>
where
    SockRef<'s>: From<&'s S>,
{
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}
