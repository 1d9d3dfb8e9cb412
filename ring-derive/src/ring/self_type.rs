//! `Self`, whose meaning changes when code moves.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit_mut::VisitMut;
use syn::{Ident, Lifetime, Type};

/// Replaces `Self` in tokens, also in those that a macro takes.
pub(crate) struct ReplaceSelf<'a> {
    /// The type for `Self` alone, if it is replaced.
    self_ty: Option<Type>,
    /// The types for `Self::Name`.
    associated: &'a [(Ident, Type)],
}

impl<'a> ReplaceSelf<'a> {
    /// Replaces `Self` in a static, which knows no lifetime except `'static`.
    pub(crate) fn in_static(self_ty: &Type) -> Self {
        struct MakeStatic;
        impl VisitMut for MakeStatic {
            fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
                lifetime.ident = Ident::new("static", lifetime.span());
            }
        }
        let mut self_ty = self_ty.clone();
        MakeStatic.visit_type_mut(&mut self_ty);
        let (self_ty, associated) = (Some(self_ty), &[][..]);
        ReplaceSelf { self_ty, associated }
    }

    /// Replaces the associated types of a trait.
    pub(crate) fn associated(associated: &'a [(Ident, Type)]) -> Self {
        let self_ty = None;
        ReplaceSelf { self_ty, associated }
    }

    pub(crate) fn replace(&self, tokens: TokenStream) -> TokenStream {
        self.trees(tokens, false)
    }

    pub(crate) fn replace_in_block(&self, block: &Group) -> Group {
        self.group(block, true)
    }

    fn group(&self, group: &Group, in_block: bool) -> Group {
        let mut replaced = Group::new(group.delimiter(), self.trees(group.stream(), in_block));
        replaced.set_span(group.span());
        replaced
    }

    fn trees(&self, tokens: TokenStream, in_block: bool) -> TokenStream {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let (mut replaced, mut rest) = (TokenStream::new(), trees.as_slice());
        while let [tree, others @ ..] = rest {
            if in_block && let Some(length) = item_with_a_self(rest) {
                replaced.extend(rest[..length].iter().cloned());
                rest = &rest[length..];
                continue;
            }
            let (ty, length) = self.path(rest).unzip();
            rest = length.map_or(others, |length| &rest[length..]);
            match (ty, tree) {
                // `<Type>::name` is a path, and `<Type>` alone is not a type.
                (Some(ty), _) if is_colon(rest.first()) => replaced.extend(quote!(<#ty>)),
                (Some(ty), _) => ty.to_tokens(&mut replaced),
                (None, TokenTree::Group(group)) => {
                    let in_block = in_block || group.delimiter() == Delimiter::Brace;
                    self.group(group, in_block).to_tokens(&mut replaced);
                }
                (None, tree) => tree.to_tokens(&mut replaced),
            }
        }
        replaced
    }

    /// The type for the path that `trees` begin with, and how many of them it takes.
    fn path(&self, trees: &[TokenTree]) -> Option<(&Type, usize)> {
        match trees {
            [TokenTree::Ident(first), ..] if first != "Self" => None,
            [TokenTree::Ident(_), one, two, TokenTree::Ident(name), ..]
                if is_colon(Some(one)) && is_colon(Some(two)) =>
            {
                let associated = self.associated.iter().find(|(known, _)| known == name);
                let associated = associated.map(|(_, ty)| (ty, 4));
                associated.or_else(|| self.self_ty.as_ref().map(|ty| (ty, 1)))
            }
            [TokenTree::Ident(_), ..] => self.self_ty.as_ref().map(|ty| (ty, 1)),
            _ => None,
        }
    }
}

/// The length of the item that `trees` begin with, if it has a `Self` of its own.
fn item_with_a_self(trees: &[TokenTree]) -> Option<usize> {
    let begins = matches!(trees, [TokenTree::Ident(word), ..] if word == "impl" || word == "trait");
    let is_block =
        |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let block = trees.iter().position(is_block).filter(|_| begins);
    block.map(|block| block + 1)
}

fn is_colon(tree: Option<&TokenTree>) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}
