//! The bytes that come from a server, and the replies in them, by RESP2 and RESP3. Reads may end anywhere: a reply that came
//! in part is continued by the next read.

use std::io;

use redis::{ErrorKind, RedisError, RedisResult, Value};

/// The largest reply that is read: Redis takes values of up to 512 MB, and many may be asked for at a time.
const MAX_REPLY: usize = 1 << 30;
/// The longest line: a length, a number, a status or an error.
const MAX_LINE: usize = 1 << 16;
/// The deepest nesting of arrays.
const MAX_DEPTH: usize = 100;
/// Announced items for which space is reserved before they come.
const MAX_RESERVED: usize = 1 << 10;
/// The least space for a read.
const SPACE: usize = 1 << 12;
/// A buffer that grew beyond this is replaced after the reply that needed it.
const MAX_KEPT: usize = 1 << 16;

/// The bytes that came, and are not parsed yet.
#[derive(Default)]
pub(super) struct ReplyBuffer {
    bytes: Vec<u8>,
    /// The bytes that are not parsed are those from `start` to `end`; behind them is space for more.
    start: usize,
    end: usize,
    /// The number of parsed bytes of the reply that is not complete.
    parsed: usize,
    /// The arrays that are not complete, the outermost first.
    open: Vec<Aggregate>,
}

/// An array, or another reply that consists of replies.
struct Aggregate {
    kind: u8,
    missing: usize,
    items: Vec<Value>,
}

/// What the next bytes are.
enum Element {
    Whole(Value),
    Begin(Aggregate),
}

impl ReplyBuffer {
    /// Space for the next read, which must be [reported](Self::add).
    pub(super) fn space(&mut self) -> io::Result<&mut [u8]> {
        if self.incomplete() > MAX_REPLY {
            return Err(too_large());
        }
        if self.unparsed() == 0 {
            (self.start, self.end) = (0, 0);
            if self.bytes.len() > MAX_KEPT {
                self.bytes = Vec::new();
            }
        }
        if self.bytes.len() - self.end < SPACE {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.unparsed());
        }
        if self.bytes.len() - self.end < SPACE {
            // Twice as long: a large value is not copied for each read.
            self.bytes.resize((2 * self.bytes.len()).max(2 * SPACE), 0);
        }
        Ok(&mut self.bytes[self.end..])
    }

    /// So many bytes were read into the [space](Self::space).
    pub(super) fn add(&mut self, count: usize) {
        self.end += count;
    }

    /// The number of bytes that came of the reply that is not complete.
    pub(super) fn incomplete(&self) -> usize {
        self.parsed + self.unparsed()
    }

    fn unparsed(&self) -> usize {
        self.end - self.start
    }

    /// The next reply, if it has come. Messages that are not replies are skipped.
    pub(super) fn next(&mut self) -> RedisResult<Option<Value>> {
        while let Some((element, length)) = element(&self.bytes[self.start..self.end])? {
            self.start += length;
            self.parsed += length;
            let value = match element {
                Element::Begin(aggregate) if aggregate.missing > 0 => {
                    if self.open.len() == MAX_DEPTH {
                        return Err(invalid("nested too deeply"));
                    }
                    self.open.push(aggregate);
                    continue;
                }
                Element::Begin(aggregate) => aggregate.close(),
                Element::Whole(value) => Some(value),
            };
            if let Some(reply) = self.put(value) {
                self.parsed = 0;
                if let Some(reply) = reply {
                    return Ok(Some(reply));
                }
            }
        }
        Ok(None)
    }

    /// Puts a value where it belongs. Returns the reply that is complete with it, which may be one that is skipped.
    fn put(&mut self, mut value: Option<Value>) -> Option<Option<Value>> {
        while let Some(innermost) = self.open.last_mut() {
            innermost.items.extend(value);
            innermost.missing -= 1;
            if innermost.missing > 0 {
                return None;
            }
            value = self.open.pop().and_then(Aggregate::close);
        }
        Some(value)
    }
}

impl Aggregate {
    fn new(kind: u8, count: usize) -> Self {
        let missing = match kind {
            b'%' => 2 * count,
            // Attributes precede their value.
            b'|' => 2 * count + 1,
            _ => count,
        };
        Aggregate {
            kind,
            missing,
            items: Vec::with_capacity(missing.min(MAX_RESERVED)),
        }
    }

    /// The value, when no item is missing. `None` for a message that is not a reply.
    fn close(mut self) -> Option<Value> {
        match self.kind {
            b'>' => None,
            b'|' => self.items.pop(),
            b'~' => Some(Value::Set(self.items)),
            b'%' => {
                let mut items = self.items.into_iter();
                let pairs = std::iter::from_fn(|| Some((items.next()?, items.next()?)));
                Some(Value::Map(pairs.collect()))
            }
            _ => Some(Value::Array(self.items)),
        }
    }
}

/// What the next bytes are, and how many belong to it. `None` if some are missing.
fn element(bytes: &[u8]) -> RedisResult<Option<(Element, usize)>> {
    let Some(line) = line(bytes)? else {
        return Ok(None);
    };
    let Some((kind, text)) = line.split_first() else {
        return Err(invalid("an empty line"));
    };
    let after = line.len() + 2;
    let value = match kind {
        b'$' | b'!' | b'=' => {
            return Ok(match length(text)? {
                Some(length) => blob(bytes, after, length)?.map(|(value, end)| (Element::Whole(value), end)),
                None => Some((Element::Whole(Value::Nil), after)),
            });
        }
        b'*' | b'~' | b'%' | b'|' | b'>' => match length(text)? {
            Some(count) => return Ok(Some((Element::Begin(Aggregate::new(*kind, count)), after))),
            None => Value::Nil,
        },
        b':' => Value::Int(number(text)?),
        b'+' if text == b"OK" => Value::Okay,
        b'+' => Value::SimpleString(utf8(text)?.to_owned()),
        b'_' => Value::Nil,
        // Errors and rarer replies.
        _ => redis::parse_redis_value(&bytes[..after])?,
    };
    Ok(Some((Element::Whole(value), after)))
}

/// The first line, without its end.
fn line(bytes: &[u8]) -> RedisResult<Option<&[u8]>> {
    match bytes.windows(2).position(|pair| pair == b"\r\n") {
        None if bytes.len() > MAX_LINE => Err(invalid("too long a line")),
        end => Ok(end.map(|end| &bytes[..end])),
    }
}

/// A value of this length behind its line, and where it ends.
fn blob(bytes: &[u8], start: usize, length: usize) -> RedisResult<Option<(Value, usize)>> {
    let end = start + length + 2;
    let Some(whole) = bytes.get(..end) else {
        return Ok(None);
    };
    let value = match whole.strip_suffix(b"\r\n") {
        None => return Err(invalid("a value without its end")),
        Some(value) if bytes[0] == b'$' => Value::BulkString(value[start..].to_vec()),
        Some(_) => redis::parse_redis_value(whole)?,
    };
    Ok(Some((value, end)))
}

/// A length or a count; `None` for a value that does not exist.
fn length(text: &[u8]) -> RedisResult<Option<usize>> {
    match number(text)? {
        -1 => Ok(None),
        number => match usize::try_from(number) {
            Ok(length) if length <= MAX_REPLY => Ok(Some(length)),
            Ok(_) => Err(too_large().into()),
            Err(_) => Err(invalid("a negative length")),
        },
    }
}

fn number(text: &[u8]) -> RedisResult<i64> {
    let number = utf8(text)?.trim().parse();
    number.map_err(|_| invalid("not a number"))
}

fn utf8(text: &[u8]) -> RedisResult<&str> {
    str::from_utf8(text).map_err(|_| invalid("not UTF-8"))
}

fn invalid(what: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Parse, what))
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the reply is too large")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The replies in bytes that come in reads of so many.
    fn replies(bytes: &[u8], at_a_time: usize) -> RedisResult<Vec<Value>> {
        let (mut buffer, mut replies) = (ReplyBuffer::default(), Vec::new());
        for read in bytes.chunks(at_a_time) {
            buffer.space()?[..read.len()].copy_from_slice(read);
            buffer.add(read.len());
            while let Some(reply) = buffer.next()? {
                replies.push(reply);
            }
        }
        Ok(replies)
    }

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn replies_are_the_same_however_they_come() {
        let bytes = b"$5\r\nva\r\ne\r\n$-1\r\n*3\r\n:-7\r\n*0\r\n*2\r\n+OK\r\n$0\r\n\r\n*-1\r\n+PONG\r\n_\r\n#t\r\n,1.5\r\n%1\r\n+a\r\n~1\r\n:1\r\n";
        let array = vec![
            Value::Int(-7),
            Value::Array(vec![]),
            Value::Array(vec![Value::Okay, bulk("")]),
        ];
        let map = (Value::SimpleString("a".into()), Value::Set(vec![Value::Int(1)]));
        let expected = [
            bulk("va\r\ne"),
            Value::Nil,
            Value::Array(array),
            Value::Nil,
            Value::SimpleString("PONG".into()),
            Value::Nil,
            Value::Boolean(true),
            Value::Double(1.5),
            Value::Map(vec![map]),
        ];
        for at_a_time in 1..=bytes.len() {
            assert_eq!(replies(bytes, at_a_time).unwrap(), expected, "{at_a_time}");
        }
    }

    /// What the client of the crate `redis` reads, this reads.
    #[test]
    fn replies_are_those_that_the_client_reads() {
        for bytes in [
            "-ERR unknown command\r\n",
            "-LOADING Redis is loading\r\n",
            "!9\r\nERR wrong\r\n",
            "=8\r\ntxt:text\r\n",
            "(3492890328409238509324850943850943825024385\r\n",
            "#f\r\n",
            "*2\r\n$1\r\na\r\n-NOSCRIPT no\r\n",
        ] {
            let reply = redis::parse_redis_value(bytes.as_bytes()).unwrap();
            assert_eq!(replies(bytes.as_bytes(), 2).unwrap(), [reply]);
        }
    }

    #[test]
    fn messages_are_skipped_and_attributes_too() {
        let bytes = b">2\r\n$7\r\nmessage\r\n+x\r\n:1\r\n|1\r\n+ttl\r\n:9\r\n:2\r\n>0\r\n";
        for at_a_time in [1, 7, bytes.len()] {
            assert_eq!(replies(bytes, at_a_time).unwrap(), [Value::Int(1), Value::Int(2)]);
        }
    }

    #[test]
    fn a_large_value_comes_in_many_reads() {
        let value = "x".repeat(300_000);
        let bytes = format!("${}\r\n{value}\r\n:1\r\n", value.len());
        assert_eq!(
            replies(bytes.as_bytes(), 1_000).unwrap(),
            [bulk(&value), Value::Int(1)]
        );
    }

    #[test]
    fn invalid_bytes_are_errors() {
        for bytes in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\n",
            "$x\r\n",
            "$-2\r\n",
            "$3\r\nabcde\r\n",
            ":\r\n",
            "*99999999999999999999\r\n",
            "$9999999999\r\n",
            &"*1\r\n".repeat(MAX_DEPTH + 1),
            &"+".repeat(MAX_LINE + 2),
        ] {
            assert!(replies(bytes.as_bytes(), 1_000).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn announced_items_take_no_space_before_they_come() {
        let announced = Aggregate::new(b'*', MAX_REPLY);
        assert!(announced.items.capacity() <= 2 * MAX_RESERVED);
    }
}
