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
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => Fault::Broken(error.clone().into()),
        _ => Fault::Refused(error.clone().into()),
    }
}

/// Why there is no connection.
pub(super) fn connecting(error: &RedisError) -> Fault {
    match error.kind() {
        ErrorKind::Parse => Fault::Broken("what answers there is no Redis".into()),
        _ => Fault::Broken(error.clone().into()),
    }
}

/// Whether the connection was at fault, so that another may do better.
pub(super) fn is_lost(error: &RedisError) -> bool {
    error.is_connection_dropped() || error.kind() == ErrorKind::Parse
}
