//! Converts errors of Redis and its client to faults of a storage, without passwords and values.

use std::error::Error;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, Value};

use crate::remote::Fault;
use crate::remote::unopened::Unopened;

/// Why a reply could not be read.
pub enum Unexpected {
    /// It is an error of the server.
    Error(RedisError),
    /// It does not fit the command.
    Reply,
}

impl Unexpected {
    /// The reply, if it is not an error.
    pub(super) fn check(reply: Value) -> Result<Value, Unexpected> {
        match reply {
            Value::ServerError(error) => Err(Unexpected::Error(error.into())),
            reply => Ok(reply),
        }
    }
}

impl From<Unexpected> for Fault {
    fn from(unexpected: Unexpected) -> Self {
        match unexpected {
            Unexpected::Error(error) => fault(&error),
            // The reply is omitted: it may be a value.
            Unexpected::Reply => Fault::Broken("the reply does not fit the command".into()),
        }
    }
}

/// Why commands failed.
pub(super) fn fault(error: &RedisError) -> Fault {
    if error.is_timeout() {
        return Fault::Timeout;
    }
    match error.kind() {
        // The error is omitted: it shows received bytes.
        ErrorKind::Parse => Fault::Broken("invalid reply: not the protocol of Redis".into()),
        _ if error.is_connection_dropped() => Fault::Disconnected(shown(error).into()),
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => Fault::Broken(shown(error).into()),
        _ => Fault::Refused(shown(error).into()),
    }
}

/// Why a connection could not be opened.
pub(super) fn connecting(error: &RedisError) -> Unopened {
    match error.kind() {
        ErrorKind::Parse => Unopened::Failed("not a Redis server".to_owned()),
        _ if is_full(error) => Unopened::Full(shown(error)),
        _ => Unopened::Failed(shown(error)),
    }
}

/// The beginning of the error of a server at its limit of clients.
pub(super) const MAX_CLIENTS: &str = "max number of clients reached";

/// The error of a server at its limit of clients.
#[cfg(feature = "tokio")]
pub(super) fn full() -> RedisError {
    RedisError::from((ErrorKind::Client, "the server refused", MAX_CLIENTS.to_owned()))
}

/// Whether the server or this process is at its limit of connections.
fn is_full(error: &RedisError) -> bool {
    let has_max = error
        .detail()
        .is_some_and(|detail| detail.starts_with(MAX_CLIENTS));
    let source = error
        .source()
        .and_then(|source| source.downcast_ref::<Arc<dyn Error + Send + Sync>>());
    let of_system = source.and_then(|source| source.downcast_ref());
    has_max || of_system.is_some_and(Unopened::is_of_this_process)
}

/// Beginnings of errors of servers. Only these are shown: servers repeat the arguments of commands, as in
/// "unknown command 'SET', with args beginning with: ..", which may be values and passwords.
const KNOWN: [&str; 14] = [
    "DB index is out of range",
    "Client sent AUTH, but no password is set",
    "Protocol error",
    "invalid expire time",
    "invalid password",
    MAX_CLIENTS,
    "syntax error",
    "unknown command",
    "unknown subcommand",
    "wrong number of arguments",
    "This instance has cluster support disabled",
    "Operation against a key holding the wrong kind of value",
    "command not allowed when used memory > 'maxmemory'",
    "Authentication required",
];

/// The text of an error, without anything that a server may have repeated.
fn shown(error: &RedisError) -> String {
    if error.kind() == ErrorKind::Io {
        return error.to_string();
    }
    let said = match error.code() {
        Some(code) if is_code(code) => format!("the server refused: {code}"),
        Some(_) => "the server refused".to_owned(),
        None if is_full(error) => "the server refused:".to_owned(),
        None => error.category().to_owned(),
    };
    let detail = error.detail().unwrap_or_default();
    match KNOWN.iter().find(|known| detail.starts_with(**known)) {
        Some(known) => format!("{said} {known}"),
        None => said,
    }
}

/// Whether it can be a code of Redis's errors, such as `WRONGTYPE`.
fn is_code(word: &str) -> bool {
    word.len() <= 16 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether the connection must be closed.
pub(super) fn is_lost(error: &RedisError) -> bool {
    error.is_connection_dropped() || error.kind() == ErrorKind::Parse
}

/// Whether commands may be retried on another connection. Not those that `mutate` entries and may still take effect after
/// later commands.
pub(super) fn may_be_sent_again(error: &RedisError, mutate: bool) -> bool {
    error.is_connection_dropped() || (is_lost(error) && !mutate)
}

/// Codes of errors about the server's state or the key, not the command.
const OF_STATE: [&str; 14] = [
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
    "WRONGTYPE",
];

/// Whether a server refuses this kind of command.
pub(super) fn is_refused(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if !OF_STATE.contains(&error.code()))
}
