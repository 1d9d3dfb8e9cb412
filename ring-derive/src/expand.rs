//! The code of one cached method: the method itself, its accessor, and the handle of the whole.

mod attributes;
mod cache;
pub(crate) mod checks;
mod parts;

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Generics, Ident, Visibility};

use crate::facade;
use crate::generics;
use crate::model::{Argument, Method};
use crate::storage::Storage;

use self::parts::Parts;

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
pub(crate) fn expand(method: &Method, root: &TokenStream) -> Expanded {
    let expansion = Expansion { method, root };
    let (accessor, cache) = (expansion.accessor(), expansion.cache());
    Expanded {
        method: expansion.method(),
        declarations: quote!(#accessor; #cache;),
        accessors: {
            let (accessor_body, cache_body) = (expansion.accessor_body(), expansion.cache_body());
            let allow = method.owner.is_none().then(quiet);
            let hint = method
                .foreign_hint()
                .map(|hint| hidden_constant(&hint, &method.attrs));
            quote! {
                #allow
                #[inline]
                #accessor { #accessor_body }
                #allow
                #[inline]
                #cache { #cache_body }
                #hint
            }
        },
    }
}

struct Expansion<'a> {
    method: &'a Method,
    root: &'a TokenStream,
}

impl Expansion<'_> {
    /// The method as the user wrote it, but for its body.
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
        let action = &self.method.options.action;
        let action = action
            .as_ref()
            .map_or_else(|| quote!(get_or_update), ToTokens::to_token_stream);
        let hint = self
            .method
            .foreign_hint()
            .map(|hint| quote!(let () = Self::#hint;));
        let call = checks::of_call(self.method, self.root, self.checked_storage(self.accessor_call()));
        let wait = self.method.is_async().then(|| quote!(.await));
        let mut body = Group::new(Delimiter::Brace, quote!(#hint #call.#action() #wait));
        if !self.method.hides_types() {
            // By the braces the compiler knows the user's own method, which it reports when nobody uses it.
            body.set_span(self.method.block.brace_token.span.join());
        }
        quote! {
            #(#attrs)*
            #vis #sig #body
        }
    }

    /// A call, checked that its storage can be awaited or may block, placed at the type that the user wrote.
    fn checked_storage(&self, call: TokenStream) -> TokenStream {
        let written = match &self.method.options.storage {
            Some(Storage::OfType { storage, .. }) => storage.span(),
            Some(Storage::OfKind { place, .. }) if self.storage().holds_bytes() => place.span(),
            _ => return call,
        };
        let (span, held, storage) = (
            Span::call_site().located_at(written),
            self.held(),
            self.storage_type(),
        );
        let root = facade::path_at(self.root, span);
        let check = if self.method.is_async() {
            "awaited"
        } else {
            "blocking"
        };
        let check = Ident::new(check, span);
        let probe = quote_spanned!(span=> #root::generated::Probe::<#storage>::new());
        quote_spanned!(span=> #root::generated::#check::<_, #held, _, _>(#probe, #call))
    }

    fn accessor_call(&self) -> TokenStream {
        let accessor = item(self.method.accessor());
        let receiver = self.method.receiver().into_iter();
        let arguments = receiver
            .map(|receiver| receiver.self_token.to_token_stream())
            .chain(self.names().map(ToTokens::to_token_stream));
        let (scope, turbofish) = (self.scope(), self.turbofish());
        quote!(#scope #accessor #turbofish(#(#arguments),*))
    }

    /// What stands before the name of an accessor.
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

    fn names(&self) -> impl Iterator<Item = &Ident> {
        self.method.arguments.iter().map(|argument| &argument.name)
    }

    /// The type arguments of the accessor, unless an `impl Trait` argument forbids to write them.
    fn turbofish(&self) -> TokenStream {
        if self.method.hides_types() {
            return TokenStream::new();
        }
        generics::turbofish(&self.method.generics())
    }

    /// The accessor without its body.
    fn accessor(&self) -> TokenStream {
        let (attrs, vis) = (attributes::of_accessors(&self.method.attrs), self.visibility());
        let (accessor, generics) = (self.method.accessor(), self.method.generics());
        let where_clause = &generics.where_clause;
        let arguments = self
            .method
            .arguments
            .iter()
            .map(|Argument { name, ty, .. }| quote!(#name: #ty));
        let receiver = self.method.receiver().into_iter().map(ToTokens::to_token_stream);
        let inputs = receiver.chain(arguments);
        let call = self.call();
        let doc = format!(
            "Binds a call of {}: a verb follows, such as `.get()` or `.delete()`.",
            self.link()
        );
        quote! {
            #[doc = #doc]
            #(#attrs)*
            #vis fn #accessor #generics (#(#inputs),*) -> #call #where_clause
        }
    }

    /// The type of a call.
    fn call(&self) -> TokenStream {
        let (root, returned, view, out) = (self.root, self.returned(), self.view(), self.method.out());
        if self.method.is_async() {
            let future = quote!(impl ::core::future::Future<Output = #out>);
            quote!(#root::AsyncCall<#returned, #view, impl #root::body::AsyncBody<Out = #out, Fut = #future>>)
        } else {
            quote!(#root::Call<#returned, #view, impl #root::body::Body<Out = #out>>)
        }
    }

    fn accessor_body(&self) -> TokenStream {
        let root = self.root;
        let (out, block) = (self.method.out(), &self.method.block);
        let import = self.import_trait();
        let Parts { values, patterns, .. } = Parts::of(self.method, root);
        let (cache, settings) = (self.cache_call(), self.settings());
        // Closures are checked before the return type says what is cached.
        let asyncness = &self.method.sig.asyncness;
        let returned = self.method.options.unless.as_ref().map(|_| {
            let (returned, future) = (self.returned(), asyncness.map(|_| quote!(, _)));
            quote!(::<#returned, _, _ #future>)
        });
        let view = self.view();
        let coder = self.method.coder(root).map(|_| quote!(.coded::<#view>()));
        quote! {
            #import
            #cache #coder.bind #returned((#values), #asyncness move |(#patterns)| -> #out #block) #settings
        }
    }

    /// What the options add to a call.
    fn settings(&self) -> TokenStream {
        let options = &self.method.options;
        let mut settings = TokenStream::new();
        if let Some(expire) = &options.expire {
            let (span, expire) = (expire.span(), expire.expression(self.root));
            let span = Span::call_site().located_at(span);
            settings.extend(quote_spanned!(span=> .expire_in(#expire)));
        }
        if let Some(unless) = &options.unless {
            settings.extend(quote!(.unless(#unless)));
        }
        settings
    }

    /// The trait of the impl block, whose items code within it may name by `Self` and `self` without an import.
    fn import_trait(&self) -> Option<TokenStream> {
        let owner = self.method.owner.as_ref()?;
        let mut path = owner.trait_path.clone()?;
        path.segments.last_mut()?.arguments = syn::PathArguments::None;
        Some(quote!(#[allow(unused_imports)] use #path as _;))
    }

    /// Keeps the method from counting as unused where only its accessor is used. The function that it goes to has no
    /// arguments that could be called like the method.
    fn mark_used(&self) -> TokenStream {
        let mut used = TokenStream::new();
        let name = &self.method.sig.ident;
        if self.method.owner.is_none() {
            let hint = self.method.block_hint();
            used.extend(quote!(let () = #hint;));
        }
        let owner = self.method.owner.as_ref();
        let by_trait = owner.is_some_and(|owner| owner.trait_path.is_some());
        if !by_trait && !self.method.hides_types() {
            let turbofish = generics::turbofish(&self.method.sig.generics);
            let of_type = owner.map(|_| quote!(Self::));
            used.extend(quote!(let _ = #of_type #name #turbofish;));
        }
        used
    }

    fn returned(&self) -> TokenStream {
        let (root, out) = (self.root, self.method.out());
        if self.method.is_fallible() {
            let span = Span::call_site().located_at(out.span());
            let root = facade::path_at(root, span);
            quote_spanned!(span=> #root::generated::FallibleOf<#out>)
        } else {
            quote!(#root::Plain<#out>)
        }
    }

    /// What the storage holds: the values, or bytes.
    fn held(&self) -> TokenStream {
        match self.method.coder(self.root) {
            Some(_) => quote!(::std::vec::Vec<u8>),
            None => self.method.value(self.root),
        }
    }

    fn storage(&self) -> Storage {
        self.method
            .options
            .storage
            .clone()
            .unwrap_or(Storage::Own { capacity: None })
    }

    fn storage_type(&self) -> TokenStream {
        let is_async = self.method.is_async();
        self.storage().storage_type(self.root, &self.held(), is_async)
    }

    /// The storage.
    fn storage_ref(&self) -> TokenStream {
        let storage = self.storage_type();
        if self.method.storage_needs_self() {
            quote!(&#storage)
        } else {
            quote!(&'static #storage)
        }
    }

    /// The storage as the ring sees it.
    fn view(&self) -> TokenStream {
        let root = self.root;
        let Some(coder) = self.method.coder(root) else {
            return self.storage_ref();
        };
        let (storage, lifetime) = (self.storage_type(), self.storage_lifetime());
        match self.coded_storage() {
            Some(coded) => quote!(#coded::View<#lifetime>),
            None => quote!(#root::storage::Coded<#lifetime, #storage, #coder>),
        }
    }

    /// The storage as the handle of the whole method sees it.
    fn whole(&self) -> TokenStream {
        let lifetime = self.storage_lifetime();
        let coded = self.coded_storage();
        coded.map_or_else(|| self.storage_ref(), |coded| quote!(#coded::Whole<#lifetime>))
    }

    /// With a coder, a type of the user's says itself what it is seen as.
    fn coded_storage(&self) -> Option<TokenStream> {
        let Storage::OfType { .. } = self.storage() else {
            return None;
        };
        let (root, coder) = (self.root, self.method.coder(self.root)?);
        let storage = self.storage_type();
        Some(quote!(<#storage as #root::storage::CodedStorage<#coder>>))
    }

    fn storage_lifetime(&self) -> TokenStream {
        if self.method.storage_needs_self() {
            quote!('_)
        } else {
            quote!('static)
        }
    }

    /// The accessors are seen where the method is. A trait's methods are where the trait is, which is not known here.
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
}

/// The extension trait that declares the accessors of a foreign type.
pub(crate) fn extension_trait(
    name: &Ident,
    generics: &Generics,
    declarations: &[TokenStream],
) -> TokenStream {
    let (where_clause, allow) = (&generics.where_clause, quiet());
    quote! {
        /// The accessors of cached methods.
        #allow
        pub trait #name #generics #where_clause { #(#declarations)* }
    }
}

/// A constant that is there to be missed, where a method with these attributes is.
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

/// Lints that would find fault with the form of accessors, which is not the user's doing.
pub(crate) fn quiet() -> TokenStream {
    quote!(#[allow(clippy::type_complexity, clippy::too_many_arguments, non_local_definitions, private_bounds, private_interfaces, single_use_lifetimes, unreachable_pub)])
}
