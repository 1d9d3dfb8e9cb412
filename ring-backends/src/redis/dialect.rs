//! Commands that a server, or a proxy before it, does not support: detected once, then replaced.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use redis::{Arg, Cmd, RedisError, Value};

use super::echo_token::{EchoToken, REFUSES_ALL};
use super::faults::{MAX_CLIENTS, is_refused};
use super::lease;
use super::request::Commands;
use crate::remote::Fault;

/// A younger connection is not replaced for leading to another server: a new one would lead there, too.
const RECONNECT_INTERVAL: Duration = Duration::from_secs(1);

/// The known limits of a server.
#[derive(Default)]
pub(super) struct Dialect {
    echo: AtomicU8,
    /// Whether it lacks each [`Word`].
    lacks: [AtomicBool; 3],
    /// Whether it does not answer [joined look-ups](super::joined_lookups) of keys.
    #[cfg(feature = "tokio")]
    refuses_joined: AtomicBool,
}

/// Whether a server knows `ECHO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Echo {
    Unknown,
    Known,
    Missing,
}

impl Dialect {
    pub(super) fn echo(&self) -> Echo {
        match self.echo.load(Ordering::Relaxed) {
            1 => Echo::Known,
            2 => Echo::Missing,
            _ => Echo::Unknown,
        }
    }

    pub(super) fn set_echo(&self, echo: Echo) {
        self.echo.store(echo as u8, Ordering::Relaxed);
    }

    /// Whether a token follows commands.
    pub(super) fn has_tokens(&self) -> bool {
        self.echo() != Echo::Missing
    }

    /// The token that follows commands, if the server knows it.
    pub(super) fn token(&self) -> Option<EchoToken> {
        self.has_tokens().then(EchoToken::new)
    }

    /// The first commands on a new connection: some servers and proxies accept the connection and refuse only then.
    pub(super) fn greeting(&self) -> Commands {
        Commands::One(match self.echo() {
            Echo::Missing => redis::cmd("PING"),
            Echo::Unknown | Echo::Known => redis::cmd("ECHO").arg("ring").clone(),
        })
    }

    /// Detects by the reply to the greeting whether the server knows `ECHO`. Returns why it refuses the connection.
    pub(super) fn greeted(&self, replies: &[Value]) -> Result<(), RedisError> {
        let echo = match replies.first() {
            Some(Value::ServerError(error)) if is_full(error) => return Err(error.clone().into()),
            // A server that is not ready refuses every command.
            Some(Value::ServerError(error)) if REFUSES_ALL.contains(&error.code()) => return Ok(()),
            Some(Value::ServerError(_)) => Echo::Missing,
            _ => Echo::Known,
        };
        if self.echo() == Echo::Unknown {
            self.set_echo(echo);
        }
        Ok(())
    }

    /// A command without effect that the server knows.
    pub(super) fn nothing(&self) -> Commands {
        Commands::One(redis::cmd(match self.echo() {
            Echo::Missing => "PING",
            Echo::Unknown | Echo::Known => return Commands::Many(redis::Pipeline::new()),
        }))
    }

    /// The commands, replaced by others if the server lacks them.
    pub(super) fn translated<'c>(&self, commands: &'c Commands) -> Cow<'c, Commands> {
        let lacks = |word: Word| self.lacks[word as usize].load(Ordering::Relaxed);
        let mut said = commands.iter().filter_map(Word::of);
        match said.find(|word| lacks(*word)) {
            Some(word) => Cow::Owned(word.fallback(commands)),
            None => Cow::Borrowed(commands),
        }
    }

    /// If the server refused the word, it is replaced from now on.
    pub(super) fn note_refused(&self, word: Word, replies: &[Value]) {
        if word != Word::Evalsha && !replies.iter().any(is_refused) {
            self.lacks[word as usize].store(true, Ordering::Relaxed);
        }
    }
}

/// Look-ups that are joined.
#[cfg(feature = "tokio")]
impl Dialect {
    /// Whether the server may answer joined look-ups.
    pub(super) fn joins(&self) -> bool {
        let lacks_mget = self.lacks[Word::Mget as usize].load(Ordering::Relaxed);
        !lacks_mget && !self.refuses_joined.load(Ordering::Relaxed)
    }

    /// The server refuses them, or ended a connection at the first ones on it.
    pub(super) fn refuse_joined(&self) {
        self.refuses_joined.store(true, Ordering::Relaxed);
    }
}

/// A command that a server may not know, or its user may not use, and that has a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Replaced by `DEL`, which is slower for large values.
    Unlink,
    /// Replaced by many `GET`s, which may also have their keys on several servers.
    Mget,
    /// Replaced by `EVAL` with the text of the script, which the server then caches.
    Evalsha,
}

impl Word {
    fn of(command: &Cmd) -> Option<Self> {
        match command.args_iter().next() {
            Some(Arg::Simple(b"UNLINK")) => Some(Word::Unlink),
            Some(Arg::Simple(b"MGET")) => Some(Word::Mget),
            Some(Arg::Simple(b"EVALSHA")) => Some(Word::Evalsha),
            _ => None,
        }
    }

    /// The word that the server does not accept, if any: it says so, or ended the connection on which it was sent. The latter
    /// may have other reasons: see [`probe`](Self::probe).
    pub(super) fn refused(commands: &Commands, sent: &Result<Vec<Value>, Fault>) -> Option<Self> {
        match sent {
            Ok(replies) => {
                let mut refused = commands.iter().zip(replies);
                refused
                    .find_map(|(command, reply)| Word::of(command).filter(|word| word.is_refused_by(reply)))
            }
            // A proxy without `EVALSHA` has no `EVAL`.
            Err(Fault::Disconnected(_)) => {
                let mut words = commands.iter().filter_map(Word::of);
                words.find(|word| *word != Word::Evalsha)
            }
            Err(_) => None,
        }
    }

    /// Whether it is not accepted, by its reply.
    pub(super) fn is_refused_by(self, reply: &Value) -> bool {
        let has_code = |code| matches!(reply, Value::ServerError(error) if error.code() == code);
        match self {
            Word::Unlink => is_refused(reply),
            Word::Mget => is_refused(reply) || has_code("CROSSSLOT"),
            Word::Evalsha => has_code("NOSCRIPT"),
        }
    }

    /// A use of the word without effect. If it ends a connection as well, and the replacement did not, the server lacks the
    /// word.
    pub(super) fn probe(self) -> Commands {
        let name = match self {
            Word::Unlink => "UNLINK",
            Word::Mget => "MGET",
            Word::Evalsha => "EVALSHA",
        };
        Commands::One(redis::cmd(name).arg("ring:probe").clone())
    }

    /// The replacement of the commands.
    pub(super) fn fallback(self, commands: &Commands) -> Commands {
        let others = commands.iter().flat_map(|command| {
            if Word::of(command) != Some(self) {
                return vec![command.clone()];
            }
            let other = match self {
                Word::Unlink => "DEL",
                Word::Mget => "GET",
                Word::Evalsha => return vec![lease::with_text(command)],
            };
            let keys = command.args_iter().skip(1).filter_map(|argument| match argument {
                Arg::Simple(key) => Some(key),
                _ => None,
            });
            keys.map(|key| redis::cmd(other).arg(key).clone()).collect()
        });
        Commands::each(others, |command| command)
    }
}

/// The replies to the original commands, from those to their replacement: many `GET`s replace one `MGET`, which finds
/// nothing if a key has another type.
pub(super) fn gathered(commands: &Commands, replies: Vec<Value>) -> Vec<Value> {
    if replies.len() == commands.len() {
        return replies;
    }
    let of_any_type = |reply| match reply {
        Value::ServerError(error) if error.code() == "WRONGTYPE" => Value::Nil,
        reply => reply,
    };
    vec![Value::Array(replies.into_iter().map(of_any_type).collect())]
}

/// Whether to ask again on a new connection: one of this age leads to the wrong server, such as after a failover behind one
/// name.
pub(super) fn is_wrong_server(age: Duration, replies: &[Value]) -> bool {
    age > RECONNECT_INTERVAL && replies.iter().any(is_of_another_role)
}

fn is_full(error: &redis::ServerError) -> bool {
    error
        .details()
        .is_some_and(|details| details.starts_with(MAX_CLIENTS))
}

/// Whether a server says that it is a replica, or not ready.
fn is_of_another_role(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if ["READONLY", "MASTERDOWN", "LOADING"].contains(&error.code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(text: &str) -> Vec<Value> {
        vec![redis::parse_redis_value(text.as_bytes()).unwrap()]
    }

    fn packed(commands: &Commands) -> String {
        let mut packed = Vec::new();
        commands.pack(&mut packed);
        String::from_utf8(packed).unwrap()
    }

    #[test]
    fn removals_use_del_once_unlink_is_unknown() {
        let (dialect, removal) = (
            Dialect::default(),
            Commands::One(redis::cmd("UNLINK").arg("key").clone()),
        );
        assert!(packed(&dialect.translated(&removal)).contains("UNLINK"));
        assert_eq!(Word::refused(&removal, &Ok(replies(":1\r\n"))), None);
        assert_eq!(
            Word::refused(&removal, &Ok(replies("-READONLY You can't\r\n"))),
            None
        );
        for unknown in [
            "-ERR unknown command 'UNLINK'\r\n",
            "-unsupported command 'unlink'\r\n",
            "-NOPERM no\r\n",
        ] {
            let word = Word::refused(&removal, &Ok(replies(unknown))).unwrap();
            let other = packed(&word.fallback(&removal));
            assert_eq!(other, "*2\r\n$3\r\nDEL\r\n$3\r\nkey\r\n");
        }
        // Only an ended connection is a hint: what came out of step may still be executed.
        let lost = |fault: fn(_) -> Fault| Word::refused(&removal, &Err(fault("lost".into())));
        assert_eq!(lost(Fault::Disconnected), Some(Word::Unlink));
        assert_eq!(
            [lost(Fault::Broken), lost(Fault::Unreachable), lost(Fault::Busy)],
            [None; 3]
        );
        dialect.note_refused(Word::Unlink, &replies(":1\r\n"));
        assert!(!packed(&dialect.translated(&removal)).contains("UNLINK"));
    }

    #[test]
    fn many_values_are_read_singly_if_mget_is_refused() {
        let (dialect, look) = (
            Dialect::default(),
            Commands::One(redis::cmd("MGET").arg("a").arg("b").clone()),
        );
        assert_eq!(Word::refused(&look, &Ok(replies("*2\r\n$-1\r\n$-1\r\n"))), None);
        for refusal in ["-NOPERM no\r\n", "-CROSSSLOT Keys in request don't hash\r\n"] {
            assert_eq!(Word::refused(&look, &Ok(replies(refusal))), Some(Word::Mget));
        }
        let found = [replies("$1\r\n7\r\n"), replies("-WRONGTYPE no\r\n")].concat();
        dialect.note_refused(Word::Mget, &replies("$-1\r\n"));
        assert_eq!(dialect.translated(&look).len(), 2);
        let gathered = gathered(&look, found);
        assert_eq!(
            gathered,
            [Value::Array(vec![Value::BulkString(b"7".into()), Value::Nil])]
        );
    }

    #[test]
    fn old_connections_to_another_server_are_replaced() {
        let (old, young) = (Duration::from_secs(2), Duration::from_millis(2));
        let readonly = replies("-READONLY You can't write\r\n");
        assert!(is_wrong_server(old, &readonly) && !is_wrong_server(young, &readonly));
        assert!(!is_wrong_server(old, &replies("-OOM command not allowed\r\n")));
    }

    #[test]
    fn echo_is_detected_by_the_reply() {
        for (reply, echo) in [
            ("$6\r\nring:7\r\n", Echo::Known),
            ("-ERR invalid request\r\n", Echo::Missing),
            ("-unsupported command 'echo'\r\n", Echo::Missing),
            ("-LOADING Redis is loading\r\n", Echo::Unknown),
        ] {
            let dialect = Dialect::default();
            dialect.greeted(&replies(reply)).unwrap();
            assert_eq!(dialect.echo(), echo, "{reply}");
        }
        let full = replies("-ERR max number of clients reached\r\n");
        Dialect::default().greeted(&full).unwrap_err();
    }
}
