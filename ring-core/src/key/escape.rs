//! The escapes of the text of keys.

use std::fmt::Write;

/// A word as it is in a key: escaped where it could be taken for structure.
pub(crate) fn escaped_word(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    push_escaped(&mut text, word.as_bytes(), is_word_byte);
    text
}

/// Bytes that are not escaped within a word.
pub(super) fn is_word_byte(byte: u8) -> bool {
    is_plain(byte) && !b"()[]+,='\"\\".contains(&byte)
}

/// Bytes that are not escaped within a string.
pub(super) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'%' && byte != b':'
}

/// The first character of `between` that the value before it must escape.
pub(super) fn separator(between: &str) -> Option<u8> {
    between
        .bytes()
        .find(|byte| byte.is_ascii_punctuation() && *byte != b'%')
}

/// Escapes the separator in an escaped text.
///
/// Existing escapes of the separator must differ from new ones: their `%` is escaped, and that of each `%25`.
pub(super) fn without_separator(text: &str, separator: u8) -> String {
    let escape = format!("%{separator:02X}");
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = if character == '%' { escape.len() } else { 1 };
        let (token, others) = rest.split_at(length);
        if token == escape || token == "%25" {
            result.push_str("%25");
            result.push_str(&token[1..]);
        } else if character == char::from(separator) {
            result.push_str(&escape);
        } else {
            result.push_str(token);
        }
        rest = others;
    }
    result
}

pub(super) fn push_escaped(text: &mut String, bytes: &[u8], plain: impl Fn(u8) -> bool) {
    for &byte in bytes {
        if plain(byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a String takes everything");
        }
    }
}
