//! The stable names of types.

use std::fmt::{self, Display, Write};

use super::enclosing::enclosing_functions;
use super::escape::escaped_word;

/// Collects the stable name of a type: see [`RingKey::ring_name`](super::RingKey::ring_name).
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::{RingKey, TypeName};
///
/// let mut name = TypeName::default();
/// Vec::<Option<u32>>::ring_name(&mut name);
/// assert_eq!(name.to_string(), "Vec<Option<u32>>");
/// ```
#[derive(Clone, Debug, Default)]
pub struct TypeName {
    text: String,
    unnamed: bool,
}

impl TypeName {
    /// Appends text; unprintable characters are escaped.
    pub fn text(&mut self, text: &str) {
        for character in text.chars() {
            if character.is_ascii_graphic() && !matches!(character, ':' | '%') {
                self.text.push(character);
            } else {
                self.text
                    .push_str(&escaped_word(character.encode_utf8(&mut [0; 4])));
            }
        }
    }

    /// Appends a path, as `module_path!()` gives it, with `.` between its segments.
    pub fn path(&mut self, path: &str) {
        self.text(&path.replace("::", ".").replace("r#", ""));
    }

    /// Appends the path of a type that is declared in `module`, with the enclosing functions, which `module_path!()` omits.
    pub fn declared<T: ?Sized>(&mut self, module: &str, name: &str) {
        self.place(std::any::type_name::<T>(), module, 1);
        self.path(name);
    }

    /// Appends the module and the functions that an item is declared in, each with its `.`.
    pub(crate) fn place(&mut self, type_name: &str, module: &str, own_items: usize) {
        self.path(module);
        self.text(".");
        self.path(&enclosing_functions(type_name, module, own_items));
    }

    /// Appends `name<arguments>`.
    pub fn generic(&mut self, name: &str, arguments: impl FnOnce(&mut Self)) {
        self.text(name);
        self.text("<");
        arguments(self);
        self.text(">");
    }

    /// Appends the value of a const parameter.
    pub fn value(&mut self, value: &dyn Display) {
        let mut text = String::new();
        write!(text, "{value}").expect("a String takes everything");
        self.text(&text);
    }

    /// Marks the type as having no stable name.
    pub fn unnamed(&mut self) {
        self.unnamed = true;
        self.text.push('_');
    }

    /// Appends another name after an unescaped text.
    pub(crate) fn append(&mut self, before: &str, other: &TypeName) {
        self.text.push_str(before);
        self.text.push_str(&other.text);
        self.unnamed |= other.unnamed;
    }

    /// Whether a part of the name is missing.
    pub(crate) fn is_unnamed(&self) -> bool {
        self.unnamed
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::TypeName;

    #[test]
    fn a_name_with_a_part_that_is_missing_says_so() {
        let mut name = TypeName::default();
        name.text("Vec");
        assert!(!name.is_unnamed());
        name.unnamed();
        assert!(name.is_unnamed());
        assert_eq!(name.as_str(), "Vec_");
    }
}
