//! Requests to Redis and its replies, in the protocol RESP, version 2.

use std::io::{self, BufRead, Write};

/// A reply of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// No value.
    Nil,
    /// `OK`, for example.
    Status(String),
    /// An error, which begins with its kind: `WRONGTYPE`, for example.
    Error(String),
    /// A number.
    Integer(i64),
    /// Bytes, of a value for example.
    Bytes(Vec<u8>),
    /// Several replies.
    Array(Vec<Reply>),
}

impl Reply {
    /// The bytes, if it is bytes.
    pub fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Reply::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text of a status, an error, a number or of bytes; empty for all else.
    pub fn text(&self) -> String {
        match self {
            Reply::Status(text) | Reply::Error(text) => text.clone(),
            Reply::Integer(number) => number.to_string(),
            Reply::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Reply::Nil | Reply::Array(_) => String::new(),
        }
    }
}

pub(crate) fn write_command<A: AsRef<[u8]>>(stream: &mut impl Write, words: &[A]) -> io::Result<()> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        let word = word.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    stream.write_all(&bytes)
}

pub(crate) fn read_reply(stream: &mut impl BufRead) -> io::Result<Reply> {
    let line = read_line(stream)?;
    let (kind, rest) = line.split_at_checked(1).ok_or_else(|| not_resp(&line))?;
    let number = || rest.parse::<i64>().map_err(|_| not_resp(&line));
    match kind {
        "+" => Ok(Reply::Status(rest.into())),
        "-" => Ok(Reply::Error(rest.into())),
        ":" => number().map(Reply::Integer),
        "$" | "*" if number()? < 0 => Ok(Reply::Nil),
        "$" => {
            let mut bytes = vec![0; number()? as usize + 2];
            stream.read_exact(&mut bytes)?;
            bytes.truncate(bytes.len() - 2);
            Ok(Reply::Bytes(bytes))
        }
        "*" => (0..number()?)
            .map(|_| read_reply(stream))
            .collect::<io::Result<_>>()
            .map(Reply::Array),
        _ => Err(not_resp(&line)),
    }
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let line = line.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(line.to_owned())
}

fn not_resp(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not RESP: {line:?}"))
}
