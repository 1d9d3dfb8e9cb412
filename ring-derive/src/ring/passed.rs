//! How the method passes an argument to its accessor.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{FieldPat, Ident, Pat, PatIdent};

/// The pattern of an argument in the method, and the expression of its value.
///
/// Other macros on the method refer to the names of the user's pattern, so it stays, and the value is rebuilt from them. If
/// that is not possible, the argument gets a name.
/// that cannot be done, the argument gets a name.
pub(crate) struct Passed {
    pub(crate) pattern: TokenStream,
    pub(crate) value: TokenStream,
}

impl Passed {
    pub(crate) fn of(pattern: &Pat, name: &Ident) -> Self {
        let (pattern, value) =
            whole(pattern).unwrap_or_else(|| (name.to_token_stream(), name.to_token_stream()));
        Passed { pattern, value }
    }

    /// Whether the value is read from a variable marked as unused.
    pub(crate) fn reads_underscored(&self) -> bool {
        reads_underscored(self.value.clone())
    }
}

fn reads_underscored(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident.to_string().starts_with('_'),
        TokenTree::Group(group) => reads_underscored(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The pattern without `mut`, and the destructured value, if the pattern keeps all of it.
fn whole(pattern: &Pat) -> Option<(TokenStream, TokenStream)> {
    match pattern {
        Pat::Ident(PatIdent {
            by_ref: None,
            ident,
            subpat: None,
            ..
        }) => Some((quote!(#ident), quote!(#ident))),
        Pat::Tuple(tuple) => {
            let (patterns, values) = all(tuple.elems.iter())?;
            Some((quote!((#(#patterns,)*)), quote!((#(#values,)*))))
        }
        Pat::TupleStruct(tuple) if tuple.qself.is_none() => {
            let path = &tuple.path;
            let (patterns, values) = all(tuple.elems.iter())?;
            Some((quote!(#path(#(#patterns),*)), quote!(#path(#(#values),*))))
        }
        Pat::Struct(pattern) if pattern.qself.is_none() && pattern.rest.is_none() => {
            let path = &pattern.path;
            // The short form of `Point { x }` stays.
            let members = pattern.fields.iter().map(
                |FieldPat {
                     member, colon_token, ..
                 }| {
                    let member = colon_token.map(|_| member);
                    quote!(#member #colon_token)
                },
            );
            let members: Vec<_> = members.collect();
            let (patterns, values) = all(pattern.fields.iter().map(|field| &*field.pat))?;
            Some((
                quote!(#path { #(#members #patterns),* }),
                quote!(#path { #(#members #values),* }),
            ))
        }
        Pat::Reference(reference) if reference.mutability.is_none() => {
            let (pattern, value) = whole(&reference.pat)?;
            Some((quote!(&#pattern), quote!(&#value)))
        }
        Pat::Paren(paren) => whole(&paren.pat),
        _ => None,
    }
}

/// All patterns, and their values.
fn all<'p>(patterns: impl Iterator<Item = &'p Pat>) -> Option<(Vec<TokenStream>, Vec<TokenStream>)> {
    patterns
        .map(whole)
        .collect::<Option<Vec<_>>>()
        .map(|all| all.into_iter().unzip())
}
