//! The bytes received from a server, and the replies in them.

use memcache::exp::{Error, MetaCommandResult, MetaResponse, ReturnCode, parse_meta_result};

/// A line is a word and flags: a longer one is not a reply.
const MAX_LINE: usize = 2048;
/// The largest value that memcached can be configured to take.
pub(super) const MAX_VALUE: usize = 1 << 30;
/// How many bytes are read at once, and kept by an idle connection.
const SPACE: usize = 16 * 1024;

/// A reply.
#[derive(Debug)]
pub(super) enum Reply {
    /// The result of the command.
    Done(MetaCommandResult),
    /// The server failed to execute the command. The next reply belongs to the next command.
    Failed(String),
    /// The server did not understand the command. The bytes after it have no known meaning.
    Rejected(String),
}

/// Received bytes that are not a complete reply yet.
#[derive(Debug, Default)]
pub(super) struct ReplyBuffer {
    /// Has room for the next read. Received bytes are between `start` and `end`.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// The length of the incomplete reply, if it is known.
    expected: usize,
    /// The number of replies so far.
    replies: usize,
}

impl ReplyBuffer {
    /// Whether there is no incomplete reply.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The room for the next bytes: at least one.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
        let room = SPACE.max(
            self.expected
                .saturating_sub(self.end - self.start)
                .min(64 * SPACE),
        );
        if self.bytes.len() - self.end < room && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.bytes.len() - self.end < room {
            self.bytes.resize(self.end + room, 0);
        }
        &mut self.bytes[self.end..]
    }

    /// To be called after `count` bytes were read into the [`space`](Self::space).
    pub(super) fn filled(&mut self, count: usize) {
        self.end += count;
    }

    /// The number of replies since the last [`reset`](Self::reset).
    pub(super) fn replies(&self) -> usize {
        self.replies
    }

    /// Does not count the last reply.
    pub(super) fn skip(&mut self) {
        self.replies -= 1;
    }

    /// Drops an incomplete reply.
    pub(super) fn discard(&mut self) {
        (self.start, self.end, self.expected) = (0, 0, 0);
    }

    /// Restarts the count of replies, and frees the memory of large ones.
    pub(super) fn reset(&mut self) {
        self.replies = 0;
        if self.bytes.len() > 4 * SPACE {
            *self = ReplyBuffer::default();
        }
    }

    /// A line without its end, if it is complete.
    pub(super) fn line(&mut self) -> Result<Option<String>, Error> {
        let Some(length) = self.line_length()? else {
            return Ok(None);
        };
        let line = String::from_utf8_lossy(trimmed(&self.unread()[..length])).into_owned();
        self.start += length;
        Ok(Some(line))
    }

    /// The next reply, if it is complete.
    pub(super) fn reply(&mut self) -> Result<Option<Reply>, Error> {
        if self.end - self.start < self.expected {
            return Ok(None);
        }
        let Some(length) = self.line_length()? else {
            return Ok(None);
        };
        let line = trimmed(&self.unread()[..length]);
        let response = match MetaResponse::parse_header(line) {
            Ok(response) => response,
            Err(refusal @ (Error::Server(_) | Error::Rejected(_))) => {
                self.start += length;
                self.replies += 1;
                return Ok(Some(Reply::from(refusal)));
            }
            Err(_) => {
                return Err(Error::Protocol("unknown or incomplete return code".into()));
            }
        };
        let value = match response.rc() {
            ReturnCode::Va => Some(value_length(line)?),
            _ => None,
        };
        self.expected = length + value.map_or(0, |value| value + 2);
        if self.end - self.start < self.expected {
            return Ok(None);
        }
        let parsed = parse_meta_result(response);
        let mut done = parsed.map_err(|_| Error::Protocol("invalid flag".into()))?;
        done.value = value.map(|value| self.value(length, value)).transpose()?;
        self.start += self.expected;
        self.expected = 0;
        self.replies += 1;
        Ok(Some(Reply::Done(done)))
    }

    fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    fn line_length(&self) -> Result<Option<usize>, Error> {
        let unread = self.unread();
        let line = &unread[..unread.len().min(MAX_LINE)];
        match line.iter().position(|byte| *byte == b'\n') {
            Some(end) => Ok(Some(end + 1)),
            None if line.len() == MAX_LINE => Err(Error::Protocol("a line that does not end".into())),
            None => Ok(None),
        }
    }

    fn value(&self, after: usize, length: usize) -> Result<Vec<u8>, Error> {
        let block = &self.unread()[after..after + length + 2];
        match block.strip_suffix(b"\r\n") {
            Some(value) => Ok(value.to_vec()),
            None => Err(Error::Protocol("a value that does not end".into())),
        }
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The length in `VA 3 t60`.
fn value_length(line: &[u8]) -> Result<usize, Error> {
    let line = String::from_utf8_lossy(line);
    let length = line
        .split_ascii_whitespace()
        .nth(1)
        .and_then(|length| length.parse().ok());
    length
        .filter(|length| *length <= MAX_VALUE)
        .ok_or_else(|| Error::Protocol("missing value length".into()))
}

impl From<Error> for Reply {
    fn from(refusal: Error) -> Self {
        match refusal {
            Error::Server(text) => Reply::Failed(shown("the server failed", &text)),
            Error::Rejected(text) => Reply::Rejected(shown("the server rejected the command", &text)),
            _ => Reply::Rejected("the server rejected the command".into()),
        }
    }
}

/// Beginnings of errors of servers. Only these are shown: a proxy may repeat what it received, values included.
const KNOWN: [&str; 9] = [
    "object too large",
    "out of memory",
    "bad data chunk",
    "bad command line format",
    "line too long",
    "invalid exptime argument",
    "too many open connections",
    "unauthenticated",
    "ERROR",
];

fn shown(what: &str, text: &str) -> String {
    match KNOWN.iter().find(|known| text.starts_with(**known)) {
        Some(known) => format!("{what}: {known}"),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut ReplyBuffer, mut bytes: &[u8], at_once: usize) {
        while !bytes.is_empty() {
            let space = buffer.space();
            let count = bytes.len().min(space.len()).min(at_once);
            space[..count].copy_from_slice(&bytes[..count]);
            buffer.filled(count);
            bytes = &bytes[count..];
        }
    }

    fn value(reply: Option<Reply>) -> Vec<u8> {
        match reply {
            Some(Reply::Done(done)) => done.value.expect("a value"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn replies_come_in_pieces() {
        let large = vec![b'\n'; 300_000];
        let stream = [
            b"VA 3 t60 O1\r\na\r\n\r\nEN O2\r\nVA 300000 O3\r\n",
            large.as_slice(),
            b"\r\nHD\r\n",
        ]
        .concat();
        for at_once in [1, 7, 1000, usize::MAX] {
            let (mut buffer, mut replies) = (ReplyBuffer::default(), Vec::new());
            for piece in stream.chunks(at_once.min(stream.len())) {
                fill(&mut buffer, piece, at_once);
                replies.extend(std::iter::from_fn(|| buffer.reply().unwrap()));
            }
            assert_eq!(replies.len(), 4);
            assert!(buffer.is_empty());
            let mut replies = replies.into_iter();
            assert_eq!(value(replies.next()), b"a\r\n");
            assert!(matches!(replies.next(), Some(Reply::Done(done)) if done.rc == ReturnCode::En));
            assert_eq!(value(replies.next()), large);
        }
    }

    #[test]
    fn other_bytes_are_an_error() {
        let long = "x".repeat(3000);
        for wrong in [
            "HTTP/1.1 400 Bad Request\r\n",
            "-ERR unknown command\r\n",
            "\r\n",
            "VA\r\n",
            "VA x\r\n",
            "VA -1\r\n",
            "VA 3\r\nabcde",
            "VA 99999999999999999999\r\n",
            "VA 1073741825\r\n",
            "HD tx\r\n",
            "\0\u{ff}\n",
            &long,
        ] {
            let mut buffer = ReplyBuffer::default();
            fill(&mut buffer, wrong.as_bytes(), usize::MAX);
            assert!(buffer.reply().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn refusals_are_replies() {
        let mut buffer = ReplyBuffer::default();
        fill(
            &mut buffer,
            b"SERVER_ERROR object too large\r\nCLIENT_ERROR bad\r\nERROR\r\nHD\r\n",
            1,
        );
        assert!(matches!(buffer.reply(), Ok(Some(Reply::Failed(text))) if text.contains("too large")));
        assert!(matches!(buffer.reply(), Ok(Some(Reply::Rejected(_)))));
        assert!(matches!(buffer.reply(), Ok(Some(Reply::Rejected(_)))));
        assert!(matches!(buffer.reply(), Ok(Some(Reply::Done(_)))));
    }

    #[test]
    fn an_announced_value_takes_no_room_before_it_comes() {
        let mut buffer = ReplyBuffer::default();
        fill(&mut buffer, b"VA 1073741824\r\n", usize::MAX);
        assert!(matches!(buffer.reply(), Ok(None)));
        assert!(buffer.space().len() <= 64 * SPACE + SPACE);
    }
}
