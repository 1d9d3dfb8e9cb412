//! Clearing a ring: its keys are looked for page by page, and removed.

use redis::{Cmd, Value};

use super::commands::{self, Commands};
use super::faults::Unexpected;

/// How many keys Redis looks at for one page.
const PAGE: u32 = 1_000;

/// The way through all keys of one server.
pub struct Sweep {
    /// What the texts of the ring's keys begin with.
    prefix: String,
    cursor: Vec<u8>,
}

impl Sweep {
    /// The keys of the ring whose keys begin with this text.
    pub(super) fn of_keys(prefix: &str) -> Self {
        Sweep {
            prefix: prefix.to_owned(),
            cursor: b"0".to_vec(),
        }
    }

    /// Asks for the next page.
    pub(super) fn ask(&self) -> Commands {
        let mut command = Cmd::new();
        command.arg("SCAN").arg(&self.cursor).arg("MATCH");
        command.arg(literal(&self.prefix) + "*").arg("COUNT").arg(PAGE);
        Commands::One(command)
    }

    /// Reads a page. Returns what removes the ring's keys that are in it, if there are any.
    pub(super) fn read(&mut self, answers: Vec<Value>) -> Result<Option<Commands>, Unexpected> {
        let page = answers.into_iter().next().ok_or(Unexpected::Answer)?;
        let Value::Array(page) = Unexpected::check(page)? else {
            return Err(Unexpected::Answer);
        };
        let Ok([Value::BulkString(cursor), Value::Array(found)]) = <[Value; 2]>::try_from(page) else {
            return Err(Unexpected::Answer);
        };
        self.cursor = cursor;
        let found = found.into_iter().filter_map(|key| match key {
            Value::BulkString(key) => String::from_utf8(key).ok(),
            _ => None,
        });
        let own: Vec<String> = found.filter(|key| self.concerns(key)).collect();
        let removal = || Commands::each(&own, |key| commands::on("UNLINK", key));
        Ok((!own.is_empty()).then(removal))
    }

    /// Whether that was the last page.
    pub(super) fn is_over(&self) -> bool {
        self.cursor == b"0"
    }

    fn concerns(&self, key: &str) -> bool {
        let rest = key.strip_prefix(&self.prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }
}

/// A pattern of Redis that this text alone matches.
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
