//! The commands by which a connection begins: version of the protocol, login, database.

use redis::{Cmd, ErrorKind, ProtocolVersion, RedisConnectionInfo, RedisError, ServerError};

/// The commands by which a connection begins.
pub(super) fn commands(settings: &RedisConnectionInfo, user: Option<&str>) -> Vec<Cmd> {
    let (is_newer, mut commands) = (settings.protocol() == ProtocolVersion::RESP3, Vec::new());
    let mut login = redis::cmd(if is_newer { "HELLO" } else { "AUTH" });
    if is_newer {
        login.arg(3);
    }
    match (settings.password(), user) {
        (Some(password), user) if is_newer => {
            let user = user.unwrap_or("default");
            login.arg("AUTH").arg(user).arg(password);
        }
        (Some(password), user) => _ = login.arg(user).arg(password),
        (None, _) => {}
    }
    if is_newer || settings.password().is_some() {
        commands.push(login);
    }
    if settings.db() != 0 {
        commands.push(redis::cmd("SELECT").arg(settings.db()).clone());
    }
    commands
}

/// Whether a server says that it has no users, as Redis 5.
pub(super) fn has_no_users(error: &ServerError) -> bool {
    says(error, "wrong number of arguments for 'auth'")
}

fn says(error: &ServerError, words: &str) -> bool {
    error.details().is_some_and(|details| details.contains(words))
}

/// Why the server refused.
pub(super) fn refusal(error: ServerError) -> RedisError {
    // A server without a password says that it was sent AUTH.
    if error.code() == "WRONGPASS" || says(&error, "AUTH") {
        return (ErrorKind::AuthenticationFailed, "Password authentication failed").into();
    }
    error.into()
}
