//! Clearing a ring: a scan finds and removes its keys page by page; a hash is removed at once.

use redis::{Cmd, Value};

use super::faults::Unexpected;
use super::request::{self, Commands};
use super::stored_key::LEASE;

/// The number of keys that Redis examines per page.
const PAGE: u32 = 1_000;

/// The removal of a ring from one server, step by step.
pub(super) trait RingScan: Send + Sync {
    /// The next step.
    fn step(&self) -> Commands;
    /// Reads the reply to it. Returns the commands that remove the found entries, if any.
    fn read(&mut self, replies: Vec<Value>) -> Result<Option<Commands>, Unexpected>;
    /// Whether that was the last step.
    fn is_over(&self) -> bool;
}

/// A scan of all keys of a server.
pub(super) struct KeyScan {
    /// The prefix of the ring's keys.
    prefix: String,
    /// An optional prefix before it.
    before: &'static str,
    /// The start of the next page. `None` after the last.
    cursor: Option<String>,
}

/// The result of one step of a scan.
pub(super) struct Page {
    /// The start of the next step. `None` after the last.
    pub(super) next: Option<String>,
    /// All found keys.
    pub(super) found: Vec<Vec<u8>>,
}

impl Page {
    /// Reads the reply to `SCAN` or a similar command.
    pub(super) fn read(replies: Vec<Value>) -> Result<Self, Unexpected> {
        let page = replies.into_iter().next().ok_or(Unexpected::Reply)?;
        let Value::Array(page) = Unexpected::check(page)? else {
            return Err(Unexpected::Reply);
        };
        let Ok([Value::BulkString(cursor), Value::Array(found)]) = <[Value; 2]>::try_from(page) else {
            return Err(Unexpected::Reply);
        };
        let cursor = String::from_utf8(cursor).map_err(|_| Unexpected::Reply)?;
        let bytes = |found| match found {
            Value::BulkString(bytes) => Ok(bytes),
            _ => Err(Unexpected::Reply),
        };
        let found: Result<Vec<_>, _> = found.into_iter().map(bytes).collect();
        Ok(Page {
            next: Some(cursor).filter(|cursor| cursor != "0"),
            found: found?,
        })
    }
}

/// The texts among it: all keys of rings are text.
pub(super) fn texts(found: impl IntoIterator<Item = Vec<u8>>) -> impl Iterator<Item = String> {
    found
        .into_iter()
        .filter_map(|bytes| String::from_utf8(bytes).ok())
}

/// `SCAN` for the keys that begin with `prefix`, with or without `before` in front of it. Examines `count` of the server's
/// keys.
pub(super) fn scan(prefix: &str, before: &str, cursor: &str, count: u32) -> Cmd {
    let before = if before.is_empty() { "" } else { "*" };
    let mut command = Cmd::new();
    command.arg("SCAN").arg(cursor);
    command.arg("MATCH").arg(format!("{before}{}*", literal(prefix)));
    command.arg("COUNT").arg(count);
    command
}

impl KeyScan {
    /// For the keys that begin with `prefix`, with or without `before` in front of it.
    pub(super) fn new(prefix: String, before: &'static str) -> Self {
        KeyScan {
            prefix,
            before,
            cursor: Some("0".to_owned()),
        }
    }

    fn is_of_ring(&self, key: &str) -> bool {
        let key = key.strip_prefix(self.before).unwrap_or(key);
        let rest = key.strip_prefix(&self.prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':') || rest.starts_with(LEASE))
    }
}

impl RingScan for KeyScan {
    fn step(&self) -> Commands {
        let cursor = self.cursor.as_deref().unwrap_or("0");
        Commands::One(scan(&self.prefix, self.before, cursor, PAGE))
    }

    fn read(&mut self, replies: Vec<Value>) -> Result<Option<Commands>, Unexpected> {
        let Page { next, found } = Page::read(replies)?;
        self.cursor = next;
        let own: Vec<String> = texts(found).filter(|key| self.is_of_ring(key)).collect();
        let removal = || Commands::each(&own, |key| request::on("UNLINK", key));
        Ok((!own.is_empty()).then(removal))
    }

    fn is_over(&self) -> bool {
        self.cursor.is_none()
    }
}

/// The removal of one key that holds the whole ring.
pub(super) struct KeyRemoval {
    key: String,
    over: bool,
}

impl KeyRemoval {
    pub(super) fn new(key: String) -> Self {
        KeyRemoval { key, over: false }
    }
}

impl RingScan for KeyRemoval {
    fn step(&self) -> Commands {
        Commands::One(request::on("UNLINK", &self.key))
    }

    fn read(&mut self, replies: Vec<Value>) -> Result<Option<Commands>, Unexpected> {
        self.over = true;
        request::flags(replies).map(|_| None)
    }

    fn is_over(&self) -> bool {
        self.over
    }
}

/// The pattern of Redis that matches this text only.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if matches!(character, '\\' | '*' | '?' | '[' | ']') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}
