//! A connection with timeouts, independent of the client under test.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

/// The most time of a running server on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The most time of one attempt among many.
pub(crate) const GLANCE: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
pub(crate) enum Address {
    Port(u16),
    Socket(PathBuf),
}

pub(crate) trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

impl Address {
    /// Connects. The attempt and each of the reads and writes that follow fail after `within`.
    pub(crate) fn connect(&self, within: Duration) -> io::Result<Box<dyn Stream>> {
        match self {
            Address::Port(port) => {
                let stream =
                    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, *port)), within)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(within))?;
                stream.set_write_timeout(Some(within))?;
                Ok(Box::new(stream))
            }
            #[cfg(unix)]
            Address::Socket(path) => {
                let stream = std::os::unix::net::UnixStream::connect(path)?;
                stream.set_read_timeout(Some(within))?;
                stream.set_write_timeout(Some(within))?;
                Ok(Box::new(stream))
            }
            #[cfg(not(unix))]
            Address::Socket(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}
