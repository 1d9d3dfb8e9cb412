//! The code that feeds fields.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;

use super::model::Field;

/// A field, and the expression that refers to its value.
pub(crate) struct Part<'a> {
    pub(crate) field: &'a Field<'a>,
    pub(crate) value: TokenStream,
}

impl Part<'_> {
    /// Feeds the field alone, without a name of its own unless the user gave it one.
    pub(crate) fn transparent(&self, root: &TokenStream) -> TokenStream {
        let label = label(root, self.field.rename().as_deref());
        let feed = self.feed(root);
        quote!(#label #feed)
    }

    /// Feeds the field as an element of an open group.
    fn element(&self, root: &TokenStream) -> TokenStream {
        let label = label(root, self.field.label().as_deref());
        let feed = self.feed(root);
        quote! {
            #root::KeyWriter::begin_element(__key);
            #label
            #feed
            #root::KeyWriter::end_element(__key);
        }
    }

    /// The type's own tokens stand in the call, so that a missing `RingKey` is reported at the user's field.
    fn feed(&self, root: &TokenStream) -> TokenStream {
        let value = &self.value;
        if let Some(with) = &self.field.options.with {
            let function = &with.0;
            let arguments = at(function.span(), quote!(#value, __key));
            return quote!(#function(#arguments););
        }
        let ty = &self.field.field.ty;
        quote!(<#ty as #root::RingKey>::ring_key(#value, __key);)
    }
}

/// The tokens, as if they were written at `span`: an error in them is reported there.
fn at(span: Span, tokens: TokenStream) -> TokenStream {
    let span = span.resolved_at(Span::call_site());
    let moved = tokens.into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    moved.collect()
}

/// Names what follows, if there is a name.
pub(crate) fn label(root: &TokenStream, name: Option<&str>) -> Option<TokenStream> {
    name.map(|name| quote!(#root::KeyWriter::label(__key, #name);))
}

/// Feeds a bare word.
pub(crate) fn word(root: &TokenStream, word: &str) -> TokenStream {
    quote!(#root::KeyWriter::word(__key, #word);)
}

/// Feeds a group: `name(…,…)`.
pub(crate) fn group(root: &TokenStream, name: &str, parts: &[Part<'_>]) -> TokenStream {
    let elements = parts.iter().map(|part| part.element(root));
    quote! {
        #root::KeyWriter::open(__key, #name, #root::Bracket::Round);
        #(#elements)*
        #root::KeyWriter::close(__key, #root::Bracket::Round);
    }
}
