//! `#[ring(tags("team", id), depends(Self::user(id)))]`: the groups that entries are in, and the calls that they depend on.

use syn::{Expr, ExprLit, Lit, LitStr};

use super::named_calls::{is_call, own_method, without_object};
use super::names::uses;
use crate::errors::Errors;
use crate::parse::RingOptions;
use crate::template::{Names, Piece, pieces};

/// The tags of a method's entries.
#[derive(Default)]
pub(crate) struct Tags {
    pub(crate) named: Vec<Tag>,
    /// The calls that entries depend on.
    pub(crate) depends: Vec<Expr>,
}

/// One name of a group.
pub(crate) enum Tag {
    /// `"team:{id}"`
    Text(LitStr, Vec<Piece>),
    /// A value that a key can have.
    Value(Expr),
}

impl Tags {
    pub(crate) fn of(options: &RingOptions) -> syn::Result<Self> {
        let named = options.tags.iter().map(Tag::of);
        Ok(Tags {
            named: named.collect::<syn::Result<_>>()?,
            depends: options.depends.clone(),
        })
    }

    /// The number of tags: a call has its own, and that of its whole ring.
    pub(crate) fn count(&self) -> usize {
        self.named.len() + 2 * self.depends.len()
    }

    /// Whether this argument, or `self`, is named.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.named.iter().any(|tag| tag.names(name)) || self.depends.iter().any(|call| uses(call, name))
    }
}

impl Tag {
    fn of(written: &Expr) -> syn::Result<Self> {
        match written {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Ok(Tag::Text(text.clone(), pieces(text, Names::Arguments)?)),
            written => Ok(Tag::Value(written.clone())),
        }
    }

    pub(crate) fn names(&self, name: &str) -> bool {
        match self {
            Tag::Text(_, pieces) => pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Place(place) if place.root == name)),
            Tag::Value(value) => uses(value, name),
        }
    }

    /// A name in a text that `is_known` is false of.
    pub(crate) fn unknown(&self, is_known: impl Fn(&str) -> bool) -> Option<(&LitStr, &str)> {
        let Tag::Text(text, pieces) = self else {
            return None;
        };
        pieces.iter().find_map(|piece| match piece {
            Piece::Place(place) if !is_known(&place.root) => Some((text, place.root.as_str())),
            _ => None,
        })
    }
}

/// Checks that calls are named.
pub(crate) fn check_calls(depends: &[Expr], sig: &syn::Signature, errors: &mut Errors) {
    for call in depends {
        if !is_call(call) {
            let message = "not a call of a cached method: write `Self::user(id)`, or `Self::user(..)` for all calls of a \
                           method";
            errors.at(call, message);
        } else if let Some(token) = without_object(call, sig) {
            let message =
                "this function has no `self`: add `&self`, or name a function of the type, `Self::user(id)`";
            errors.at(token, message);
        } else if own_method(call).is_some_and(|method| *method == sig.ident) {
            errors.at(call, "an entry cannot depend on its own method: name another one");
        }
    }
}
