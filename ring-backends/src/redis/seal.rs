//! What shows that answers are those to a question. Redis numbers neither, so that after an answer that came twice, or never,
//! each would be taken for that to the next question: for another key's value. So each question ends with a number that
//! is to come back behind its answers. That takes no further round trip.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "tokio")]
use redis::Pipeline;
use redis::{Cmd, ErrorKind, RedisError, RedisResult, Value};

use super::commands::Commands;

/// Where numbers begin: at random, so that no value looks like one of them.
static FIRST: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()) >> 16);

/// How many there are.
static COUNT: AtomicU64 = AtomicU64::new(0);

const PREFIX: &str = "ring:";

/// How much may come before the answers that are waited for.
const MOST_OF_OTHERS: usize = 1024;

/// Errors of servers that answer nobody at the moment, or not us.
const NOT_NOW: [&str; 4] = ["NOAUTH", "LOADING", "BUSY", "MASTERDOWN"];

/// The number of one question.
pub(super) struct Seal(String);

impl Seal {
    pub(super) fn new() -> Self {
        let number = *FIRST + COUNT.fetch_add(1, Ordering::Relaxed);
        Seal(format!("{PREFIX}{number}"))
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

    /// Whether nothing more is to be waited for: the number came, or what a server says that repeats none, or as much that is
    /// not to another question. Once the number came, the commands before it were carried out, also if their answers are lost
    /// among others.
    pub(super) fn is_last_of(&self, answers: &[Value], commands: usize) -> bool {
        let Some((last, before)) = answers.split_last() else {
            return false;
        };
        let most = commands + MOST_OF_OTHERS;
        let is_enough = before.len() >= commands && !answers.iter().any(is_seal);
        is_enough || before.len() >= most || self.is_behind(last, before, commands)
    }

    /// The answers to the commands, if they are among these: what came before may be to other questions.
    pub(super) fn opened(&self, mut answers: Vec<Value>, commands: &Commands) -> RedisResult<Vec<Value>> {
        let last = answers.pop();
        let is_complete = last.is_some_and(|last| self.is_behind(&last, &answers, commands.len()));
        let first = answers.len().checked_sub(commands.len()).filter(|_| is_complete);
        match first {
            Some(first) if first == 0 || is_seal(&answers[first - 1]) => {
                answers.drain(..first);
            }
            _ => return Err(others()),
        }
        if answers.iter().any(is_seal) {
            return Err(others());
        }
        Ok(answers)
    }

    /// Whether this answer, after those before it, is the number's.
    fn is_behind(&self, answer: &Value, before: &[Value], commands: usize) -> bool {
        let Value::ServerError(error) = answer else {
            return text(answer) == Some(self.0.as_bytes());
        };
        let refuses_echo = || {
            error
                .details()
                .is_some_and(|said| said.to_lowercase().contains("echo"))
        };
        before.len() == commands
            && match error.code() {
                "ERR" | "NOPERM" => refuses_echo(),
                code => NOT_NOW.contains(&code) && before.iter().all(is_error),
            }
    }
}

fn others() -> RedisError {
    RedisError::from((ErrorKind::Parse, "the answers are those to another question"))
}

fn is_error(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(_))
}

fn text(answer: &Value) -> Option<&[u8]> {
    match answer {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// Whether it is the number of any question of this process.
fn is_seal(answer: &Value) -> bool {
    let number = text(answer).and_then(|text| str::from_utf8(text).ok()?.strip_prefix(PREFIX)?.parse().ok());
    let count = COUNT.load(Ordering::Relaxed);
    number.is_some_and(|number: u64| (*FIRST..*FIRST + count).contains(&number))
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
    fn answers_are_found_behind_those_to_another_question() {
        let (other, seal) = (Seal::new(), Seal::new());
        let mut answers = vec![];
        for (answer, is_last) in [
            ("old", false),
            (&*other.0, false),
            ("value", false),
            (&*seal.0, true),
        ] {
            answers.push(bytes(answer));
            assert_eq!(seal.is_last_of(&answers, 1), is_last);
        }
        assert_eq!(seal.opened(answers, &question()).unwrap(), [bytes("value")]);
    }

    #[test]
    fn a_number_is_no_answer() {
        let (other, seal) = (Seal::new(), Seal::new());
        assert!(
            seal.opened(vec![bytes(&other.0), bytes(&seal.0)], &question())
                .is_err()
        );
        let value = bytes("ring:1");
        assert_eq!(
            seal.opened(vec![value.clone(), bytes(&seal.0)], &question())
                .unwrap(),
            [value]
        );
    }

    #[test]
    fn without_its_number_a_question_does_not_wait_for_ever() {
        let (other, seal) = (Seal::new(), Seal::new());
        assert!(seal.is_last_of(&[bytes("value"), bytes("value")], 1));
        let many = vec![bytes(&other.0); 2 + MOST_OF_OTHERS];
        assert!(seal.is_last_of(&many, 1) && !seal.is_last_of(&many[1..], 1));
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
