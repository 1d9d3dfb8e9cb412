//! Look-ups of several calls as one command, which costs the server less than one for each: `MGET` for keys, `HMGET` for fields
//! of a hash.
//!
//! `MGET` tells no difference between a key that does not exist and one of another type, for which `GET` returns an error. So
//! an `EXISTS` of the same keys follows. If it counts more keys than have values, the look-ups without a value are asked alone.
//!
//! A value waits for those of the other look-ups. So few are joined while values are large.

use std::io::Write;

use redis::Value;

const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n";
const HGET: &[u8] = b"*3\r\n$4\r\nHGET\r\n";
/// The most look-ups that are joined.
const MAX_JOINED: usize = 32;
/// The most bytes of values that are expected in one reply.
const MAX_BYTES: usize = 1 << 16;

/// A look-up of one entry.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'b> {
    /// The hash that contains it, as an argument of a command. `None` for a key of its own.
    hash: Option<&'b [u8]>,
    /// The key or field, as an argument of a command.
    key: &'b [u8],
}

impl<'b> Lookup<'b> {
    /// The look-up that these bytes of a command are.
    pub(super) fn of(command: &'b [u8]) -> Option<Self> {
        if let Some(key) = command.strip_prefix(GET) {
            return Some(Lookup { hash: None, key });
        }
        let arguments = command.strip_prefix(HGET)?;
        let end = arguments.iter().position(|byte| *byte == b'\n')? + 1;
        let length: usize = str::from_utf8(&arguments[1..end]).ok()?.trim_end().parse().ok()?;
        let (hash, key) = arguments.split_at_checked(end + length + 2)?;
        Some(Lookup {
            hash: Some(hash),
            key,
        })
    }

    /// Whether one command can look up both.
    pub(super) fn joins(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

/// Appends the bytes of commands that look up all of these, which [join](Lookup::joins). Returns the number of commands.
pub(super) fn pack(lookups: &[Lookup<'_>], bytes: &mut Vec<u8>) -> usize {
    let hash = lookups.first().and_then(|first| first.hash);
    let commands: &[&str] = if hash.is_some() {
        &["HMGET"]
    } else {
        &["MGET", "EXISTS"]
    };
    for command in commands {
        let words = 1 + usize::from(hash.is_some()) + lookups.len();
        // Writing to memory cannot fail.
        let _ = write!(bytes, "*{words}\r\n${}\r\n{command}\r\n", command.len());
        bytes.extend_from_slice(hash.unwrap_or_default());
        for lookup in lookups {
            bytes.extend_from_slice(lookup.key);
        }
    }
    commands.len()
}

/// The reply to each of `count` look-ups, from those to [the commands](pack). `None` in the place of a look-up that must be
/// asked alone, and if the server does not answer the commands.
pub(super) fn replies(to_commands: Vec<Value>, count: usize) -> Option<Vec<Option<Value>>> {
    let mut to_commands = to_commands.into_iter();
    let Some(Value::Array(values)) = to_commands.next() else {
        return None;
    };
    if values.len() != count {
        return None;
    }
    let found = values.iter().filter(|value| **value != Value::Nil).count();
    let are_absent = match to_commands.next() {
        // A hash has no fields of other types.
        None => true,
        Some(Value::Int(existing)) => usize::try_from(existing) == Ok(found),
        Some(_) => false,
    };
    let reply = |value| (value != Value::Nil || are_absent).then_some(value);
    Some(values.into_iter().map(reply).collect())
}

/// How many look-ups a connection joins.
#[derive(Default)]
pub(super) struct Joining {
    /// The bytes of the longest value of late.
    longest: usize,
    /// Whether the server does not answer the commands.
    is_refused: bool,
}

impl Joining {
    /// How many look-ups to join next.
    pub(super) fn limit(&mut self) -> usize {
        if self.is_refused {
            return 1;
        }
        self.longest -= self.longest / 16;
        (MAX_BYTES / self.longest.max(1)).clamp(1, MAX_JOINED)
    }

    /// Notes the length of the values in a reply.
    pub(super) fn note(&mut self, reply: &Value) {
        match reply {
            Value::BulkString(bytes) => self.longest = self.longest.max(bytes.len()),
            Value::Array(values) => values.iter().for_each(|value| self.note(value)),
            _ => {}
        }
    }

    pub(super) fn refuse(&mut self) {
        self.is_refused = true;
    }
}

#[cfg(test)]
mod tests {
    use redis::Cmd;

    use super::*;

    fn command(words: &[&str]) -> Vec<u8> {
        let mut command = Cmd::new();
        for word in words {
            command.arg(word);
        }
        command.get_packed_command()
    }

    fn value(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn the_commands_are_those_of_the_look_ups() {
        let gets = [command(&["GET", "a"]), command(&["GET", "b\r\nc"])];
        let lookups = gets.each_ref().map(|get| Lookup::of(get).unwrap());
        assert!(lookups[0].joins(&lookups[1]));
        let mut packed = Vec::new();
        assert_eq!(pack(&lookups, &mut packed), 2);
        let expected = [
            command(&["MGET", "a", "b\r\nc"]),
            command(&["EXISTS", "a", "b\r\nc"]),
        ];
        assert_eq!(packed, expected.concat());
    }

    #[test]
    fn fields_are_joined_if_they_are_of_one_hash() {
        let gets = [
            command(&["HGET", "ha\nsh", "a"]),
            command(&["HGET", "ha\nsh", ""]),
            command(&["HGET", "h", "a"]),
            command(&["GET", "a"]),
        ];
        let [one, two, other, key] = gets.each_ref().map(|get| Lookup::of(get).unwrap());
        assert!(one.joins(&two) && !one.joins(&other) && !one.joins(&key));
        let mut packed = Vec::new();
        assert_eq!(pack(&[one, two], &mut packed), 1);
        assert_eq!(packed, command(&["HMGET", "ha\nsh", "a", ""]));
    }

    #[test]
    fn other_commands_are_not_look_ups() {
        for words in [
            &["MGET", "a"][..],
            &["SET", "GET", "a"],
            &["EXISTS", "a"],
            &["PTTL", "a"],
        ] {
            assert!(Lookup::of(&command(words)).is_none(), "{words:?}");
        }
    }

    #[test]
    fn each_look_up_has_its_own_reply() {
        let values = Value::Array(vec![value("a"), Value::Nil]);
        let absent = Some(vec![Some(value("a")), Some(Value::Nil)]);
        assert_eq!(replies(vec![values.clone()], 2), absent);
        assert_eq!(replies(vec![values.clone(), Value::Int(1)], 2), absent);
        // One of another type, or a server that does not say.
        for existing in [Value::Int(2), Value::Nil] {
            let alone = Some(vec![Some(value("a")), None]);
            assert_eq!(replies(vec![values.clone(), existing], 2), alone);
        }
    }

    #[test]
    fn other_replies_are_no_answer() {
        for other in [value("a"), Value::Array(vec![value("a")]), Value::Nil] {
            assert_eq!(replies(vec![other, Value::Int(1)], 2), None);
        }
        assert_eq!(replies(vec![], 2), None);
    }

    #[test]
    fn few_are_joined_while_values_are_large() {
        let mut joining = Joining::default();
        assert_eq!(joining.limit(), MAX_JOINED);
        joining.note(&Value::Array(vec![value(&"x".repeat(20_000)), Value::Nil]));
        assert_eq!(joining.limit(), 3);
        joining.note(&value(&"x".repeat(1 << 20)));
        assert_eq!(joining.limit(), 1);
        (0..200).for_each(|_| _ = joining.limit());
        assert_eq!(joining.limit(), MAX_JOINED);
        joining.refuse();
        assert_eq!(joining.limit(), 1);
    }
}
