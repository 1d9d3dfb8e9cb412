//! Requests to Redis, and the meaning of its replies. Nothing here does I/O: blocking and awaited calls share it.

use std::time::Duration;

use redis::{Arg, Cmd, Pipeline, Value};

#[cfg(feature = "tokio")]
use super::echo_token::EchoToken;
use super::faults::{Unexpected, is_refused};
use super::stored_key::StoredKey;
use crate::remote::{Fault, Found};

/// Commands that are sent together.
#[derive(Clone)]
pub(super) enum Commands {
    /// A single command.
    One(Cmd),
    /// Commands in one message.
    Many(Pipeline),
}

/// Commands, and how to read their replies: one `T` for each key.
pub(super) struct Request<T> {
    pub(super) commands: Commands,
    /// The number of commands before those of the keys. Their replies are checked for errors only.
    leading: usize,
    pub(super) read: fn(Vec<Value>) -> Result<Vec<T>, Unexpected>,
}

impl<T> Request<T> {
    /// One command for each of `parts`, which must not be empty.
    pub(super) fn each<P>(
        parts: impl IntoIterator<Item = P>,
        command: impl Fn(P) -> Cmd,
        read: fn(Vec<Value>) -> Result<Vec<T>, Unexpected>,
    ) -> Self {
        Request::of(Commands::each(parts, command), read)
    }

    /// Commands, and how to read their replies.
    pub(super) fn of(commands: Commands, read: fn(Vec<Value>) -> Result<Vec<T>, Unexpected>) -> Self {
        Request {
            commands,
            leading: 0,
            read,
        }
    }

    /// The same, after ending the leases of these keys: from then on, no superseded computation is stored.
    pub(super) fn ending_leases<'k>(mut self, keys: impl Iterator<Item = &'k StoredKey>) -> Self {
        let leases: Vec<&str> = keys.filter_map(StoredKey::lease).collect();
        if leases.is_empty() {
            return self;
        }
        self.leading = leases.len();
        let leases = leases.into_iter().map(|lease| on("UNLINK", lease));
        let all: Vec<Cmd> = leases.chain(self.commands.iter().cloned()).collect();
        self.commands = Commands::each(all, |command| command);
        self
    }

    /// Interprets the replies.
    pub(super) fn read(&self, mut replies: Vec<Value>) -> Result<Vec<T>, Fault> {
        if replies.len() != self.commands.len() {
            return Err(Unexpected::Reply.into());
        }
        for reply in replies.drain(..self.leading) {
            Unexpected::check(reply)?;
        }
        Ok((self.read)(replies)?)
    }
}

/// The commands that change entries.
const MUTATIONS: [&[u8]; 9] = [
    b"SET", b"UNLINK", b"DEL", b"PEXPIRE", b"HSET", b"HSETNX", b"HDEL", b"EVALSHA", b"EVAL",
];

/// The longest expiry, a hundred years: Redis refuses much longer ones.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl Commands {
    /// One command for each of `parts`, which must not be empty.
    pub(super) fn each<T>(parts: impl IntoIterator<Item = T>, command: impl Fn(T) -> Cmd) -> Self {
        let mut parts = parts.into_iter();
        match (parts.next(), parts.next()) {
            (Some(only), None) => Commands::One(command(only)),
            (first, second) => {
                let mut pipeline = Pipeline::with_capacity(parts.size_hint().0 + 2);
                for part in first.into_iter().chain(second).chain(parts) {
                    pipeline.add_command(command(part));
                }
                Commands::Many(pipeline)
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Cmd> {
        let (one, many) = match self {
            Commands::One(command) => (Some(command), None),
            Commands::Many(pipeline) => (None, Some(pipeline.cmd_iter())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// Appends the bytes of the commands.
    pub(super) fn pack(&self, bytes: &mut Vec<u8>) {
        self.iter()
            .for_each(|command| command.write_packed_command(bytes));
    }

    /// The commands, and the token behind them.
    #[cfg(feature = "tokio")]
    pub(super) fn pipeline(&self, token: Option<EchoToken>) -> Pipeline {
        let mut pipeline = match self {
            Commands::One(command) => {
                let mut pipeline = Pipeline::with_capacity(2);
                pipeline.add_command(command.clone());
                pipeline
            }
            Commands::Many(pipeline) => pipeline.clone(),
        };
        if let Some(token) = token {
            pipeline.add_command(token.command());
        }
        pipeline
    }

    /// The number of commands, and of replies.
    pub(super) fn len(&self) -> usize {
        match self {
            Commands::One(_) => 1,
            Commands::Many(pipeline) => pipeline.len(),
        }
    }

    /// Whether they change entries.
    pub(super) fn mutate(&self) -> bool {
        let mutates = |command: &Cmd| {
            let mut words = command.args_iter();
            matches!(words.next(), Some(Arg::Simple(name)) if MUTATIONS.contains(&name))
        };
        self.iter().any(mutates)
    }
}

/// The command `name` on `key`.
pub(super) fn on(name: &str, key: &str) -> Cmd {
    let mut command = Cmd::with_capacity(2, name.len() + key.len());
    command.arg(name).arg(key);
    command
}

/// The milliseconds of an expiry, rounded up: no entry expires early.
pub(super) fn milliseconds(expiry: Duration) -> u64 {
    let nanoseconds = expiry.min(LONGEST).as_nanos();
    u64::try_from(nanoseconds.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// `SET`.
pub(super) fn set((key, value, expiry): (&str, &[u8], Option<Duration>)) -> Cmd {
    let mut command = Cmd::with_capacity(5, 32 + key.len() + value.len());
    command.arg("SET").arg(key).arg(value);
    if let Some(expiry) = expiry {
        command.arg("PX").arg(milliseconds(expiry).max(1));
    }
    command
}

/// Acknowledgements.
pub(super) fn done(replies: Vec<Value>) -> Result<Vec<()>, Unexpected> {
    let done = |reply| match Unexpected::check(reply)? {
        Value::Okay | Value::Int(_) => Ok(()),
        _ => Err(Unexpected::Reply),
    };
    replies.into_iter().map(done).collect()
}

/// For each `SET` with `NX`, whether it set the value.
pub(super) fn were_set(replies: Vec<Value>) -> Result<Vec<bool>, Unexpected> {
    let was_set = |reply| match Unexpected::check(reply)? {
        Value::Okay => Ok(true),
        Value::Nil => Ok(false),
        _ => Err(Unexpected::Reply),
    };
    replies.into_iter().map(was_set).collect()
}

/// For each command, whether the entry existed.
pub(super) fn flags(replies: Vec<Value>) -> Result<Vec<bool>, Unexpected> {
    replies.into_iter().map(flag).collect()
}

fn flag(reply: Value) -> Result<bool, Unexpected> {
    match Unexpected::check(reply)? {
        Value::Int(count) => Ok(count > 0),
        Value::Boolean(existed) => Ok(existed),
        _ => Err(Unexpected::Reply),
    }
}

/// The value of each command.
pub(super) fn values(replies: Vec<Value>) -> Result<Vec<Option<Vec<u8>>>, Unexpected> {
    replies.into_iter().map(value).collect()
}

/// The value of each command; none where the key has another type, as with `MGET`.
pub(super) fn values_of_type(replies: Vec<Value>) -> Result<Vec<Option<Vec<u8>>>, Unexpected> {
    let read = |reply| match reply {
        Value::ServerError(error) if error.code() == "WRONGTYPE" => Ok(None),
        reply => value(reply),
    };
    replies.into_iter().map(read).collect()
}

/// The values of commands that reply with an array each.
pub(super) fn listed(replies: Vec<Value>) -> Result<Vec<Option<Vec<u8>>>, Unexpected> {
    let mut values = Vec::new();
    for reply in replies {
        let Value::Array(listed) = Unexpected::check(reply)? else {
            return Err(Unexpected::Reply);
        };
        values.reserve(listed.len());
        for listed in listed {
            values.push(value(listed)?);
        }
    }
    Ok(values)
}

fn value(reply: Value) -> Result<Option<Vec<u8>>, Unexpected> {
    match Unexpected::check(reply)? {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::SimpleString(text) => Ok(Some(text.into_bytes())),
        _ => Err(Unexpected::Reply),
    }
}

/// The values of `GET`s, each followed by its `PTTL`.
pub(super) fn expiring(replies: Vec<Value>) -> Result<Vec<Option<Found>>, Unexpected> {
    let mut replies = replies.into_iter();
    let mut found = Vec::with_capacity(replies.len() / 2);
    while let (Some(bytes), Some(left)) = (replies.next(), replies.next()) {
        let bytes = value(bytes)?;
        found.push(match (bytes, left) {
            // If the user may not use `PTTL`, the entry counts as expiring now: usable once.
            (Some(bytes), left) if is_refused(&left) => Some((bytes, Some(Duration::ZERO))),
            (None, left) if is_refused(&left) => None,
            (_, Value::ServerError(error)) => return Err(Unexpected::Error(error.into())),
            (Some(bytes), Value::Int(-1)) => Some((bytes, None)),
            (Some(bytes), Value::Int(left @ 0..)) => {
                Some((bytes, Some(Duration::from_millis(left.unsigned_abs()))))
            }
            // The entry expired between the two commands, or did not exist.
            (_, Value::Int(_)) => None,
            _ => return Err(Unexpected::Reply),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiries_are_rounded_up_and_end_somewhere() {
        let rounded = [1, 999_999, 1_000_000, 1_000_001, 1_500_000_000]
            .map(Duration::from_nanos)
            .map(milliseconds);
        assert_eq!(rounded, [1, 1, 1, 2, 1_500]);
        assert_eq!(milliseconds(Duration::ZERO), 0);
        assert_eq!(milliseconds(Duration::MAX), 3_153_600_000_000);
    }
}
