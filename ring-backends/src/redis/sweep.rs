//! Clearing a ring: its keys are looked for page by page, and removed; a hash goes at once.

use redis::{Cmd, Value};

use super::commands::{self, Commands};
use super::faults::Unexpected;

/// How many keys Redis looks at for one page.
const PAGE: u32 = 1_000;

/// What removes a ring from one server, step by step.
pub trait Sweep: Send + Sync {
    /// The next step.
    fn ask(&self) -> Commands;
    /// Reads its answer. Returns what removes the entries that it told of, if there are any.
    fn read(&mut self, answers: Vec<Value>) -> Result<Option<Commands>, Unexpected>;
    /// Whether that was the last step.
    fn is_over(&self) -> bool;
}

/// The way through all keys of a server.
pub struct Search {
    /// What the texts of the ring's keys begin with.
    prefix: String,
    /// What may stand before that.
    mark: &'static str,
    cursor: Vec<u8>,
}

impl Search {
    /// For the keys whose text begins with `prefix`, after the `mark` or without it.
    pub(super) fn new(prefix: String, mark: &'static str) -> Self {
        Search {
            prefix,
            mark,
            cursor: b"0".to_vec(),
        }
    }

    fn concerns(&self, key: &str) -> bool {
        let key = key.strip_prefix(self.mark).unwrap_or(key);
        let rest = key.strip_prefix(&self.prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }
}

impl Sweep for Search {
    fn ask(&self) -> Commands {
        let before = if self.mark.is_empty() { "" } else { "*" };
        let mut command = Cmd::new();
        command.arg("SCAN").arg(&self.cursor);
        command
            .arg("MATCH")
            .arg(format!("{before}{}*", literal(&self.prefix)));
        command.arg("COUNT").arg(PAGE);
        Commands::One(command)
    }

    fn read(&mut self, answers: Vec<Value>) -> Result<Option<Commands>, Unexpected> {
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

    fn is_over(&self) -> bool {
        self.cursor == b"0"
    }
}

/// The removal of one key that holds the whole ring.
pub struct Removal {
    key: String,
    over: bool,
}

impl Removal {
    pub(super) fn new(key: String) -> Self {
        Removal { key, over: false }
    }
}

impl Sweep for Removal {
    fn ask(&self) -> Commands {
        Commands::One(commands::on("UNLINK", &self.key))
    }

    fn read(&mut self, answers: Vec<Value>) -> Result<Option<Commands>, Unexpected> {
        self.over = true;
        commands::flags(answers).map(|_| None)
    }

    fn is_over(&self) -> bool {
        self.over
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
