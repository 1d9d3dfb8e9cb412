//! `#[ring(tags("team", id), depends(Self::user(id)))]`: the tags of entries, and the calls that they depend on.

use syn::{Expr, ExprLit, Lit, LitStr};

use super::names::uses;
use crate::parse::RingOptions;
use crate::template::{Names, Piece, pieces};

/// The tags of a method's entries.
#[derive(Default)]
pub(crate) struct Tags {
    pub(crate) named: Vec<Tag>,
    /// The calls that entries depend on.
    pub(crate) depends: Vec<Expr>,
}

/// One name in a tag.
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

    /// The number of tags: a call's own, and that of its whole ring.
    pub(crate) fn count(&self) -> usize {
        self.named.len() + 2 * self.depends.len()
    }

    /// Whether this argument, or `self`, is used.
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

    /// A name in a text for which `is_known` is false.
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
