//! `{method}_entry(..)`: a call without its body, and without arguments outside of its key.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};

use super::attributes;
use super::expansion::{Expansion, Place, item};
use super::parts::{Bound, Parts};
use crate::generics;
use crate::ring::model::Argument;
use crate::ring::names::uses;

impl Expansion<'_> {
    /// The function without its body.
    pub(super) fn entry(&self, place: Place) -> TokenStream {
        let ((root, span), types, call) = (self.root_of_types(), &self.types, self.in_library("Call"));
        let (returned, view) = (&types.returned, self.tagged_view());
        let (attrs, vis) = (
            attributes::of_accessors(&self.method.attrs),
            self.visibility(place),
        );
        let (entry, generics) = (
            self.method.entry(),
            self.generics(place, &self.method.keyed_generics),
        );
        let (parameters, where_clause) = (self.parameters(&generics), &generics.where_clause);
        let (arguments, borne) = (self.named(), self.borne(place));
        let arguments = arguments.map(|Argument { name, ty, .. }| quote!(#name: #ty));
        let receiver = self.method.naming_receiver().into_iter();
        let inputs = receiver.map(ToTokens::to_token_stream).chain(arguments);
        let doc = format!(
            "Names the entry of a call of {}, for the verbs that do not run its body, such as `.get()` or `.delete()`.",
            self.link()
        );
        let call = quote_spanned!(span=> #root::#call<#returned, #view, impl #root::body::Bind #borne>);
        quote! {
            #[doc = #doc]
            #(#attrs)*
            #vis fn #entry #parameters (#(#inputs),*) -> #call #where_clause
        }
    }

    /// The arguments that name an entry.
    pub(super) fn named(&self) -> impl Iterator<Item = &Argument> {
        self.method.arguments.iter().filter(|argument| !argument.unnamed)
    }

    pub(super) fn entry_body(&self) -> TokenStream {
        let Parts { before, values, .. } = Parts::of(self.method, Bound::Entry);
        let (cache, handle) = (self.coded_cache(), self.in_library("Cache"));
        let (root, returned) = (self.root, &self.types.returned);
        let call = quote!(#root::generated::#handle::name_entry::<#returned, _>(#cache, #values));
        let (tags, call) = self.tagged(call);
        let expiry = if self.knows_expiry() { self.expiry() } else { None };
        let call = self.expiring(call, expiry.is_some());
        let call = self.keeping_stale_entry(self.deciding_expiry(call));
        let holder = self.coder_holder();
        quote!(#holder #before #expiry #tags #call)
    }

    /// Whether the expiry depends only on arguments that name the entry.
    fn knows_expiry(&self) -> bool {
        let Some(expiry) = self.method.options.expiry() else {
            return true;
        };
        let unnamed = self.method.arguments.iter().filter(|argument| argument.unnamed);
        let mut unnamed = unnamed.filter_map(Argument::written_name);
        let has_self = self.method.naming_receiver().is_some();
        (has_self || !uses(expiry, "self")) && !unnamed.any(|name| uses(expiry, &name.to_string()))
    }

    /// A call of it with arguments of the same names.
    pub(super) fn entry_call(&self) -> TokenStream {
        let entry = item(self.method.entry());
        let receiver = self.method.naming_receiver().into_iter();
        let receiver = receiver.map(|receiver| receiver.self_token.to_token_stream());
        let arguments = self.named().map(|argument| argument.name.to_token_stream());
        let arguments = receiver.chain(arguments);
        let typed = !self.named().any(Argument::hides_its_type);
        let turbofish = typed.then(|| generics::turbofish(&self.method.keyed_generics));
        let entry = self.used(quote!(#entry #turbofish));
        quote!(#entry(#(#arguments),*))
    }
}
