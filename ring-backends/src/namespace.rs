//! The text before all keys of a storage that others share.

use std::fmt::Write;

/// The namespace as it stands before a key: `shop` as `shop:`, and none as nothing.
///
/// A `:` of its own, and what is not printable ASCII, is escaped: no namespace reads as a part of another.
pub(crate) fn prefix(namespace: &str) -> String {
    let mut prefix = String::with_capacity(namespace.len() + 1);
    for byte in namespace.bytes() {
        if byte.is_ascii_graphic() && !b"%:".contains(&byte) {
            prefix.push(char::from(byte));
        } else {
            write!(prefix, "%{byte:02X}").expect("a String takes everything");
        }
    }
    if !prefix.is_empty() {
        prefix.push(':');
    }
    prefix
}
