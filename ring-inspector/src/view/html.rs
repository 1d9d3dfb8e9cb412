//! HTML with escaped text.

use std::fmt::{Display, Write};

/// A piece of HTML.
#[derive(Default)]
pub(crate) struct Html(String);

/// Escapes written text.
struct Escaping<'h>(&'h mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Control characters other than tabs and line feeds are invalid in HTML; characters that reverse the
                // direction of text could misrepresent it.
                '\t' | '\n' => self.0.push(character),
                _ if character.is_control() || turns_round(character) => {
                    self.0.extend(character.escape_unicode());
                }
                _ => self.0.push(character),
            }
        }
        Ok(())
    }
}

fn turns_round(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl Html {
    /// Adds markup of the program.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text, as content or between the quotes of an attribute.
    pub(crate) fn text(&mut self, text: impl Display) -> &mut Self {
        let _ = write!(Escaping(&mut self.0), "{text}");
        self
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let mut html = Html::default();
        html.raw("<b title=\"")
            .text("\" onclick='x'")
            .raw("\">")
            .text("</b><script>&amp;\u{202e}\0");
        assert_eq!(
            html.finish(),
            "<b title=\"&quot; onclick=&#39;x&#39;\">&lt;/b&gt;&lt;script&gt;&amp;amp;\\u{202e}\\u{0}"
        );
    }
}
