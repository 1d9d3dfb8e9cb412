//! `Self`, which changes its meaning when code moves.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit_mut::VisitMut;
use syn::{Ident, Lifetime, Type};

/// Replaces `Self` by the type, and these lifetimes by `'static`, in the code of a static.
pub(crate) fn in_static(self_ty: &Type, lifetimes: &[String], code: TokenStream) -> TokenStream {
    struct MakeStatic;
    impl VisitMut for MakeStatic {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            lifetime.ident = Ident::new("static", lifetime.span());
        }
    }
    let mut self_ty = self_ty.clone();
    MakeStatic.visit_type_mut(&mut self_ty);
    replace(&self_ty, lifetimes, code)
}

/// Replaces `Self` in tokens, also in macro arguments.
fn replace(self_ty: &Type, lifetimes: &[String], code: TokenStream) -> TokenStream {
    let mut replaced = TokenStream::new();
    let mut trees = code.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(word) if word == "Self" => match trees.peek() {
                // `<Type>::name` is a path; `<Type>` alone is not a type.
                Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => {
                    replaced.extend(quote!(<#self_ty>))
                }
                _ => self_ty.to_tokens(&mut replaced),
            },
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                replaced.extend([TokenTree::Punct(punct)]);
                if let Some(TokenTree::Ident(name)) =
                    trees.next_if(|next| lifetimes.iter().any(|name| next.to_string() == *name))
                {
                    replaced.extend([TokenTree::Ident(Ident::new("static", name.span()))]);
                }
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), replace(self_ty, lifetimes, group.stream()));
                inner.set_span(group.span());
                replaced.extend([TokenTree::Group(inner)]);
            }
            tree => replaced.extend([tree]),
        }
    }
    replaced
}
