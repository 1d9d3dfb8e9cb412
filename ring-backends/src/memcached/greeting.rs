//! The first words on a connection: whether a memcached listens there, and one that is new enough.
//!
//! One that does not know the commands would take the bytes of values for further commands.

use std::io;

use super::inbox::Inbox;

pub(super) const GREETING: &[u8] = b"mn\r\nversion\r\n";

/// The first version whose commands read as they do today.
const OLDEST: [u32; 3] = [1, 6, 10];

/// What has come in return for the greeting.
#[derive(Default)]
pub(super) struct Greeted {
    lines: Vec<String>,
}

impl Greeted {
    /// Takes what has come. Returns whether that was all.
    pub(super) fn take(&mut self, inbox: &mut Inbox) -> io::Result<bool> {
        while self.lines.len() < 2 {
            match inbox.line().map_err(io::Error::other)? {
                None => return Ok(false),
                Some(line) => self.lines.push(line),
            }
            // One that is none may not answer the second.
            self.check()?;
        }
        Ok(true)
    }

    fn check(&self) -> io::Result<()> {
        let knows = self.lines[0] == "MN";
        match self.lines.get(1).map(|line| line.strip_prefix("VERSION ")) {
            None if knows => Ok(()),
            Some(Some(version)) if knows && !is_too_old(version) => Ok(()),
            _ => Err(io::Error::other(
                "memcached 1.6.10 or newer is needed, and something else answered",
            )),
        }
    }
}

fn is_too_old(version: &str) -> bool {
    let number = |part: &str| {
        let digits = part.split(|c: char| !c.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse::<u32>().ok())
    };
    let numbers: Option<Vec<_>> = version.split('.').take(3).map(number).collect();
    // One that counts otherwise is no memcached, but understood the first command.
    numbers.is_some_and(|numbers| numbers.as_slice() < OLDEST.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeted(reply: &str) -> io::Result<bool> {
        let mut inbox = Inbox::default();
        inbox.space()[..reply.len()].copy_from_slice(reply.as_bytes());
        inbox.filled(reply.len());
        Greeted::default().take(&mut inbox)
    }

    #[test]
    fn old_ones_and_others_are_left_alone() {
        for reply in [
            "MN\r\nVERSION 1.6.18\r\n",
            "MN\r\nVERSION 1.6.10_2\r\n",
            "MN\r\nVERSION proxy\r\n",
        ] {
            assert!(greeted(reply).unwrap(), "{reply}");
        }
        for reply in ["", "MN\r\n", "MN\r\nVERSION 1.6.9"] {
            assert!(!greeted(reply).unwrap(), "{reply}");
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
            assert!(greeted(reply).is_err(), "{reply}");
        }
    }
}
