//! Texts with names in braces, like those of `format!`: `user:{id}`, parsed into pieces.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr, Member};

/// A part of the text.
pub(crate) enum Piece {
    Text(String),
    Place(Place),
}

/// `{user.id}`: a name, and the fields below it.
pub(crate) struct Place {
    pub(crate) root: String,
    pub(crate) members: Vec<Member>,
    pub(crate) written: String,
}

/// The kind of names in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Arguments of a call, or `self`.
    Arguments,
    /// Fields of a type.
    Fields,
}

/// Parses the text. Adjacent texts are joined.
pub(crate) fn pieces(text: &LitStr, names: Names) -> syn::Result<Vec<Piece>> {
    let reader = Reader {
        text,
        names,
        pieces: Vec::new(),
    };
    reader.read()
}

struct Reader<'a> {
    text: &'a LitStr,
    names: Names,
    pieces: Vec<Piece>,
}

impl Reader<'_> {
    fn read(mut self) -> syn::Result<Vec<Piece>> {
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
                    let place = self.place(inner)?;
                    self.pieces.push(Piece::Place(place));
                    rest = others;
                }
                '}' => return self.error("this `}` closes nothing: write `}}` for a brace"),
                other => self.push(other),
            }
        }
        Ok(self.pieces)
    }

    fn push(&mut self, character: char) {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(character),
            _ => self.pieces.push(Piece::Text(character.into())),
        }
    }

    fn place(&self, inner: &str) -> syn::Result<Place> {
        let written = inner.trim();
        if written.is_empty() {
            return self.error(match self.names {
                Names::Arguments => "`{}` names nothing: write the name of an argument, as in `{id}`",
                Names::Fields => "`{}` names nothing: write the name of a field, as in `{id}`",
            });
        }
        if let Some((name, _)) = written.split_once(':') {
            let message = format!("values are written as keys are, and take no format: write `{{{name}}}`");
            return self.error(&message);
        }
        let mut names = written.split('.');
        let root = names.next().unwrap_or_default();
        let members: Result<Vec<Member>, _> = names.map(|name| self.member(name)).collect();
        match members {
            Ok(members) if self.is_name(root) => Ok(Place {
                root: root.trim_start_matches("r#").to_owned(),
                members,
                written: written.to_owned(),
            }),
            _ => self.error(&self.not_a_name(written)),
        }
    }

    fn is_name(&self, root: &str) -> bool {
        let is_ident = root == "self" || name(root).is_some();
        is_ident || (self.names == Names::Fields && syn::parse_str::<syn::Index>(root).is_ok())
    }

    fn not_a_name(&self, written: &str) -> String {
        match self.names {
            Names::Arguments => format!(
                "`{{{written}}}` is not an argument or a field of one, as `{{id}}` or `{{user.id}}`: for other values, \
                 write `key = EXPRESSION`"
            ),
            Names::Fields => format!(
                "`{{{written}}}` is not a field or a field of one, as `{{id}}` or `{{user.id}}`: for other values, write \
                 `#[ring_key(with = function)]` on the field"
            ),
        }
    }

    fn member(&self, written: &str) -> syn::Result<Member> {
        let mut member = match name(written) {
            Some(name) => Member::Named(name),
            None => syn::parse_str(written)?,
        };
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

/// The name. A keyword means the raw name, as in `format!`.
fn name(written: &str) -> Option<Ident> {
    let raw = || {
        let cannot_be_raw = ["self", "Self", "super", "crate", "_"].contains(&written);
        Ident::parse_any
            .parse_str(written)
            .ok()
            .filter(|_| !cannot_be_raw)
    };
    let name = syn::parse_str::<Ident>(written).ok();
    name.or_else(|| raw().map(|name| Ident::new_raw(&name.to_string(), name.span())))
}
