//! The handshake of a connection: checks that the server is memcached, in a supported version.
//!
//! A server that does not know the commands would execute the bytes of values as commands.

use std::io;

use super::reply_buffer::ReplyBuffer;

pub(super) const HANDSHAKE: &[u8] = b"mn\r\nversion\r\n";

/// The first version with all commands that are used.
const OLDEST: [u32; 3] = [1, 6, 10];

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
        let knows = self.lines[0] == "MN";
        match self.lines.get(1).map(|line| line.strip_prefix("VERSION ")) {
            None if knows => Ok(()),
            Some(Some(version)) if knows && !is_too_old(version) => Ok(()),
            _ => Err(io::Error::other("the server is not memcached 1.6.10 or newer")),
        }
    }
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
