//! The handshake of a connection: checks that the server is memcached, in a supported version.
//!
//! A server that does not know the commands would execute the bytes of values as commands.

use std::io;

use super::reply_buffer::ReplyBuffer;
use crate::remote::unopened::Unopened;

pub(super) const HANDSHAKE: &[u8] = b"mn\r\nversion\r\n";

/// The first version with all commands that are used.
const OLDEST: [u32; 3] = [1, 6, 10];

/// The reply of a server that has as many clients as it may have.
const FULL: &str = "ERROR Too many open connections";

/// The reply of a server that was started with passwords (`-Y`).
const UNAUTHENTICATED: &str = "CLIENT_ERROR unauthenticated";

/// The replies to the [`HANDSHAKE`] so far.
#[derive(Default)]
pub(super) struct Handshake {
    lines: Vec<String>,
}

impl Handshake {
    /// Takes the replies that are complete. Returns whether these are all.
    pub(super) fn take(&mut self, buffer: &mut ReplyBuffer) -> io::Result<bool> {
        while self.lines.len() < 2 {
            match buffer.line().map_err(io::Error::other)? {
                None => return Ok(false),
                Some(line) => self.lines.push(line),
            }
            // Another server may not answer the second command.
            self.check()?;
        }
        Ok(true)
    }

    fn check(&self) -> io::Result<()> {
        if self.lines[0] == FULL {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, FULL));
        }
        if self.lines[0] == UNAUTHENTICATED {
            return Err(io::Error::other(
                "the server wants a password, which is not supported",
            ));
        }
        let knows = self.lines[0] == "MN";
        match self.lines.get(1).map(|line| line.strip_prefix("VERSION ")) {
            None if knows => Ok(()),
            Some(Some(version)) if knows && !is_too_old(version) => Ok(()),
            _ => Err(io::Error::other("the server is not memcached 1.6.10 or newer")),
        }
    }
}

/// Why a connection could not be opened.
pub(super) fn unopened(error: io::Error) -> Unopened {
    let is_full = error.kind() == io::ErrorKind::QuotaExceeded || Unopened::is_of_this_process(&error);
    let unopened = if is_full { Unopened::Full } else { Unopened::Failed };
    unopened(error.to_string())
}

fn is_too_old(version: &str) -> bool {
    let number = |part: &str| {
        let digits = part.split(|c: char| !c.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse::<u32>().ok())
    };
    let numbers: Option<Vec<_>> = version.split('.').take(3).map(number).collect();
    // Another version scheme: not memcached itself, but the server knew the first command.
    numbers.is_some_and(|numbers| numbers.as_slice() < OLDEST.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(reply: &str) -> io::Result<bool> {
        let mut buffer = ReplyBuffer::default();
        buffer.space()[..reply.len()].copy_from_slice(reply.as_bytes());
        buffer.filled(reply.len());
        Handshake::default().take(&mut buffer)
    }

    #[test]
    fn a_server_without_room_is_no_other_server() {
        let full = unopened(handshake("ERROR Too many open connections\r\n").unwrap_err());
        assert!(matches!(full, Unopened::Full(_)), "{full}");
        let failed = unopened(handshake("ERROR\r\n").unwrap_err());
        assert!(matches!(failed, Unopened::Failed(_)), "{failed}");
    }

    #[test]
    fn old_and_other_servers_are_refused() {
        for reply in [
            "MN\r\nVERSION 1.6.18\r\n",
            "MN\r\nVERSION 1.6.10_2\r\n",
            "MN\r\nVERSION proxy\r\n",
        ] {
            assert!(handshake(reply).unwrap(), "{reply}");
        }
        for reply in ["", "MN\r\n", "MN\r\nVERSION 1.6.9"] {
            assert!(!handshake(reply).unwrap(), "{reply}");
        }
        let asked = handshake("CLIENT_ERROR unauthenticated\r\n").unwrap_err();
        assert!(asked.to_string().contains("password"), "{asked}");
        let wrong = [
            "ERROR\r\n",
            "MN\r\nVERSION 1.6.9\r\n",
            "MN\r\nVERSION 1.5.22\r\n",
            "MN\r\nERROR\r\n",
            "-ERR unknown command\r\n",
            "HTTP/1.1 400 Bad Request\r\n",
        ];
        for reply in wrong {
            assert!(handshake(reply).is_err(), "{reply}");
        }
    }
}
