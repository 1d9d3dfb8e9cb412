//! The code of one cached method: the method itself, its accessor, the entry, and the handle of the whole.

pub(crate) mod attributes;
mod cache;
mod call;
mod entry;
mod expansion;
mod freshness;
mod parts;
mod tags;
mod types;

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, FnArg};

use self::expansion::{Expansion, Place};
use super::model::{Argument, Method};
use super::named_calls::Methods;
use super::owner::Owner;
use crate::generics;
use crate::root::located_at;

/// The code of a cached method.
pub(crate) struct Expanded {
    /// The method, which now calls the accessor.
    pub(crate) method: TokenStream,
    /// The accessor, the entry and the handle.
    pub(crate) accessors: TokenStream,
    /// Their declarations, for the trait of the accessors.
    pub(crate) declarations: TokenStream,
    /// Inherent methods that call them, if their trait is hidden.
    pub(crate) inherent: TokenStream,
}

/// Expands a checked method.
pub(crate) fn expand(method: &Method, methods: &Methods) -> Expanded {
    let expansion = Expansion::of(method, methods);
    let bodies = [
        expansion.accessor_body(),
        expansion.entry_body(),
        expansion.cache_body(),
    ];
    let functions = expansion.functions(Place::Own).into_iter().zip(bodies);
    let functions = functions.map(|(function, body)| quote!(#[inline] #function { #body }));
    let job = expansion.job_function(Place::Own);
    let declarations = expansion.functions(Place::Declared);
    let job_declaration = expansion.job_function(Place::Declared);
    Expanded {
        method: expansion.method(),
        accessors: quote!(#(#functions)* #job),
        declarations: quote!(#(#declarations;)* #job_declaration),
        inherent: expansion.inherent(),
    }
}

impl Expansion<'_> {
    /// The user's method with another body.
    fn method(&self) -> TokenStream {
        let Method { attrs, vis, .. } = self.method;
        let attrs = attributes::of_method(attrs);
        let mut sig = self.method.written.clone();
        let arguments = sig.inputs.iter_mut().filter_map(|argument| match argument {
            FnArg::Typed(argument) => Some(argument),
            FnArg::Receiver(_) => None,
        });
        for (typed, argument) in arguments.zip(&self.method.arguments) {
            *typed.pat = syn::Pat::Verbatim(argument.passed.pattern.clone());
            let attrs = std::mem::take(&mut typed.attrs);
            typed.attrs = attrs.into_iter().map(attributes::without_expectation).collect();
        }
        let action = self.method.options.action.as_ref();
        // If the storage does not accept the value, the error is at the method's name, unless the user wrote the verb.
        let place = located_at(self.method.sig.ident.span());
        let action = action.map_or_else(
            || quote_spanned!(place=> get_or_update),
            ToTokens::to_token_stream,
        );
        let hint = self.method.foreign_hint();
        let hint = hint.map(|hint| quote!(let () = Self::#hint;));
        let (holder, call) = (self.coder_holder(), self.checked_call());
        let wait = self.method.is_async().then(|| quote!(.await));
        let mut body = Group::new(Delimiter::Brace, quote!(#holder #hint #call.#action() #wait));
        if !self.method.hides_types() {
            // By the span of the braces the compiler recognizes the user's method, and reports it if unused.
            body.set_span(self.method.body.span());
        }
        // The user's names stay, and an argument that the body does not use is still part of the key.
        let underscored = self
            .method
            .arguments
            .iter()
            .any(|argument| argument.passed.reads_underscored());
        let lint = underscored.then(|| quote!(#[allow(clippy::used_underscore_binding)]));
        quote! {
            #(#attrs)*
            #lint
            #vis #sig #body
        }
    }

    /// The accessor, the entry and the handle, without their bodies.
    fn functions(&self, place: Place) -> [TokenStream; 3] {
        [self.accessor(place), self.entry(place), self.cache(place)]
    }

    /// The accessor without its body.
    fn accessor(&self, place: Place) -> TokenStream {
        let (attrs, vis) = (
            attributes::of_accessors(&self.method.attrs),
            self.visibility(place),
        );
        let (accessor, generics) = (
            self.method.accessor(),
            self.generics(place, &self.method.generics),
        );
        let (parameters, where_clause) = (self.parameters(&generics), &generics.where_clause);
        let call = self.call_type(place);
        let arguments = self.method.arguments.iter();
        let arguments = arguments.map(|Argument { name, ty, .. }| quote!(#name: #ty));
        let receiver = self.method.receiver().into_iter().map(ToTokens::to_token_stream);
        let inputs = receiver.chain(arguments);
        let lints = self
            .method
            .arguments
            .iter()
            .flat_map(|argument| attributes::lints(&argument.attrs));
        let doc = format!(
            "Binds a call of {}, for a verb such as `.get()` or `.delete()`.",
            self.link()
        );
        quote! {
            #[doc = #doc]
            #(#attrs)*
            #(#lints)*
            #vis fn #accessor #parameters (#(#inputs),*) -> #call #where_clause
        }
    }

    /// Inherent methods that call those of the hidden trait.
    fn inherent(&self) -> TokenStream {
        let Some(owner) = self.method.owner.as_ref().filter(|owner| owner.is_hidden()) else {
            return TokenStream::new();
        };
        let scope = owner.scope();
        let functions = self.functions(Place::Inherent).into_iter();
        let (accessor, entry) = (self.accessor_call(), self.entry_call());
        let calls = [
            self.borne_call(Place::Inherent, quote!(#scope #accessor)),
            self.borne_call(Place::Inherent, quote!(#scope #entry)),
            self.borne_handle(Place::Inherent, self.cache_call()),
        ];
        let functions = functions.zip(calls);
        let functions = functions.map(|(function, call)| quote!(#[inline] #function { #call }));
        let hint = self.method.foreign_hint();
        let hint = hint.map(|hint| hidden_constant(&hint, &self.method.attrs));
        quote!(#(#functions)* #hint)
    }
}

/// The trait that declares the accessors.
pub(crate) fn accessors_trait<'a>(
    owner: &Owner,
    declarations: impl Iterator<Item = &'a TokenStream>,
) -> Option<TokenStream> {
    let of_trait = owner.of_trait.as_ref()?;
    let (name, path, generics) = (&of_trait.accessors, &of_trait.path, &owner.generics);
    let (generics, where_clause) = (generics::beside(owner.place, generics), &generics.where_clause);
    let vis = match &owner.named {
        Some(named) => Some(match named.written_vis() {
            Some(vis) => vis.to_token_stream(),
            None => quote!(pub(crate)),
        }),
        None => of_trait.vis.borrow().as_ref().map(ToTokens::to_token_stream),
    };
    let types = owner.hoisted_names();
    // It may be more visible than its supertrait, which still limits its use.
    let lints = vis
        .as_ref()
        .map(|_| quote!(#[allow(private_bounds, private_interfaces)]));
    Some(quote! {
        /// The accessors of cached methods.
        #lints
        #vis trait #name #generics: #path #where_clause {
            #(#[doc(hidden)] type #types;)*
            #(#declarations)*
        }
    })
}

/// A constant in place of a method with these attributes; its absence is an error that names the remedy.
pub(crate) fn hidden_constant(name: &syn::Ident, attrs: &[Attribute]) -> TokenStream {
    let attrs = attributes::of_presence(attrs);
    quote! {
        #(#attrs)*
        #[doc(hidden)]
        const #name: () = ();
    }
}

/// The parameters of an inherent impl block for the accessors of a hidden trait.
pub(crate) fn inherent_generics(owner: &Owner) -> syn::Generics {
    generics::split_by(&owner.generics, &owner.self_ty).0
}
