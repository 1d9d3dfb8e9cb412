//! The code of one cached method: the method itself, its accessor, and the handle of the whole.

mod attributes;
mod cache;
mod call;
mod storage;

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Generics, Ident, PathArguments, Visibility};

use self::storage::Types;
use super::model::{Argument, Method};
use crate::generics;
use crate::root::Root;

/// What a cached method becomes.
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
    let expansion = Expansion {
        method,
        root: &method.root,
        types: Types::of(method),
    };
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

struct Expansion<'a> {
    method: &'a Method,
    root: &'a Root,
    types: Types,
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

    /// What is before the name of an accessor.
    fn scope(&self) -> TokenStream {
        let Some(owner) = &self.method.owner else {
            return TokenStream::new();
        };
        match &owner.accessors {
            Some(accessors) => {
                let (_, arguments, _) = owner.generics.split_for_impl();
                quote!(<Self as #accessors #arguments>::)
            }
            None => quote!(Self::),
        }
    }

    /// The trait of the impl block, whose items the code in it may name by `Self` and `self` without an import.
    fn import_trait(&self) -> Option<TokenStream> {
        let owner = self.method.owner.as_ref()?;
        let mut path = owner.trait_path.clone()?;
        path.segments.last_mut()?.arguments = PathArguments::None;
        Some(quote!(#[allow(unused_imports)] use #path as _;))
    }

    /// Uses the method, so that it is not reported as unused if only its accessor is used. The function that this is in
    /// has no argument that could have the method's name.
    fn mark_used(&self) -> TokenStream {
        let mut used = TokenStream::new();
        let name = &self.method.sig.ident;
        let owner = self.method.owner.as_ref();
        if owner.is_none() {
            let hint = self.method.block_hint();
            used.extend(quote!(let () = #hint;));
        }
        let by_trait = owner.is_some_and(|owner| owner.trait_path.is_some());
        if !by_trait && !self.method.hides_types() {
            let turbofish = generics::turbofish(&self.method.sig.generics);
            let of_type = owner.map(|_| quote!(Self::));
            used.extend(quote!(let _ = #of_type #name #turbofish;));
        }
        used
    }

    /// The accessors are as visible as the method. A trait's methods are as visible as the trait, which is not known
    /// here.
    fn visibility(&self) -> Visibility {
        match &self.method.owner {
            Some(owner) if owner.accessors.is_some() => Visibility::Inherited,
            Some(owner) if owner.trait_path.is_some() => syn::parse_quote!(pub),
            _ => self.method.vis.clone(),
        }
    }

    /// A link to the method, for its documentation.
    fn link(&self) -> String {
        let name = &self.method.sig.ident;
        match &self.method.owner {
            Some(owner) if owner.trait_path.is_some() => format!("`{name}`"),
            Some(_) => format!("[`{name}`](Self::{name})"),
            None => format!("[`{name}`]"),
        }
    }

    /// `name`, or `Asyncname` for an `async fn`.
    fn in_library(&self, name: &str) -> Ident {
        let prefix = if self.method.is_async() { "Async" } else { "" };
        Ident::new(&format!("{prefix}{name}"), Span::call_site())
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

/// A name that stands for an item, even where an argument has it too.
fn item(mut name: Ident) -> Ident {
    name.set_span(Span::mixed_site().located_at(name.span()));
    name
}

/// Lints about the form of accessors, which the user did not choose.
pub(crate) fn quiet() -> TokenStream {
    quote!(#[allow(clippy::type_complexity, clippy::too_many_arguments, non_local_definitions, private_bounds, private_interfaces, single_use_lifetimes, unreachable_pub)])
}
