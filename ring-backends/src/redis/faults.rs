//! What goes wrong with Redis, as storages report it. Neither passwords nor values are in it.

use redis::{ErrorKind, RedisError, Value};

use crate::remote::Fault;

/// An answer that is not the one to the question.
pub enum Unexpected {
    /// An error of the server.
    Error(RedisError),
    /// Something else.
    Answer,
}

impl Unexpected {
    /// Passes on what is no error.
    pub(super) fn check(answer: Value) -> Result<Value, Unexpected> {
        match answer {
            Value::ServerError(error) => Err(Unexpected::Error(error.into())),
            answer => Ok(answer),
        }
    }
}

impl From<Unexpected> for Fault {
    fn from(unexpected: Unexpected) -> Self {
        match unexpected {
            Unexpected::Error(error) => asked(&error),
            // It might show values.
            Unexpected::Answer => Fault::Broken("the answer is not one to the question".into()),
        }
    }
}

/// Why a question was not answered.
pub(super) fn asked(error: &RedisError) -> Fault {
    if error.is_timeout() {
        return Fault::Silent;
    }
    match error.kind() {
        // It shows what was sent, which may be values.
        ErrorKind::Parse => Fault::Broken("what came is not the protocol of Redis".into()),
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => Fault::Broken(shown(error).into()),
        _ => Fault::Refused(shown(error).into()),
    }
}

/// Why a connection could not be opened.
pub(super) fn connecting(error: &RedisError) -> String {
    match error.kind() {
        ErrorKind::Parse => "not a Redis server".to_owned(),
        _ => shown(error),
    }
}

/// What errors of servers begin with that helps whoever reads it. All else of them is not shown: servers repeat what they
/// were sent, as "unknown command 'SET', with args beginning with: .." does, which may be values and passwords.
const KNOWN: [&str; 14] = [
    "DB index is out of range",
    "Client sent AUTH, but no password is set",
    "Protocol error",
    "invalid expire time",
    "invalid password",
    "max number of clients reached",
    "syntax error",
    "unknown command",
    "unknown subcommand",
    "wrong number of arguments",
    "This instance has cluster support disabled",
    "Operation against a key holding the wrong kind of value",
    "command not allowed when used memory > 'maxmemory'",
    "Authentication required",
];

/// What an error says, without what a server may have repeated.
fn shown(error: &RedisError) -> String {
    if error.kind() == ErrorKind::Io {
        return error.to_string();
    }
    let said = match error.code() {
        Some(code) if is_code(code) => format!("the server refused: {code}"),
        Some(_) => "the server refused".to_owned(),
        None => error.category().to_owned(),
    };
    let detail = error.detail().unwrap_or_default();
    match KNOWN.iter().find(|known| detail.starts_with(**known)) {
        Some(known) => format!("{said} {known}"),
        None => said,
    }
}

/// Whether it can be the code that errors of Redis begin with, such as `WRONGTYPE`.
fn is_code(word: &str) -> bool {
    word.len() <= 16 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether the connection is of no use any more.
pub(super) fn is_lost(error: &RedisError) -> bool {
    error.is_connection_dropped() || error.kind() == ErrorKind::Parse
}

/// Whether commands may be sent again on another connection. Those that `change` entries may not be if they may still
/// take effect, later than the commands after them.
pub(super) fn may_be_sent_again(error: &RedisError, change: bool) -> bool {
    error.is_connection_dropped() || (is_lost(error) && !change)
}
