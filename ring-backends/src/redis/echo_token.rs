//! Echo tokens match replies to commands. Redis numbers neither: after one reply too many or too few, each would be taken
//! for that to the next command, and so for the value of another key. So an `ECHO` of a token follows the commands, in the
//! same round trip, and its reply must follow theirs: as many as there are commands, and no other token among them.

use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "tokio")]
use redis::Cmd;
use redis::{ErrorKind, RedisError, RedisResult, Value};

/// The first number; random, so that no value equals a token.
static FIRST: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()) >> 16);

/// The number of tokens so far.
static COUNT: AtomicU64 = AtomicU64::new(0);

const PREFIX: &str = "ring:";

/// Codes of errors that a server returns for every command, `ECHO` included.
pub(super) const REFUSES_ALL: [&str; 4] = ["NOAUTH", "LOADING", "BUSY", "MASTERDOWN"];

/// The token after some commands. On a connection, tokens are sent in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EchoToken(u64);

impl EchoToken {
    pub(super) fn new() -> Self {
        EchoToken(*FIRST + COUNT.fetch_add(1, Ordering::Relaxed))
    }

    /// The token in a reply, if it is any token of this process.
    fn of(reply: &Value) -> Option<Self> {
        let text = match reply {
            Value::BulkString(bytes) => bytes,
            Value::SimpleString(text) => text.as_bytes(),
            _ => return None,
        };
        let number = str::from_utf8(text.strip_prefix(PREFIX.as_bytes())?).ok()?;
        let number = number.parse().ok()?;
        let count = COUNT.load(Ordering::Relaxed);
        (*FIRST..*FIRST + count)
            .contains(&number)
            .then_some(EchoToken(number))
    }

    /// Appends the bytes of the token's `ECHO`.
    pub(super) fn pack(self, bytes: &mut Vec<u8>) {
        let EchoToken(number) = self;
        let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
        let length = PREFIX.len() + digits;
        // Writing to memory cannot fail.
        let _ = write!(bytes, "*2\r\n$4\r\nECHO\r\n${length}\r\n{PREFIX}{number}\r\n");
    }

    #[cfg(feature = "tokio")]
    pub(super) fn command(self) -> Cmd {
        let mut command = Cmd::new();
        command.arg("ECHO").arg(format!("{PREFIX}{}", self.0));
        command
    }
}

/// The replies to some commands, of which there may be none, as they come.
pub(super) struct Replies {
    /// `None` if the server does not know `ECHO`.
    token: Option<EchoToken>,
    commands: usize,
    replies: Vec<Value>,
    is_complete: bool,
}

impl Replies {
    pub(super) fn to(commands: usize, token: Option<EchoToken>) -> Self {
        Replies {
            token,
            commands,
            replies: Vec::with_capacity(commands),
            is_complete: token.is_none() && commands == 0,
        }
    }

    /// Whether all have come, and the token behind them. Once it came, the commands before it were executed.
    pub(super) fn are_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether only the token has not come.
    #[cfg(feature = "tokio")]
    pub(super) fn have_all_but_the_token(&self) -> bool {
        self.token.is_some() && self.replies.len() == self.commands
    }

    /// Adds the next reply, while they are not [complete](Self::are_complete). Those to earlier commands are skipped when
    /// the token behind them comes.
    ///
    /// # Errors
    ///
    /// If the replies are not those to the commands.
    pub(super) fn add(&mut self, reply: Value) -> RedisResult<()> {
        let Some(token) = self.token else {
            self.replies.push(reply);
            self.is_complete = self.replies.len() == self.commands;
            return Ok(());
        };
        let are_all = self.replies.len() == self.commands;
        match EchoToken::of(&reply) {
            Some(other) if other < token => self.replies.clear(),
            Some(other) if other == token && are_all => self.is_complete = true,
            None if !are_all => self.replies.push(reply),
            None if self.is_refusal(&reply) => self.is_complete = true,
            Some(_) | None => return Err(out_of_step()),
        }
        Ok(())
    }

    /// The replies.
    ///
    /// # Errors
    ///
    /// If they are not [complete](Self::are_complete).
    pub(super) fn all(self) -> RedisResult<Vec<Value>> {
        self.is_complete.then_some(self.replies).ok_or_else(out_of_step)
    }

    /// Whether a reply behind those to all commands shows that the server refuses the token's `ECHO`.
    fn is_refusal(&self, reply: &Value) -> bool {
        let Value::ServerError(error) = reply else {
            return false;
        };
        let says_echo = |details: &str| details.to_lowercase().contains("echo");
        match error.code() {
            "ERR" | "NOPERM" => error.details().is_some_and(says_echo),
            code => REFUSES_ALL.contains(&code) && self.replies.iter().all(is_error),
        }
    }
}

fn out_of_step() -> RedisError {
    RedisError::from((ErrorKind::Parse, "the replies are those to other commands"))
}

fn is_error(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn echo(token: EchoToken) -> Value {
        bytes(&format!("{PREFIX}{}", token.0))
    }

    fn error(text: &str) -> Value {
        redis::parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap()
    }

    /// The replies to so many commands, with a token behind them.
    fn taken(commands: usize, token: EchoToken, replies: Vec<Value>) -> RedisResult<Vec<Value>> {
        let mut taken = Replies::to(commands, Some(token));
        for reply in replies {
            assert!(!taken.are_complete());
            taken.add(reply)?;
        }
        taken.all()
    }

    #[test]
    fn replies_with_their_token_are_taken() {
        let token = EchoToken::new();
        let replies = vec![bytes("value"), Value::Nil];
        let all = replies.iter().cloned().chain([echo(token)]).collect();
        assert_eq!(taken(2, token, all).unwrap(), replies);
        assert_eq!(taken(0, token, vec![echo(token)]).unwrap(), []);
    }

    #[test]
    fn replies_with_another_token_or_none_are_not() {
        let (token, later) = (EchoToken::new(), EchoToken::new());
        for wrong in [
            vec![],
            vec![echo(token)],
            vec![bytes("value")],
            vec![echo(later)],
            vec![bytes("value"), echo(later)],
            vec![bytes("value"), Value::Nil],
            vec![bytes("value"), bytes("value"), echo(token)],
        ] {
            assert!(taken(1, token, wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    /// One of several replies is doubled, or lost.
    #[test]
    fn the_number_of_replies_must_be_that_of_the_commands() {
        let token = EchoToken::new();
        let values = ["one", "two", "three"].map(bytes);
        for place in 0..values.len() {
            let mut doubled = values.to_vec();
            doubled.insert(place, values[place].clone());
            let mut lost = values.to_vec();
            lost.remove(place);
            for mut wrong in [doubled, lost] {
                wrong.push(echo(token));
                taken(values.len(), token, wrong).unwrap_err();
            }
        }
    }

    #[test]
    fn replies_are_found_behind_those_to_other_commands() {
        let (earlier, token) = (EchoToken::new(), EchoToken::new());
        let replies = vec![bytes("old"), echo(earlier), bytes("value"), echo(token)];
        assert_eq!(taken(1, token, replies).unwrap(), [bytes("value")]);
    }

    #[test]
    fn a_token_is_not_a_reply() {
        let (earlier, token) = (EchoToken::new(), EchoToken::new());
        taken(1, token, vec![echo(earlier), echo(token)]).unwrap_err();
        let value = bytes("ring:1");
        assert_eq!(
            taken(1, token, vec![value.clone(), echo(token)]).unwrap(),
            [value]
        );
    }

    #[test]
    fn a_server_may_refuse_the_token() {
        let token = EchoToken::new();
        let refusals = [
            error("ERR unknown command 'ECHO'"),
            error("NOPERM no permissions to run the 'echo' command"),
        ];
        for refusal in refusals {
            let replies = vec![bytes("value"), refusal];
            assert_eq!(taken(1, token, replies).unwrap(), [bytes("value")]);
        }
        let loading = error("LOADING Redis is loading");
        let replies = vec![loading.clone(), loading.clone()];
        let taken_alone = taken(1, token, replies).unwrap();
        assert_eq!(taken_alone, std::slice::from_ref(&loading));
        taken(1, token, vec![bytes("value"), loading]).unwrap_err();
    }

    #[test]
    fn without_a_token_replies_are_counted() {
        let mut replies = Replies::to(2, None);
        for value in ["one", "two"] {
            assert!(!replies.are_complete());
            replies.add(bytes(value)).unwrap();
        }
        assert_eq!(replies.all().unwrap(), ["one", "two"].map(bytes));
        assert!(Replies::to(0, None).are_complete());
    }

    #[test]
    fn the_token_follows_the_commands() {
        let mut packed = b"*1\r\n$4\r\nPING\r\n".to_vec();
        EchoToken(7).pack(&mut packed);
        assert!(packed.ends_with(b"PING\r\n*2\r\n$4\r\nECHO\r\n$6\r\nring:7\r\n"));
        #[cfg(feature = "tokio")]
        for number in [0, 9, 10, 281_474_976_710_656, u64::MAX] {
            let mut packed = Vec::new();
            EchoToken(number).pack(&mut packed);
            assert_eq!(EchoToken(number).command().get_packed_command(), packed);
        }
    }
}
