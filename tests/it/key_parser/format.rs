//! The parser of formats: alternating texts and values.

use super::parser::segment;
use super::schema::{Schema, Value};

/// Reads the fields of a text without its quotes.
pub(super) fn read(text: &str, before: &str, fields: &[(Schema, &str)]) -> Option<Vec<Value>> {
    // A colon may have been restored in a last segment.
    let text = text.replace(':', "%3A");
    let mut rest = text.strip_prefix(&escaped(before))?;
    let mut values = Vec::new();
    let (last, others) = fields.split_last()?;
    for (schema, between) in others {
        let (value, others) = split(rest, between)?;
        values.push(segment(&value, schema)?);
        rest = others;
    }
    values.push(segment(rest.strip_suffix(&escaped(last.1))?, &last.0)?);
    Some(values)
}

/// The value up to the first separator, and the rest after the text between.
fn split<'a>(text: &'a str, between: &str) -> Option<(String, &'a str)> {
    let is_separator = |character: &char| character.is_ascii_punctuation() && *character != '%';
    let separator = between.chars().find(is_separator)?;
    let (before, after) = between.split_once(separator)?;
    let written = escaped(&separator.to_string());
    let tokens = tokens(text);
    let at = tokens.iter().position(|token| *token == written)?;
    let value: String = tokens[..at].concat();
    let value = value.strip_suffix(&escaped(before))?;
    let rest = &text[tokens[..=at].concat().len()..];
    Some((
        with_separator(value, separator)?,
        rest.strip_prefix(&escaped(after))?,
    ))
}

/// Undoes the escape of the separator.
fn with_separator(text: &str, separator: char) -> Option<String> {
    let escape = format!("%{:02X}", u32::from(separator));
    let mut rest = text;
    let mut value = String::new();
    while let Some(&token) = tokens(rest).first() {
        rest = &rest[token.len()..];
        if token == escape {
            value.push(separator);
        } else if token == "%25" {
            let (digits, others) = rest.split_at_checked(2)?;
            (format!("%{digits}") == escape || digits == "25").then_some(())?;
            value.push('%');
            value.push_str(digits);
            rest = others;
        } else {
            value.push_str(token);
        }
    }
    Some(value)
}

/// Characters and escapes.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (token, others) = rest.split_at(if rest.starts_with('%') { 3 } else { 1 });
        tokens.push(token);
        rest = others;
    }
    tokens
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'!'..=b'~' if byte != b'%' && byte != b':' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}
