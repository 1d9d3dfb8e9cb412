//! The values of options.

use darling::{Error, FromMeta};
use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, ExprPath, Lit, LitStr, Meta};

/// A word that stands in keys as it is written.
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Word {
    fn of(literal: &LitStr, option: &str) -> darling::Result<Self> {
        let text = literal.value();
        let problem = if text.is_empty() {
            format!("`{option}` is empty: leave it out, or write a word")
        } else if let Some(character) = text.chars().find(|&character| !stands_for_itself(character)) {
            format!(
                "{character:?} cannot stand in a `{option}`: write printable ASCII without spaces, and without {STRUCTURE}"
            )
        } else {
            return Ok(Word {
                text,
                span: literal.span(),
            });
        };
        Err(Error::custom(problem).with_span(&literal.span()))
    }
}

/// What keys use for their own structure.
const STRUCTURE: &str = r#"%:()[]+,='"\"#;

fn stands_for_itself(character: char) -> bool {
    character.is_ascii_graphic() && !STRUCTURE.contains(character)
}

impl FromMeta for Word {
    fn from_meta(option: &Meta) -> darling::Result<Self> {
        let name = option_name(option);
        match value(option) {
            Some(Expr::Lit(ExprLit {
                lit: Lit::Str(literal),
                ..
            })) => Self::of(literal, &name),
            other => {
                let message = format!("`{name}` is a string: write `{name} = \"…\"`");
                Err(Error::custom(message).with_span(&other.map_or_else(|| option.span(), Spanned::span)))
            }
        }
    }
}

/// The function that feeds a field in the place of its own `RingKey`.
pub(crate) struct Function(pub(crate) ExprPath);

impl FromMeta for Function {
    fn from_meta(option: &Meta) -> darling::Result<Self> {
        match value(option) {
            Some(Expr::Path(path)) => Ok(Function(path.clone())),
            other => {
                let message = "`with` is the path of a function `fn(&Field, &mut impl KeyWriter)`: write `with = function`";
                Err(Error::custom(message).with_span(&other.map_or_else(|| option.span(), Spanned::span)))
            }
        }
    }
}

/// An option without a value.
pub(crate) struct Mark;

impl FromMeta for Mark {
    fn from_meta(option: &Meta) -> darling::Result<Self> {
        let name = option_name(option);
        match option {
            Meta::Path(_) => Ok(Mark),
            Meta::List(_) | Meta::NameValue(_) => {
                let message = format!("`{name}` takes no value: write it alone");
                Err(Error::custom(message).with_span(&option.path().span()))
            }
        }
    }
}

fn value(option: &Meta) -> Option<&Expr> {
    match option {
        Meta::NameValue(pair) => Some(&pair.value),
        Meta::Path(_) | Meta::List(_) => None,
    }
}

fn option_name(option: &Meta) -> String {
    option
        .path()
        .get_ident()
        .map(ToString::to_string)
        .unwrap_or_default()
}
