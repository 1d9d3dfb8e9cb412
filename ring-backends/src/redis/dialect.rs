//! What a server, or a proxy before it, does not know: noticed once, then done without.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use redis::{Cmd, Value};

use super::echo_token::{EchoToken, REFUSES_ALL};
use super::request::Commands;

/// A connection that is younger is not replaced since its server is not the one to be asked: another would lead there, too.
const RECONNECT_INTERVAL: Duration = Duration::from_secs(1);

/// What is known of a server.
#[derive(Default)]
pub(super) struct Dialect {
    echo: AtomicU8,
    lacks_unlink: AtomicBool,
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

    /// The token that follows commands, if the server knows it.
    pub(super) fn token(&self) -> Option<EchoToken> {
        (self.echo() != Echo::Missing).then(EchoToken::new)
    }

    /// What a new connection is greeted with: some servers, and what lies before them, take it and refuse only then.
    pub(super) fn greeting(&self) -> Commands {
        Commands::One(match self.echo() {
            Echo::Missing => redis::cmd("PING"),
            Echo::Unknown | Echo::Known => redis::cmd("ECHO").arg("ring").clone(),
        })
    }

    /// Notices by the reply to a greeting whether the server knows `ECHO`. Returns why it does not take the connection.
    pub(super) fn greeted(&self, replies: &[Value]) -> Result<(), &'static str> {
        let echo = match replies.first() {
            Some(Value::ServerError(error)) if is_full(error) => return Err(FULL),
            // A server that is not ready refuses whatever it is asked.
            Some(Value::ServerError(error)) if REFUSES_ALL.contains(&error.code()) => return Ok(()),
            Some(Value::ServerError(_)) => Echo::Missing,
            _ => Echo::Known,
        };
        if self.echo() == Echo::Unknown {
            self.set_echo(echo);
        }
        Ok(())
    }

    /// A command that does nothing, and that the server knows.
    pub(super) fn nothing(&self) -> Commands {
        Commands::One(redis::cmd(match self.echo() {
            Echo::Missing => "PING",
            Echo::Unknown | Echo::Known => return Commands::Many(redis::Pipeline::new()),
        }))
    }

    /// The commands in words that the server knows.
    pub(super) fn translated<'c>(&self, commands: &'c Commands) -> Cow<'c, Commands> {
        if self.lacks_unlink.load(Ordering::Relaxed) && commands.mutate() {
            return Cow::Owned(without_unlink(commands));
        }
        Cow::Borrowed(commands)
    }

    /// The commands once more, in other words, if the server did not know `UNLINK`.
    pub(super) fn retranslated(&self, commands: &Commands, replies: &[Value]) -> Option<Commands> {
        let mut unknown = commands.iter().zip(replies);
        let is_unknown = unknown.any(|(command, reply)| is_unlink(command) && is_refused(reply));
        is_unknown.then(|| without_unlink(commands))
    }

    /// From now on `DEL` takes the place of `UNLINK`: it is known.
    pub(super) fn note_without_unlink(&self, replies: &[Value]) {
        if !replies.iter().any(is_refused) {
            self.lacks_unlink.store(true, Ordering::Relaxed);
        }
    }
}

/// Whether to ask again on a new connection: one that is as old as this leads to a server that is not the one to be asked, or
/// not any more, as after a failover behind one name.
pub(super) fn leads_elsewhere(age: Duration, replies: &[Value]) -> bool {
    age > RECONNECT_INTERVAL && replies.iter().any(is_of_another_role)
}

const FULL: &str = "the server refused: ERR max number of clients reached";

fn is_full(error: &redis::ServerError) -> bool {
    let details = error.details();
    details.is_some_and(|details| details.starts_with("max number of clients"))
}

/// Whether a server says that it is a replica, or not ready.
fn is_of_another_role(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if ["READONLY", "MASTERDOWN", "LOADING"].contains(&error.code()))
}

fn is_unlink(command: &Cmd) -> bool {
    matches!(command.args_iter().next(), Some(redis::Arg::Simple(name)) if name == b"UNLINK")
}

/// Errors that tell of the server's state, or of the key, and not of the command.
const OF_STATE: [&str; 13] = [
    "READONLY",
    "MASTERDOWN",
    "LOADING",
    "NOAUTH",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "MOVED",
    "ASK",
    "TRYAGAIN",
    "OOM",
    "MISCONF",
    "BUSY",
    "NOREPLICAS",
];

fn is_refused(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if !OF_STATE.contains(&error.code()))
}

/// `DEL` instead of `UNLINK`: slower for large values.
fn without_unlink(commands: &Commands) -> Commands {
    Commands::each(commands.iter(), |command| {
        if !is_unlink(command) {
            return command.clone();
        }
        let mut del = redis::cmd("DEL");
        for argument in command.args_iter().skip(1) {
            if let redis::Arg::Simple(argument) = argument {
                del.arg(argument);
            }
        }
        del
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(text: &str) -> Vec<Value> {
        vec![redis::parse_redis_value(text.as_bytes()).unwrap()]
    }

    #[test]
    fn removals_are_said_in_other_words_once_unlink_is_unknown() {
        let (dialect, removal) = (
            Dialect::default(),
            Commands::One(redis::cmd("UNLINK").arg("key").clone()),
        );
        let packed = |commands: &Commands| String::from_utf8(commands.packed()).unwrap();
        assert!(packed(&dialect.translated(&removal)).contains("UNLINK"));
        assert!(dialect.retranslated(&removal, &replies(":1\r\n")).is_none());
        assert!(
            dialect
                .retranslated(&removal, &replies("-READONLY You can't\r\n"))
                .is_none()
        );
        for unknown in [
            "-ERR unknown command 'UNLINK'\r\n",
            "-unsupported command 'unlink'\r\n",
            "-NOPERM no\r\n",
        ] {
            let other = dialect.retranslated(&removal, &replies(unknown)).unwrap();
            assert_eq!(packed(&other), "*2\r\n$3\r\nDEL\r\n$3\r\nkey\r\n");
        }
        dialect.note_without_unlink(&replies(":1\r\n"));
        assert!(!packed(&dialect.translated(&removal)).contains("UNLINK"));
    }

    #[test]
    fn old_connections_to_another_server_are_replaced() {
        let (old, young) = (Duration::from_secs(2), Duration::from_millis(2));
        let readonly = replies("-READONLY You can't write\r\n");
        assert!(leads_elsewhere(old, &readonly) && !leads_elsewhere(young, &readonly));
        assert!(!leads_elsewhere(old, &replies("-OOM command not allowed\r\n")));
    }

    #[test]
    fn echo_is_known_by_what_is_said_to_it() {
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
