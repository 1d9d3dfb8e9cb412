//! `key = "user:{id}"`: the text is read into segments.

use proc_macro2::Span;
use syn::{Ident, LitStr, Member};

/// A key that is written as a text.
pub(crate) struct Template {
    pub(crate) text: LitStr,
    pub(crate) segments: Vec<Segment>,
}

/// What stands between two `:` of the text.
pub(crate) struct Segment {
    pub(crate) before: String,
    /// `None` for a text alone.
    pub(crate) place: Option<Place>,
    pub(crate) after: String,
}

/// `{user.id}`: an argument or `self`, and the fields below it.
pub(crate) struct Place {
    pub(crate) root: String,
    pub(crate) members: Vec<Member>,
    written: String,
}

impl Template {
    pub(crate) fn parse(text: &LitStr) -> syn::Result<Self> {
        let segments = Reader {
            text,
            segments: Vec::new(),
            open: Segment::empty(),
        };
        Ok(Template {
            text: text.clone(),
            segments: segments.read()?,
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
    fn empty() -> Self {
        Segment {
            before: String::new(),
            place: None,
            after: String::new(),
        }
    }
}

struct Reader<'a> {
    text: &'a LitStr,
    segments: Vec<Segment>,
    /// The segment that has not ended yet.
    open: Segment,
}

impl Reader<'_> {
    fn read(mut self) -> syn::Result<Vec<Segment>> {
        let text = self.text.value();
        let mut rest = text.as_str();
        while let Some(character) = rest.chars().next() {
            rest = &rest[character.len_utf8()..];
            match character {
                '{' | '}' if rest.starts_with(character) => {
                    self.push(character);
                    rest = &rest[1..];
                }
                '{' => {
                    let Some((inner, others)) = rest.split_once('}') else {
                        return self.error("this `{` is not closed: write `{name}`, or `{{` for a brace");
                    };
                    self.place(inner)?;
                    rest = others;
                }
                '}' => return self.error("this `}` closes nothing: write `}}` for a brace"),
                ':' => {
                    let ended = std::mem::replace(&mut self.open, Segment::empty());
                    self.segments.push(ended);
                }
                other => self.push(other),
            }
        }
        self.segments.push(self.open);
        Ok(self.segments)
    }

    fn push(&mut self, character: char) {
        match &self.open.place {
            Some(_) => self.open.after.push(character),
            None => self.open.before.push(character),
        }
    }

    fn place(&mut self, inner: &str) -> syn::Result<()> {
        let place = self.parse_place(inner)?;
        if let Some(other) = self.open.place.replace(place) {
            let message = format!(
                "`{{{}}}` and `{{{inner}}}` could run together, so that two calls share a key: write `:` between them",
                other.written
            );
            return self.error(&message);
        }
        Ok(())
    }

    fn parse_place(&self, inner: &str) -> syn::Result<Place> {
        let written = inner.trim();
        if written.is_empty() {
            return self.error("`{}` names nothing: write the name of an argument, as in `{id}`");
        }
        if let Some((name, _)) = written.split_once(':') {
            let message = format!("values are written as keys are, and take no format: write `{{{name}}}`");
            return self.error(&message);
        }
        let mut names = written.split('.');
        let root = names.next().unwrap_or_default();
        let is_name = root == "self" || syn::parse_str::<Ident>(root).is_ok();
        let members: Result<Vec<Member>, _> = names.map(|name| self.member(name)).collect();
        match members {
            Ok(members) if is_name => Ok(Place {
                root: root.trim_start_matches("r#").to_owned(),
                members,
                written: written.to_owned(),
            }),
            _ => self.error(&format!(
                "`{{{written}}}` is not an argument or a field of one, as `{{id}}` or `{{user.id}}`: for other values, \
                 write `key = EXPRESSION`"
            )),
        }
    }

    fn member(&self, name: &str) -> syn::Result<Member> {
        let mut member: Member = syn::parse_str(name)?;
        match &mut member {
            Member::Named(name) => name.set_span(Span::call_site().located_at(self.text.span())),
            Member::Unnamed(index) => index.span = self.text.span(),
        }
        Ok(member)
    }

    fn error<T>(&self, message: &str) -> syn::Result<T> {
        Err(syn::Error::new(self.text.span(), message))
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
    fn mistakes_are_told() {
        for text in [
            "{", "}", "{}", "{a:?}", "{a()}", "{a}{b}", "{0}", "{a.b()}", "{a[0]}", "{a}-{b}",
        ] {
            let literal: LitStr = parse_quote!(#text);
            assert!(Template::parse(&literal).is_err(), "{text}");
        }
    }
}
