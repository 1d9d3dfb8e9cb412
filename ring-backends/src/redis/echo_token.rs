//! Echo tokens match replies to commands. Redis numbers neither: after one reply too many or too few, each would be taken
//! for that to the next command, and so for the value of another key. So an `ECHO` of a token follows the commands, in the
//! same round trip, and its reply must follow theirs.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "tokio")]
use redis::Pipeline;
use redis::{Cmd, ErrorKind, RedisError, RedisResult, Value};

use super::request::Commands;

/// The first number; random, so that no value equals a token.
static FIRST: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()) >> 16);

/// The number of tokens so far.
static COUNT: AtomicU64 = AtomicU64::new(0);

const PREFIX: &str = "ring:";

/// The most replies to earlier commands that are skipped.
const MAX_SKIPPED: usize = 1024;

/// Codes of errors that a server returns for every command, `ECHO` included.
pub(super) const REFUSES_ALL: [&str; 4] = ["NOAUTH", "LOADING", "BUSY", "MASTERDOWN"];

/// The token after some commands.
pub(super) struct EchoToken(String);

impl EchoToken {
    pub(super) fn new() -> Self {
        let number = *FIRST + COUNT.fetch_add(1, Ordering::Relaxed);
        EchoToken(format!("{PREFIX}{number}"))
    }

    fn command(&self) -> Cmd {
        let mut command = Cmd::with_capacity(2, 4 + self.0.len());
        command.arg("ECHO").arg(&self.0);
        command
    }

    /// The bytes of commands and of the token's `ECHO`.
    pub(super) fn packed(&self, commands: &Commands) -> Vec<u8> {
        let mut bytes = commands.packed();
        self.command().write_packed_command(&mut bytes);
        bytes
    }

    /// Commands, and the token's `ECHO`.
    #[cfg(feature = "tokio")]
    pub(super) fn pipeline(&self, commands: &Commands) -> Pipeline {
        let mut pipeline = commands.pipeline();
        pipeline.add_command(self.command());
        pipeline
    }

    /// Whether to stop reading: the token came, or a server without `ECHO` replied to all commands, or too many replies are
    /// to other commands. Once the token came, the commands before it were executed.
    pub(super) fn is_last_of(&self, replies: &[Value], commands: usize) -> bool {
        let Some((last, before)) = replies.split_last() else {
            return false;
        };
        let has_all = before.len() >= commands && !replies.iter().any(is_token);
        let has_too_many = before.len() >= commands + MAX_SKIPPED;
        has_all || has_too_many || self.is_behind(last, before, commands)
    }

    /// The replies to the commands; skips those to earlier commands.
    ///
    /// # Errors
    ///
    /// If they do not end with the token, or a reply is missing.
    pub(super) fn replies(&self, mut replies: Vec<Value>, commands: &Commands) -> RedisResult<Vec<Value>> {
        let last = replies.pop();
        let is_complete = last.is_some_and(|last| self.is_behind(&last, &replies, commands.len()));
        let first = replies.len().checked_sub(commands.len()).filter(|_| is_complete);
        match first {
            Some(first) if first == 0 || is_token(&replies[first - 1]) => {
                replies.drain(..first);
            }
            _ => return Err(out_of_step()),
        }
        if replies.iter().any(is_token) {
            return Err(out_of_step());
        }
        Ok(replies)
    }

    /// Whether `reply`, after the replies `before`, is that to the token's `ECHO`.
    fn is_behind(&self, reply: &Value, before: &[Value], commands: usize) -> bool {
        let Value::ServerError(error) = reply else {
            return text(reply) == Some(self.0.as_bytes());
        };
        let refuses_echo = || {
            error
                .details()
                .is_some_and(|details| details.to_lowercase().contains("echo"))
        };
        before.len() == commands
            && match error.code() {
                "ERR" | "NOPERM" => refuses_echo(),
                code => REFUSES_ALL.contains(&code) && before.iter().all(is_error),
            }
    }
}

fn out_of_step() -> RedisError {
    RedisError::from((ErrorKind::Parse, "the replies are those to other commands"))
}

fn is_error(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(_))
}

fn text(reply: &Value) -> Option<&[u8]> {
    match reply {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// Whether it is any token of this process.
fn is_token(reply: &Value) -> bool {
    let number = text(reply).and_then(|text| str::from_utf8(text).ok()?.strip_prefix(PREFIX)?.parse().ok());
    let count = COUNT.load(Ordering::Relaxed);
    number.is_some_and(|number: u64| (*FIRST..*FIRST + count).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands() -> Commands {
        Commands::One(redis::cmd("GET").arg("key").clone())
    }

    fn bytes(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn replies_with_their_token_are_taken() {
        let token = EchoToken::new();
        let replies = vec![bytes("value"), bytes(&token.0)];
        assert_eq!(token.replies(replies, &commands()).unwrap(), [bytes("value")]);
    }

    #[test]
    fn replies_with_another_token_or_none_are_not() {
        let (token, other) = (EchoToken::new(), EchoToken::new());
        for wrong in [
            vec![],
            vec![bytes(&token.0)],
            vec![bytes("value")],
            vec![bytes(&other.0), bytes("value")],
            vec![bytes("value"), bytes(&other.0)],
            vec![bytes("value"), Value::Nil],
            vec![bytes("value"), bytes("value"), bytes(&token.0)],
        ] {
            assert!(token.replies(wrong, &commands()).is_err());
        }
    }

    #[test]
    fn replies_are_found_behind_those_to_other_commands() {
        let (other, token) = (EchoToken::new(), EchoToken::new());
        let mut replies = vec![];
        for (reply, is_last) in [
            ("old", false),
            (&*other.0, false),
            ("value", false),
            (&*token.0, true),
        ] {
            replies.push(bytes(reply));
            assert_eq!(token.is_last_of(&replies, 1), is_last);
        }
        assert_eq!(token.replies(replies, &commands()).unwrap(), [bytes("value")]);
    }

    #[test]
    fn a_token_is_not_a_reply() {
        let (other, token) = (EchoToken::new(), EchoToken::new());
        assert!(
            token
                .replies(vec![bytes(&other.0), bytes(&token.0)], &commands())
                .is_err()
        );
        let value = bytes("ring:1");
        assert_eq!(
            token
                .replies(vec![value.clone(), bytes(&token.0)], &commands())
                .unwrap(),
            [value]
        );
    }

    #[test]
    fn the_token_is_not_waited_for_for_ever() {
        let (other, token) = (EchoToken::new(), EchoToken::new());
        assert!(token.is_last_of(&[bytes("value"), bytes("value")], 1));
        let many = vec![bytes(&other.0); 2 + MAX_SKIPPED];
        assert!(token.is_last_of(&many, 1) && !token.is_last_of(&many[1..], 1));
    }

    #[test]
    fn the_token_follows_the_commands() {
        let token = EchoToken(String::from("ring:7"));
        let packed = token.packed(&commands());
        assert!(packed.ends_with(b"$4\r\nECHO\r\n$6\r\nring:7\r\n"));
        #[cfg(feature = "tokio")]
        assert_eq!(token.pipeline(&commands()).get_packed_pipeline(), packed);
    }
}
