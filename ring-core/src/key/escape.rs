//! The escapes of the text of keys.

use std::fmt::Write;

/// A word as it stands in a key: escaped where it could be taken for structure.
pub(crate) fn escaped_word(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    push_escaped(&mut text, word.as_bytes(), is_word_byte);
    text
}

/// Bytes that stand for themselves within a word.
pub(super) fn is_word_byte(byte: u8) -> bool {
    is_plain(byte) && !b"()[]+,='\"\\".contains(&byte)
}

/// Bytes that stand for themselves within a string.
pub(super) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'%' && byte != b':'
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
