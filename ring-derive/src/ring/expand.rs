//! The code of one cached method: the method itself, its accessor, and the handle of the whole.

mod attributes;
mod cache;
mod call;
mod expansion;
mod types;

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Generics, Ident};

use self::expansion::Expansion;
use super::model::{Argument, Method};

/// The code of a cached method.
pub(crate) struct Expanded {
    /// The method, which is now a call of the accessor.
    pub(crate) method: TokenStream,
    /// The accessor and the handle.
    pub(crate) accessors: TokenStream,
    /// The declarations of both, for an extension trait.
    pub(crate) declarations: TokenStream,
}

/// Expands a method that was checked.
pub(crate) fn expand(method: &Method) -> Expanded {
    let expansion = Expansion::of(method);
    let (accessor, cache) = (expansion.accessor(), expansion.cache());
    let (accessor_body, cache_body) = (expansion.accessor_body(), expansion.cache_body());
    let allow = method.owner.is_none().then(quiet);
    let hint = method.foreign_hint();
    let hint = hint.map(|hint| hidden_constant(&hint, &method.attrs));
    Expanded {
        method: expansion.method(),
        declarations: quote!(#accessor; #cache;),
        accessors: quote! {
            #allow
            #[inline]
            #accessor { #accessor_body }
            #allow
            #[inline]
            #cache { #cache_body }
            #hint
        },
    }
}

impl Expansion<'_> {
    /// The method as the user wrote it, except for its body.
    fn method(&self) -> TokenStream {
        let Method { attrs, vis, sig, .. } = self.method;
        let attrs = attributes::of_method(attrs);
        let mut sig = sig.clone();
        let arguments = sig.inputs.iter_mut().filter_map(|argument| match argument {
            FnArg::Typed(argument) => Some(argument),
            FnArg::Receiver(_) => None,
        });
        for (typed, argument) in arguments.zip(&self.method.arguments) {
            let name = &argument.name;
            *typed.pat = syn::parse_quote!(#name);
        }
        let action = self.method.options.action.as_ref();
        let action = action.map_or_else(|| quote!(get_or_update), ToTokens::to_token_stream);
        let hint = self.method.foreign_hint();
        let hint = hint.map(|hint| quote!(let () = Self::#hint;));
        let call = self.checked_call();
        let wait = self.method.is_async().then(|| quote!(.await));
        let mut body = Group::new(Delimiter::Brace, quote!(#hint #call.#action() #wait));
        if !self.method.hides_types() {
            // The span of the braces tells the compiler the user's own method, which it reports if it is unused.
            body.set_span(self.method.body.span());
        }
        quote! {
            #(#attrs)*
            #vis #sig #body
        }
    }

    /// The accessor without its body.
    fn accessor(&self) -> TokenStream {
        let (attrs, vis) = (attributes::of_accessors(&self.method.attrs), self.visibility());
        let (accessor, generics, call) = (self.method.accessor(), &self.method.generics, self.call_type());
        let where_clause = &generics.where_clause;
        let arguments = self.method.arguments.iter();
        let arguments = arguments.map(|Argument { name, ty, .. }| quote!(#name: #ty));
        let receiver = self.method.receiver().into_iter().map(ToTokens::to_token_stream);
        let inputs = receiver.chain(arguments);
        let doc = format!(
            "Binds a call of {}, for a verb such as `.get()` or `.delete()`.",
            self.link()
        );
        quote! {
            #[doc = #doc]
            #(#attrs)*
            #vis fn #accessor #generics (#(#inputs),*) -> #call #where_clause
        }
    }
}

/// The extension trait that declares the accessors of a foreign type.
pub(crate) fn extension_trait<'a>(
    name: &Ident,
    generics: &Generics,
    declarations: impl Iterator<Item = &'a TokenStream>,
) -> TokenStream {
    let (where_clause, allow) = (&generics.where_clause, quiet());
    quote! {
        /// The accessors of cached methods.
        #allow
        pub trait #name #generics #where_clause { #(#declarations)* }
    }
}

/// A constant whose absence is an error that names the remedy, where a method with these attributes is.
pub(crate) fn hidden_constant(name: &Ident, attrs: &[Attribute]) -> TokenStream {
    let attrs = attributes::of_presence(attrs);
    quote! {
        #(#attrs)*
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        const #name: () = ();
    }
}

/// Lints about the form of accessors, which the user did not choose.
pub(crate) fn quiet() -> TokenStream {
    quote!(#[allow(clippy::type_complexity, clippy::too_many_arguments, non_local_definitions, private_bounds, private_interfaces, single_use_lifetimes, unreachable_pub)])
}
