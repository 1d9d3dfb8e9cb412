//! What is said to Redis, and what its answers mean: the same for both colours.

use std::time::Duration;

use redis::{Arg, Cmd, Pipeline, Value};

use super::faults::Unexpected;
use crate::remote::{Fault, Found};

/// Commands that are sent together.
#[derive(Clone)]
pub enum Commands {
    /// One.
    One(Cmd),
    /// Many, in one message.
    Many(Pipeline),
}

/// Commands, and how their answers are read.
pub struct Question<T> {
    pub(super) commands: Commands,
    pub(super) read: fn(Vec<Value>) -> Result<T, Unexpected>,
}

impl<T> Question<T> {
    /// What the answers mean.
    pub(super) fn read(&self, answers: Vec<Value>) -> Result<T, Fault> {
        if answers.len() != self.commands.len() {
            return Err(Unexpected::Answer.into());
        }
        Ok((self.read)(answers)?)
    }
}

/// The commands that change something.
const CHANGES: [&[u8]; 5] = [b"SET", b"UNLINK", b"PEXPIRE", b"HSET", b"HDEL"];

/// The longest expiry that is asked for, a hundred years: what is far longer is refused by Redis.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl Commands {
    /// One command for each part. There is at least one.
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

    /// How many answers there will be.
    pub(super) fn len(&self) -> usize {
        match self {
            Commands::One(_) => 1,
            Commands::Many(pipeline) => pipeline.len(),
        }
    }

    /// Whether they change something.
    pub(super) fn change(&self) -> bool {
        let changes = |command: &Cmd| {
            let mut words = command.args_iter();
            matches!(words.next(), Some(Arg::Simple(name)) if CHANGES.contains(&name))
        };
        match self {
            Commands::One(command) => changes(command),
            Commands::Many(pipeline) => pipeline.cmd_iter().any(changes),
        }
    }
}

/// The command `name` on `key`.
pub(super) fn on(name: &str, key: &str) -> Cmd {
    let mut command = Cmd::with_capacity(2, name.len() + key.len());
    command.arg(name).arg(key);
    command
}

/// Redis counts milliseconds. What is left of one counts as one, so that nothing is gone too early.
pub(super) fn milliseconds(expiry: Duration) -> u64 {
    let nanoseconds = expiry.min(LONGEST).as_nanos();
    u64::try_from(nanoseconds.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// `SET`: stores bytes at a key.
pub(super) fn set((key, value, expiry): (&str, &[u8], Option<Duration>)) -> Cmd {
    let mut command = Cmd::with_capacity(5, 32 + key.len() + value.len());
    command.arg("SET").arg(key).arg(value);
    if let Some(expiry) = expiry {
        command.arg("PX").arg(milliseconds(expiry).max(1));
    }
    command
}

/// One that says nothing but that it was done.
pub(super) fn done(answers: Vec<Value>) -> Result<(), Unexpected> {
    answers
        .into_iter()
        .try_for_each(|answer| match Unexpected::check(answer)? {
            Value::Okay | Value::Int(_) => Ok(()),
            _ => Err(Unexpected::Answer),
        })
}

/// For each command, whether something was there.
pub(super) fn flags(answers: Vec<Value>) -> Result<Vec<bool>, Unexpected> {
    answers.into_iter().map(flag).collect()
}

fn flag(answer: Value) -> Result<bool, Unexpected> {
    match Unexpected::check(answer)? {
        Value::Int(count) => Ok(count > 0),
        Value::Boolean(there) => Ok(there),
        _ => Err(Unexpected::Answer),
    }
}

/// The bytes of each command.
pub(super) fn values(answers: Vec<Value>) -> Result<Vec<Option<Vec<u8>>>, Unexpected> {
    answers.into_iter().map(value).collect()
}

/// The bytes of each command, as `MGET` gives them: nothing where something else than bytes lies.
pub(super) fn values_of_type(answers: Vec<Value>) -> Result<Vec<Option<Vec<u8>>>, Unexpected> {
    let read = |answer| match answer {
        Value::ServerError(error) if error.code() == "WRONGTYPE" => Ok(None),
        answer => value(answer),
    };
    answers.into_iter().map(read).collect()
}

/// The bytes of commands that answer with many each.
pub(super) fn listed(answers: Vec<Value>) -> Result<Vec<Option<Vec<u8>>>, Unexpected> {
    let mut values = Vec::new();
    for answer in answers {
        let Value::Array(listed) = Unexpected::check(answer)? else {
            return Err(Unexpected::Answer);
        };
        values.reserve(listed.len());
        for listed in listed {
            values.push(value(listed)?);
        }
    }
    Ok(values)
}

fn value(answer: Value) -> Result<Option<Vec<u8>>, Unexpected> {
    match Unexpected::check(answer)? {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::SimpleString(text) => Ok(Some(text.into_bytes())),
        _ => Err(Unexpected::Answer),
    }
}

/// The bytes of `GET`s, each followed by its `PTTL`.
pub(super) fn expiring(answers: Vec<Value>) -> Result<Vec<Option<Found>>, Unexpected> {
    let mut answers = answers.into_iter();
    let mut found = Vec::with_capacity(answers.len() / 2);
    while let (Some(bytes), Some(left)) = (answers.next(), answers.next()) {
        let (bytes, left) = (value(bytes)?, Unexpected::check(left)?);
        found.push(match (bytes, left) {
            (Some(bytes), Value::Int(-1)) => Some((bytes, None)),
            (Some(bytes), Value::Int(left @ 0..)) => {
                Some((bytes, Some(Duration::from_millis(left.unsigned_abs()))))
            }
            // Gone between the two, or never there.
            (_, Value::Int(_)) => None,
            _ => return Err(Unexpected::Answer),
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
