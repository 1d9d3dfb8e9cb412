//! What shows that answers are those to a question. Redis numbers neither, so that after an answer that came twice, or never,
//! each would be taken for that to the next question: for another key's value. So each question ends with a number that
//! is to come back behind its answers. That takes no further round trip.

use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "tokio")]
use redis::Pipeline;
use redis::{Cmd, ErrorKind, RedisError, RedisResult, Value};

use super::commands::Commands;

static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// Errors of servers that do not repeat numbers: they know no `ECHO`, or not now, or not for us. Such are believed.
const UNWILLING: [&str; 6] = ["ERR", "NOPERM", "NOAUTH", "LOADING", "BUSY", "MASTERDOWN"];

/// The number of one question.
pub(super) struct Seal(String);

impl Seal {
    pub(super) fn new() -> Self {
        Seal(format!("ring:{}", NUMBERS.fetch_add(1, Ordering::Relaxed)))
    }

    fn command(&self) -> Cmd {
        let mut command = Cmd::with_capacity(2, 4 + self.0.len());
        command.arg("ECHO").arg(&self.0);
        command
    }

    /// The bytes of commands with the number behind them.
    pub(super) fn packed(&self, commands: &Commands) -> Vec<u8> {
        let mut bytes = match commands {
            Commands::One(command) => command.get_packed_command(),
            Commands::Many(pipeline) => pipeline.get_packed_pipeline(),
        };
        self.command().write_packed_command(&mut bytes);
        bytes
    }

    /// Commands with the number behind them.
    #[cfg(feature = "tokio")]
    pub(super) fn pipeline(&self, commands: &Commands) -> Pipeline {
        let mut pipeline = match commands {
            Commands::One(command) => {
                let mut pipeline = Pipeline::with_capacity(2);
                pipeline.add_command(command.clone());
                pipeline
            }
            Commands::Many(pipeline) => pipeline.clone(),
        };
        pipeline.add_command(self.command());
        pipeline
    }

    /// The answers to the commands, if these are theirs.
    pub(super) fn opened(&self, mut answers: Vec<Value>, commands: &Commands) -> RedisResult<Vec<Value>> {
        let is_ours = match answers.pop() {
            Some(Value::BulkString(bytes)) => bytes == self.0.as_bytes(),
            Some(Value::SimpleString(text)) => text == self.0,
            Some(Value::ServerError(error)) => UNWILLING.contains(&error.code()),
            _ => false,
        };
        if is_ours && answers.len() == commands.len() {
            return Ok(answers);
        }
        Err(RedisError::from((
            ErrorKind::Parse,
            "the answers are those to another question",
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Commands {
        Commands::One(redis::cmd("GET").arg("key").clone())
    }

    fn bytes(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn answers_with_their_number_are_taken() {
        let seal = Seal::new();
        let answers = vec![bytes("value"), bytes(&seal.0)];
        assert_eq!(seal.opened(answers, &question()).unwrap(), [bytes("value")]);
    }

    #[test]
    fn answers_with_another_number_or_none_are_not() {
        let (seal, other) = (Seal::new(), Seal::new());
        for wrong in [
            vec![],
            vec![bytes(&seal.0)],
            vec![bytes("value")],
            vec![bytes(&other.0), bytes("value")],
            vec![bytes("value"), bytes(&other.0)],
            vec![bytes("value"), Value::Nil],
            vec![bytes("value"), bytes("value"), bytes(&seal.0)],
        ] {
            assert!(seal.opened(wrong, &question()).is_err());
        }
    }

    #[test]
    fn the_number_is_behind_the_commands() {
        let seal = Seal(String::from("ring:7"));
        let packed = seal.packed(&question());
        assert!(packed.ends_with(b"$4\r\nECHO\r\n$6\r\nring:7\r\n"));
        #[cfg(feature = "tokio")]
        assert_eq!(seal.pipeline(&question()).get_packed_pipeline(), packed);
    }
}
