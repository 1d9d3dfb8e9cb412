//! `key = "user:{id}"`: the parts of the text become segments.

use proc_macro2::Span;
use syn::LitStr;

use crate::template::{Names, Piece, Place, pieces};

/// A key written as a text.
pub(crate) struct Template {
    pub(crate) text: LitStr,
    pub(crate) segments: Vec<Segment>,
}

/// The text between two `:`.
#[derive(Default)]
pub(crate) struct Segment {
    pub(crate) before: String,
    /// `None` for text only.
    pub(crate) place: Option<Place>,
    pub(crate) after: String,
}

impl Template {
    pub(crate) fn parse(text: &LitStr) -> syn::Result<Self> {
        let (mut segments, mut open) = (Vec::new(), Segment::default());
        for piece in pieces(text, Names::Arguments)? {
            match piece {
                Piece::Text(part) => {
                    let mut parts = part.split(':');
                    open.push(parts.next().unwrap_or_default());
                    for next in parts {
                        segments.push(std::mem::take(&mut open));
                        open.push(next);
                    }
                }
                Piece::Place(place) => open.place(text, place)?,
            }
        }
        segments.push(open);
        Ok(Template {
            text: text.clone(),
            segments,
        })
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.segments.iter().filter_map(|segment| segment.place.as_ref())
    }

    pub(crate) fn span(&self) -> Span {
        self.text.span()
    }
}

impl Segment {
    fn push(&mut self, text: &str) {
        match &self.place {
            Some(_) => self.after.push_str(text),
            None => self.before.push_str(text),
        }
    }

    fn place(&mut self, text: &LitStr, place: Place) -> syn::Result<()> {
        if let Some(other) = &self.place {
            let message = format!(
                "`{{{}}}` and `{{{}}}` could run together, so that two calls share a key: write `:` between them",
                other.written, place.written
            );
            return Err(syn::Error::new(text.span(), message));
        }
        self.place = Some(place);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::{LitStr, parse_quote};

    use super::Template;

    fn read(text: &str) -> Vec<String> {
        let literal = LitStr::new(text, proc_macro2::Span::call_site());
        let template = Template::parse(&literal).unwrap_or_else(|error| panic!("{text}: {error}"));
        let segments = template.segments.into_iter();
        let segments = segments.map(|segment| {
            let place = segment.place.map(|place| {
                let members = place
                    .members
                    .iter()
                    .map(|member| member.to_token_stream().to_string());
                let names: Vec<_> = std::iter::once(place.root.clone()).chain(members).collect();
                format!("{{{}}}", names.join("."))
            });
            format!("{}{}{}", segment.before, place.unwrap_or_default(), segment.after)
        });
        segments.collect()
    }

    #[test]
    fn texts_are_read_into_segments() {
        assert_eq!(read("user:{id}"), ["user", "{id}"]);
        assert_eq!(
            read("{self.tenant}:{user.0.id}"),
            ["{self.tenant}", "{user.0.id}"]
        );
        assert_eq!(read("a-{ id }.json"), ["a-{id}.json"]);
        assert_eq!(read("{{a}}:{b}"), ["{a}", "{b}"]);
        assert_eq!(read(""), [""]);
        assert_eq!(read("{r#type}"), ["{type}"]);
    }

    #[test]
    fn mistakes_are_errors() {
        for text in [
            "{", "}", "{}", "{a:?}", "{a()}", "{a}{b}", "{0}", "{a.b()}", "{a[0]}", "{a}-{b}",
        ] {
            let literal: LitStr = parse_quote!(#text);
            assert!(Template::parse(&literal).is_err(), "{text}");
        }
    }
}
