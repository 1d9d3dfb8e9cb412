//! Closing of connections.

use std::io;
use std::time::Duration;

use socket2::SockRef;

/// Makes closing discard unsent bytes: otherwise a write could reach the server after newer ones.
pub(super) fn without_lingering<'s, S>(stream: &'s S) -> io::Result<()>
where
    SockRef<'s>: From<&'s S>,
{
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}
