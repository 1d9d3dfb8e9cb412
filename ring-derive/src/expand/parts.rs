//! The values that a call binds: those of its key, and those that only the body needs.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::facade;
use crate::model::{Argument, Method};
use crate::naming;

/// The tuple of bound values, and the pattern that takes it apart again.
pub(super) struct Parts<'a> {
    root: &'a TokenStream,
    pub(super) values: TokenStream,
    pub(super) patterns: TokenStream,
}

impl<'a> Parts<'a> {
    pub(super) fn of(method: &Method, root: &'a TokenStream) -> Self {
        let mut parts = Parts {
            root,
            values: TokenStream::new(),
            patterns: TokenStream::new(),
        };
        let options = &method.options;
        if let Some(key) = &options.key {
            parts.keyed(key, key, quote!(_));
        }
        if let (Some(_), Some(owner)) = (options.class, &method.owner) {
            let class = naming::class_name(&owner.self_ty);
            parts.keyed(&class, &class, quote!(_));
        }
        if let Some(receiver) = method.keyed_receiver() {
            parts.keyed(receiver.self_token, receiver.self_token, quote!(_));
        }
        for argument in &method.arguments {
            parts.argument(argument);
        }
        parts
    }

    fn argument(&mut self, argument: &Argument) {
        let Argument {
            name,
            pattern,
            ty,
            ignored,
        } = argument;
        if *ignored {
            let root = self.root;
            self.values.extend(quote!(#root::generated::Ignored(#name),));
            self.patterns.extend(quote!(#root::generated::Ignored(#pattern),));
        } else {
            self.keyed(name, ty, pattern.to_token_stream());
        }
    }

    /// A value that joins the key, and the place of the error if it cannot.
    fn keyed(&mut self, value: impl ToTokens, place: impl ToTokens, pattern: TokenStream) {
        let span = Span::call_site().located_at(place.span());
        let root = facade::path_at(self.root, span);
        self.values
            .extend(quote_spanned!(span=> #root::generated::keyed(#value),));
        self.patterns.extend(quote!(#pattern,));
    }
}
