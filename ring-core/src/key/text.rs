//! The writer of text, for people and remote storages.
//!
//! Text is printable ASCII without spaces. Whether a `:` ends a segment is known only when the next segment begins, so `:`
//! is escaped at first, and restored in the last segment.

use std::fmt::Write;

use super::KeyBytes;
use super::escape::{is_plain, is_word_byte, push_escaped, separator, without_separator};
use super::name::Name;
use super::replay::Replay;
use super::{Bracket, EncodedKey, KeyWriter, RingKey, sealed::Sealed};

/// Renders the text of a key.
pub(crate) fn key_text<K: RingKey + ?Sized>(key: &K) -> String {
    text_in_namespace("", key)
}

/// Renders the text of a key after the text of a [namespace](namespace_text): the beginning of
/// [`Key::in_namespace`](super::Key::in_namespace).
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::key::text_in_namespace;
///
/// assert_eq!(text_in_namespace("shop:", &("users", 7_u32)), "shop:('users',7)");
/// ```
pub fn text_in_namespace<K: RingKey + ?Sized>(namespace: &str, key: &K) -> String {
    let mut text = String::with_capacity(namespace.len() + USUAL);
    text.push_str(namespace);
    let mut writer = TextWriter {
        segment: text.len(),
        text,
        ..TextWriter::default()
    };
    key.ring_key(&mut writer);
    writer.finish()
}

/// The text of a recorded key.
pub(crate) fn recorded_text(key: &KeyBytes) -> String {
    key_text(&Replay::of_bytes(&key.0))
}

/// The initial capacity: most keys are shorter.
const USUAL: usize = 96;

/// The text of a storage's namespace before all keys: `shop:`. Empty for an empty one.
///
/// In the namespace, `:` and everything unprintable are escaped, so that no namespace can reach into another.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::key::namespace_text;
///
/// assert_eq!(namespace_text("shop"), "shop:");
/// assert_eq!(namespace_text("a:b"), "a%3Ab:");
/// ```
pub fn namespace_text(namespace: &str) -> String {
    let mut text = String::with_capacity(namespace.len() + 1);
    push_escaped(&mut text, namespace.as_bytes(), is_plain);
    if !text.is_empty() {
        text.push(':');
    }
    text
}

/// Quotes the text from `start` on like Python's `repr`, so that lists of strings look the same in both languages.
fn quote_from(text: &mut String, start: usize) {
    let raw = text.split_off(start);
    let quote = if raw.contains('\'') && !raw.contains('"') {
        '"'
    } else {
        '\''
    };
    text.push(quote);
    for character in raw.chars() {
        if character == '\\' || character == quote {
            text.push('\\');
        }
        text.push(character);
    }
    text.push(quote);
}

#[derive(Default)]
struct TextWriter {
    text: String,
    /// Where the current segment begins.
    segment: usize,
    /// How many groups are open.
    depth: usize,
    /// Whether the current element has a part.
    started: bool,
    /// Whether a label was written and its part was not.
    labelled: bool,
    /// The start and mark of the segment's only part if it is a string: it then needs neither mark nor quotes.
    lone: Option<(usize, &'static str)>,
    /// Whether the segment has several parts.
    joined: bool,
    /// Whether anything was begun: only at the beginning does a recorded key stand for the whole key.
    nested: bool,
    /// What follows the value of the segment.
    after: String,
    /// The formats that are open.
    formats: Vec<Format>,
}

/// A format, and the state before it.
struct Format {
    start: usize,
    /// Where its current value begins.
    value: usize,
    depth: usize,
    joined: bool,
}

impl TextWriter {
    fn part(&mut self) {
        if self.started && !self.labelled {
            if let Some((start, mark)) = self.lone.take() {
                self.quote(start, mark);
            }
            self.joined |= self.depth == 0;
            self.text.push('+');
        }
        self.started = true;
        self.labelled = false;
        self.nested = true;
    }

    fn string(&mut self, value: &[u8], mark: &'static str) {
        self.part();
        let start = self.text.len();
        push_escaped(&mut self.text, value, is_plain);
        self.end_string(start, mark);
    }

    /// A string is quoted, unless it is the only part of the segment.
    fn end_string(&mut self, start: usize, mark: &'static str) {
        if self.depth == 0 && !self.joined {
            self.lone = Some((start, mark));
        } else {
            self.quote(start, mark);
        }
    }

    fn quote(&mut self, start: usize, mark: &str) {
        quote_from(&mut self.text, start);
        self.text.insert_str(start, mark);
    }

    fn display(&mut self, value: impl std::fmt::Display) {
        self.part();
        write!(self.text, "{value}").expect("a String takes everything");
    }

    fn begin(&mut self) {
        self.started = false;
        self.labelled = false;
        self.nested = true;
    }

    fn end(&mut self) {
        if !self.started || self.labelled {
            self.text.push_str("()");
        }
        self.started = true;
        self.labelled = false;
    }

    /// Begins a value of a format, which reads like a segment.
    fn begin_value(&mut self, before: &str) {
        push_escaped(&mut self.text, before.as_bytes(), is_plain);
        if let Some(format) = self.formats.last_mut() {
            format.value = self.text.len();
        }
        self.lone = None;
        self.joined = false;
        self.begin();
    }

    fn finish(mut self) -> String {
        if self.labelled {
            self.end();
        }
        // An escaped `%` is `%25`, so every `%3A` was a `:`.
        if self.text[self.segment..].contains("%3A") {
            let last = self.text.split_off(self.segment).replace("%3A", ":");
            self.text.push_str(&last);
        }
        self.text
    }
}

impl Sealed for TextWriter {}

impl KeyWriter for TextWriter {
    fn unsigned(&mut self, value: u64) {
        self.display(value);
    }

    fn signed(&mut self, value: i64) {
        self.display(value);
    }

    fn unsigned_wide(&mut self, value: u128) {
        self.display(value);
    }

    fn signed_wide(&mut self, value: i128) {
        self.display(value);
    }

    fn float(&mut self, value: f64) {
        self.display(format_args!("{value:?}"));
    }

    fn float_narrow(&mut self, value: f32) {
        self.display(format_args!("{value:?}"));
    }

    fn text(&mut self, value: &str) {
        self.string(value.as_bytes(), "");
    }

    fn bytes(&mut self, value: &[u8]) {
        self.string(value, "b");
    }

    fn word(&mut self, word: &str) {
        self.part();
        push_escaped(&mut self.text, word.as_bytes(), is_word_byte);
    }

    fn label(&mut self, name: &str) {
        self.part();
        push_escaped(&mut self.text, name.as_bytes(), is_word_byte);
        self.text.push('=');
        self.labelled = true;
    }

    fn open(&mut self, name: &str, bracket: Bracket) {
        self.word(name);
        self.text.push(match bracket {
            Bracket::Round => '(',
            Bracket::Square => '[',
        });
        self.depth += 1;
        self.started = false;
    }

    fn close(&mut self, bracket: Bracket) {
        self.text.push(match bracket {
            Bracket::Round => ')',
            Bracket::Square => ']',
        });
        self.depth -= 1;
        self.started = true;
        self.labelled = false;
    }

    fn begin_element(&mut self) {
        // Names and quoted strings never end in an open bracket.
        if !self.text.ends_with(['(', '[']) {
            self.text.push(',');
        }
        self.begin();
    }

    fn end_element(&mut self) {
        self.end();
    }

    fn ring(&mut self, name: &Name) {
        self.text.push_str(name.as_str());
        self.segment = self.text.len();
        self.nested = true;
    }

    fn begin_segment(&mut self) {
        self.text.push(':');
        self.segment = self.text.len();
        self.lone = None;
        self.joined = false;
        self.begin();
    }

    fn end_segment(&mut self) {
        self.end();
        self.text.push_str(&std::mem::take(&mut self.after));
    }

    fn surround(&mut self, before: &str, after: &str) {
        push_escaped(&mut self.text, before.as_bytes(), is_plain);
        push_escaped(&mut self.after, after.as_bytes(), is_plain);
    }

    fn open_format(&mut self, before: &str) {
        self.part();
        let start = self.text.len();
        self.formats.push(Format {
            start,
            value: start,
            depth: std::mem::take(&mut self.depth),
            joined: self.joined,
        });
        self.begin_value(before);
    }

    fn next_field(&mut self, between: &str) {
        self.end();
        if let (Some(format), Some(separator)) = (self.formats.last(), separator(between)) {
            let value = self.text.split_off(format.value);
            self.text.push_str(&without_separator(&value, separator));
        }
        self.begin_value(between);
    }

    fn close_format(&mut self, after: &str) {
        self.end();
        push_escaped(&mut self.text, after.as_bytes(), is_plain);
        let format = self.formats.pop().expect("the format was opened");
        (self.depth, self.joined, self.lone) = (format.depth, format.joined, None);
        self.end_string(format.start, "");
    }

    fn recorded(&mut self, key: &EncodedKey) {
        if self.nested {
            self.text(&key_text(key));
        } else {
            Replay::of(key).ring_key(self);
        }
    }
}
