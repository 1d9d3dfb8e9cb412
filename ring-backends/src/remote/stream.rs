//! A blocking connection to a server, by TCP or a Unix socket.

use std::io::{self, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A blocking connection to a server.
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

macro_rules! on {
    ($stream:expr, $name:ident => $does:expr) => {
        match $stream {
            Stream::Tcp($name) => $does,
            #[cfg(unix)]
            Stream::Unix($name) => $does,
        }
    };
}

impl Stream {
    /// Limits the time of each read and each write.
    pub(crate) fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        on!(self, stream => stream.set_read_timeout(Some(timeout)))?;
        on!(self, stream => stream.set_write_timeout(Some(timeout)))
    }

    #[cfg(feature = "memcached")]
    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        on!(self, stream => stream.set_nonblocking(nonblocking))
    }
}

impl Read for Stream {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        on!(self, stream => stream.read(space))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        on!(self, stream => stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        on!(self, stream => stream.flush())
    }
}
