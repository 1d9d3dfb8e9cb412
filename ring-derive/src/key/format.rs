//! `format = "{tenant}/{id}"`: the text of a type in keys.

use syn::LitStr;

use crate::template::{Names, Piece, Place, pieces};

/// A text with fields in it.
pub(crate) struct Format {
    pub(crate) text: LitStr,
    /// The text before the first field.
    pub(crate) before: String,
    /// The fields, and the text after each.
    pub(crate) fields: Vec<(Place, String)>,
}

impl Format {
    pub(crate) fn parse(text: &LitStr) -> syn::Result<Self> {
        let mut format = Format {
            text: text.clone(),
            before: String::new(),
            fields: Vec::new(),
        };
        for piece in pieces(text, Names::Fields)? {
            match (piece, format.fields.last_mut()) {
                (Piece::Text(part), None) => format.before = part,
                (Piece::Text(part), Some((_, after))) => *after = part,
                (Piece::Place(place), _) => format.fields.push((place, String::new())),
            }
        }
        format.check_separators()?;
        Ok(format)
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.fields.iter().map(|(place, _)| place)
    }

    fn check_separators(&self) -> syn::Result<()> {
        let pairs = self.fields.iter().zip(self.places().skip(1));
        for ((first, between), second) in pairs {
            if !between.contains(is_separator) {
                let message = format!(
                    "`{{{}}}` and `{{{}}}` could run together, so that two values share a key: write a mark such as `/` \
                     between them",
                    first.written, second.written
                );
                return Err(syn::Error::new(self.text.span(), message));
            }
        }
        Ok(())
    }
}

/// Whether the library escapes the character in the value before it.
fn is_separator(character: char) -> bool {
    character.is_ascii_punctuation() && character != '%'
}

#[cfg(test)]
mod tests {
    use syn::{LitStr, parse_quote};

    use super::Format;

    fn parse(text: &str) -> syn::Result<Format> {
        let literal: LitStr = parse_quote!(#text);
        Format::parse(&literal)
    }

    fn read(text: &str) -> Vec<String> {
        let format = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let fields = format.fields.into_iter();
        let parts = fields.flat_map(|(place, after)| [place.written, after]);
        std::iter::once(format.before).chain(parts).collect()
    }

    #[test]
    fn texts_stand_around_fields() {
        assert_eq!(read("{id}"), ["", "id", ""]);
        assert_eq!(read("user-{id}"), ["user-", "id", ""]);
        assert_eq!(read("{0}/{1}.html"), ["", "0", "/", "1", ".html"]);
        assert_eq!(read("{{{user.id}}}"), ["{", "user.id", "}"]);
        assert_eq!(read("{a} by: {b}"), ["", "a", " by: ", "b", ""]);
        assert_eq!(read("all"), ["all"]);
    }

    #[test]
    fn fields_need_a_mark_between_them() {
        for text in ["{a}{b}", "{a}x{b}", "{a} {b}", "{a}%{b}", "{a}ä{b}", "{a}/{b}{c}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
