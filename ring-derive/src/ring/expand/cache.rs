//! The handle of a whole method, and the static behind it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Token};

use super::attributes;
use super::expansion::{Expansion, item};
use crate::generics;
use crate::parse::Storage;
use crate::ring::name;
use crate::ring::self_type::ReplaceSelf;
use crate::root::located_at;

impl Expansion<'_> {
    /// The handle's function without its body.
    pub(super) fn cache(&self) -> TokenStream {
        let (root, handle, storage) = (self.root, self.in_library("Cache"), &self.types.whole);
        let (attrs, vis) = (attributes::of_accessors(&self.method.attrs), self.visibility());
        let (cache, generics) = (self.method.cache(), &self.method.generics);
        let where_clause = &generics.where_clause;
        let receiver = self.storage_self().map(|self_token| quote!(&#self_token));
        let doc = format!("The cache of all calls of {}.", self.link());
        quote! {
            #[doc = #doc]
            #(#attrs)*
            #vis fn #cache #generics (#receiver) -> #root::#handle<#storage> #where_clause
        }
    }

    /// `self`, if the storage is reached through it. It is the user's own token, which macros tell apart from others.
    fn storage_self(&self) -> Option<Token![self]> {
        let receiver = self.method.receiver()?;
        self.method.storage_needs_self().then_some(receiver.self_token)
    }

    pub(super) fn cache_call(&self) -> TokenStream {
        let (cache, turbofish) = (
            item(self.method.cache()),
            generics::turbofish(&self.method.generics),
        );
        let (scope, receiver) = (self.scope(), self.storage_self());
        quote!(#scope #cache #turbofish(#receiver))
    }

    pub(super) fn cache_body(&self) -> TokenStream {
        let (root, import, used) = (self.root, self.import_trait(), self.mark_used());
        let (declarations, found) = if self.method.is_generic() {
            self.registry()
        } else {
            self.plain_static()
        };
        let cache = match self.method.options.storage.place() {
            None => quote!(#found.cache()),
            Some(place) => {
                let place = quote_spanned!(located_at(place.span())=> &#place);
                let (handle, whole) = (self.in_library("Cache"), &self.types.whole);
                let place = match &self.types.coded {
                    Some(coded) => quote!(#coded::whole(#place)),
                    None => place,
                };
                quote!(#root::#handle::<#whole>::new(#found.ring(), #place))
            }
        };
        quote! { #import #used #declarations #cache }
    }

    /// A static, and the expression that reads it. The user's expressions are in their scope, so users do not write such
    /// names.
    fn plain_static(&self) -> (TokenStream, TokenStream) {
        let owned_type = self.in_static(self.owned_type());
        let ring = self.in_static(self.ring(&quote!(())));
        let state = self.in_static(self.owned());
        let span = self.span_of_value();
        let generated = self.root.generated_at(span);
        let declarations = quote_spanned! {span=>
            struct __Here;
            static __OWN: #generated::Static<#owned_type> =
                #generated::Static(#generated::LazyLock::new(|| #generated::Own::new(#ring, #state)));
        };
        (declarations, quote!(__OWN.0))
    }

    /// A static for all instantiations, and the expression that finds the entry of this one.
    fn registry(&self) -> (TokenStream, TokenStream) {
        let (root, owned_type, state) = (self.root, self.owned_type(), self.owned());
        // A function item tells this instantiation from all others, as a local type does not.
        let (cache, turbofish) = (self.method.cache(), generics::turbofish(&self.method.generics));
        let scope = self.scope();
        let site = quote!(#scope #cache #turbofish);
        let ring = self.ring(&site);
        let declarations = quote! {
            struct __Here;
            static __OWN: #root::generated::Registry = #root::generated::Registry::new();
        };
        let span = self.span_of_value();
        let generated = self.root.generated_at(span);
        let found = quote_spanned! {span=>
            __OWN.get::<_, _, #generated::Own<#owned_type>>(#site, || #generated::Own::new(#ring, #state))
        };
        (declarations, found)
    }

    /// The span of the type that is cached.
    fn span_of_value(&self) -> Span {
        located_at(self.method.out_type().map_or_else(Span::call_site, Spanned::span))
    }

    /// The type of the storage that the ring owns.
    fn owned_type(&self) -> TokenStream {
        match self.method.options.storage {
            Storage::Own { .. } => self.types.storage.clone(),
            _ => quote!(()),
        }
    }

    /// The storage that the ring owns.
    fn owned(&self) -> TokenStream {
        let root = self.root;
        let Storage::Own { capacity } = &self.method.options.storage else {
            return quote!(());
        };
        let default = || quote!(#root::DEFAULT_CAPACITY);
        let capacity = capacity.as_ref().map_or_else(default, ToTokens::to_token_stream);
        match &self.method.options.policy {
            Some(policy) => {
                let policy = Ident::new(&policy.to_string(), Span::call_site());
                quote!(#root::Lru::builder().capacity(#capacity).policy(#root::Policy::#policy).build())
            }
            None => quote!(#root::Lru::new(#capacity)),
        }
    }

    fn ring(&self, site: &TokenStream) -> TokenStream {
        let (root, options) = (self.root, &self.method.options);
        let ring = match &options.key_prefix {
            Some(prefix) if self.method.is_generic() => {
                let arguments = name::of_type_arguments(self.method);
                quote!(#root::generated::Ring::with_generic_prefix::<_>(#prefix, #site, |__name| { #arguments }))
            }
            Some(prefix) => quote!(#root::generated::Ring::with_prefix(#prefix)),
            None => {
                let own_items: usize = if self.method.owner.is_some() { 3 } else { 2 };
                let (shared, name) = (options.storage.may_be_shared(), name::of_method(self.method));
                quote! {
                    #root::generated::Ring::declared::<__Here, _>(::core::module_path!(), #own_items, #site, #shared, |__name| { #name })
                }
            }
        };
        let coalesce = options.coalesce.map(|coalesce| quote!(.coalesce(#coalesce)));
        let timeout = options.flight_timeout.as_ref().map(|timeout| {
            let timeout = timeout.expression(root);
            quote!(.flight_timeout(#timeout))
        });
        quote!(#ring #coalesce #timeout)
    }

    /// Code of a static, where `Self` has no meaning and is replaced by the type.
    fn in_static(&self, code: TokenStream) -> TokenStream {
        match &self.method.owner {
            Some(owner) => ReplaceSelf::in_static(&owner.self_ty).replace(code),
            None => code,
        }
    }
}
