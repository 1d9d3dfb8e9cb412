//! Look-ups of several calls as one command, which costs the server less than one for each: `MGET` for keys, `HMGET` for fields
//! of a hash.
//!
//! `MGET` tells no difference between a key that does not exist and one of another type, for which `GET` returns an error. So
//! an `EXISTS` of the same keys follows. If its count is not the number of values, the look-ups without a value are asked alone.
//! Not noticed is a key of another type while another key ends between the two commands.
//!
//! A value waits for those of the other look-ups. So few are joined before replies show that values are small.

use std::io::Write;

use redis::Value;

use super::dialect::Word;

const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n";
/// Of one field.
const HMGET: &[u8] = b"*3\r\n$5\r\nHMGET\r\n";
/// The most look-ups that are joined.
const MAX_JOINED: usize = 32;
/// The most bytes of values that are expected in one reply.
const MAX_BYTES: usize = 1 << 16;

/// A look-up of one entry.
#[derive(Clone, Copy)]
pub(super) struct LookupCommand<'b> {
    /// The hash that contains it, as an argument of a command. `None` for a key of its own.
    hash: Option<&'b [u8]>,
    /// The key or field, as an argument of a command.
    key: &'b [u8],
}

impl<'b> LookupCommand<'b> {
    /// The look-up that these bytes of a command are.
    pub(super) fn of(command: &'b [u8]) -> Option<Self> {
        if let Some(key) = command.strip_prefix(GET) {
            return Some(LookupCommand { hash: None, key });
        }
        let arguments = command.strip_prefix(HMGET)?;
        let end = arguments.iter().position(|byte| *byte == b'\n')? + 1;
        let length: usize = str::from_utf8(&arguments[1..end]).ok()?.trim_end().parse().ok()?;
        let (hash, key) = arguments.split_at_checked(end + length + 2)?;
        Some(LookupCommand {
            hash: Some(hash),
            key,
        })
    }

    /// Whether it is of a key of its own, not of a field. A single look-up of a field is of many fields already.
    pub(super) fn is_of_key(&self) -> bool {
        self.hash.is_none()
    }

    /// Whether one command can look up both.
    pub(super) fn joins(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

/// Appends the bytes of commands that look up all of these, which [join](LookupCommand::joins). Returns the number of commands.
pub(super) fn pack(lookups: &[LookupCommand<'_>], bytes: &mut Vec<u8>) -> usize {
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

/// The reply to each of `count` look-ups, from those to [the commands](pack): `None` in the place of a look-up that must be
/// asked alone. And whether the server refuses the commands.
pub(super) fn replies(to_commands: Vec<Value>, count: usize) -> (Vec<Option<Value>>, bool) {
    let mut to_commands = to_commands.into_iter();
    let values = match to_commands.next() {
        Some(Value::Array(values)) if values.len() == count => values,
        // The reason may be over soon, as with `LOADING`.
        Some(Value::ServerError(error)) => {
            let is_refused = Word::Mget.is_refused_by(&Value::ServerError(error));
            return (vec![None; count], is_refused);
        }
        _ => return (vec![None; count], true),
    };
    let Some(existing) = to_commands.next() else {
        // A hash has no fields of other types. Each look-up was a command for many with one field.
        let reply = |value| Some(Value::Array(vec![value]));
        return (values.into_iter().map(reply).collect(), false);
    };
    let is_found = |value: &&Value| !matches!(value, Value::Nil | Value::ServerError(_));
    let found = i64::try_from(values.iter().filter(is_found).count());
    let are_absent = found.is_ok_and(|found| existing == Value::Int(found));
    let reply = |value| (value != Value::Nil || are_absent).then_some(value);
    let is_refused = Word::Mget.is_refused_by(&existing);
    (values.into_iter().map(reply).collect(), is_refused)
}

/// How many look-ups a connection joins.
pub(super) struct Joining {
    /// The bytes of the longest value of late.
    longest: usize,
}

impl Joining {
    /// Values count as large before any came.
    pub(super) fn new() -> Self {
        Joining { longest: MAX_BYTES }
    }

    /// How many look-ups to join next.
    pub(super) fn limit(&self) -> usize {
        (MAX_BYTES / self.longest.max(1)).clamp(1, MAX_JOINED)
    }

    /// Notes the lengths of the values in the reply to a command.
    pub(super) fn note(&mut self, reply: &Value) {
        let length = |value: &Value| match value {
            Value::BulkString(bytes) => bytes.len(),
            _ => 0,
        };
        let longest = match reply {
            Value::Array(values) => values.iter().map(length).max().unwrap_or(0),
            Value::BulkString(_) | Value::Nil => length(reply),
            _ => return,
        };
        self.longest = longest.max(self.longest - self.longest / 16);
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
        let lookups = gets.each_ref().map(|get| LookupCommand::of(get).unwrap());
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
            command(&["HMGET", "ha\nsh", "a"]),
            command(&["HMGET", "ha\nsh", ""]),
            command(&["HMGET", "h", "a"]),
            command(&["GET", "a"]),
        ];
        let [one, two, other, key] = gets.each_ref().map(|get| LookupCommand::of(get).unwrap());
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
            &["HMGET", "hash", "a", "b"],
        ] {
            assert!(LookupCommand::of(&command(words)).is_none(), "{words:?}");
        }
        for cut in [&b"*3\r\n$5\r\nHMGET\r\n"[..], b"*3\r\n$5\r\nHMGET\r\n$9\r\nh\r\n"] {
            assert!(LookupCommand::of(cut).is_none());
        }
    }

    fn error(text: &str) -> Value {
        redis::parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap()
    }

    #[test]
    fn each_look_up_has_its_own_reply() {
        let values = Value::Array(vec![value("a"), Value::Nil]);
        let absent = (vec![Some(value("a")), Some(Value::Nil)], false);
        assert_eq!(replies(vec![values.clone(), Value::Int(1)], 2), absent);
        // One of another type, or a server that does not say.
        let alone = vec![Some(value("a")), None];
        for (existing, is_refused) in [
            (Value::Int(2), false),
            (Value::Int(0), false),
            (Value::Nil, false),
            (error("LOADING data"), false),
            (error("ERR unknown command"), true),
        ] {
            let expected = (alone.clone(), is_refused);
            assert_eq!(replies(vec![values.clone(), existing], 2), expected);
        }
        let fields = [value("a"), Value::Nil].map(|value| Some(Value::Array(vec![value])));
        assert_eq!(replies(vec![values], 2), (fields.to_vec(), false));
    }

    /// Such as those of a proxy whose servers do not all answer.
    #[test]
    fn an_error_in_the_place_of_a_value_is_that_of_its_look_up() {
        let values = Value::Array(vec![error("ERR down"), Value::Nil]);
        let expected = vec![Some(error("ERR down")), None];
        assert_eq!(replies(vec![values, Value::Int(1)], 2), (expected, false));
    }

    #[test]
    fn other_replies_are_no_answer() {
        let nothing = vec![None, None];
        for other in [
            value("a"),
            Value::Array(vec![value("a")]),
            Value::Nil,
            error("ERR unknown command 'MGET'"),
            error("NOPERM no permissions to run the 'mget' command"),
            error("CROSSSLOT not in one slot"),
        ] {
            assert_eq!(replies(vec![other, Value::Int(1)], 2), (nothing.clone(), true));
        }
        assert_eq!(replies(vec![], 2), (nothing.clone(), true));
        for passing in ["LOADING data", "BUSY a script runs", "WRONGTYPE not a hash"] {
            assert_eq!(replies(vec![error(passing)], 2), (nothing.clone(), false));
        }
    }

    #[test]
    fn few_are_joined_until_replies_show_that_values_are_small() {
        let mut joining = Joining::new();
        assert_eq!(joining.limit(), 1);
        let small = Value::Array(vec![value("small"), Value::Nil]);
        let note = |joining: &mut Joining, count| (0..count).for_each(|_| joining.note(&small));
        note(&mut joining, 20);
        assert!((2..MAX_JOINED).contains(&joining.limit()));
        note(&mut joining, 100);
        assert_eq!(joining.limit(), MAX_JOINED);
        joining.note(&value(&"x".repeat(20_000)));
        assert_eq!(joining.limit(), 3);
        (0..100).for_each(|_| joining.note(&Value::Int(1)));
        assert_eq!(joining.limit(), 3, "that says nothing of values");
        joining.note(&Value::Array(vec![Value::Nil, value(&"x".repeat(1 << 20))]));
        assert_eq!(joining.limit(), 1);
        note(&mut joining, 200);
        assert_eq!(joining.limit(), MAX_JOINED);
    }
}
