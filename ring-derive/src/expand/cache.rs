//! The handle of a whole method, and the static behind it.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit_mut::VisitMut;
use syn::{Expr, Type};

use super::Expansion;
use crate::generics::{self, ReplaceSelf};
use crate::naming;
use crate::storage::Storage;

impl Expansion<'_> {
    /// The handle's function without its body.
    pub(super) fn cache(&self) -> TokenStream {
        let root = self.root;
        let (attrs, vis) = (self.moved_attributes(), self.visibility());
        let (cache, generics, view) = (self.method.cache(), self.method.generics(), self.view());
        let where_clause = &generics.where_clause;
        let receiver = self.method.storage_needs_self().then(|| quote!(&self));
        let doc = format!("The cache of {} as a whole.", self.link());
        quote! {
            #[doc = #doc]
            #(#attrs)*
            #[allow(clippy::type_complexity, clippy::extra_unused_lifetimes, clippy::extra_unused_type_parameters, clippy::needless_lifetimes, clippy::must_use_candidate, private_interfaces, private_bounds, unreachable_pub)]
            #vis fn #cache #generics (#receiver) -> #root::Cache<#view> #where_clause
        }
    }

    pub(super) fn cache_call(&self) -> TokenStream {
        let (cache, turbofish) = (self.method.cache(), generics::turbofish(&self.method.generics()));
        match &self.method.owner {
            None => quote!(#cache #turbofish()),
            Some(_) if self.method.storage_needs_self() => quote!(self.#cache #turbofish()),
            Some(_) => quote!(Self::#cache #turbofish()),
        }
    }

    pub(super) fn cache_body(&self) -> TokenStream {
        let root = self.root;
        let storage = self.storage();
        let held = self.held();
        let storage_type = storage.storage_type(root, &held);
        let state = self.state(&storage);
        let view = match (storage.place(), &self.method.options.coder) {
            (None, None) => quote!(cache.storage()),
            (None, Some(_)) => quote!(#root::storage::Coded::new(cache.storage())),
            (Some(place), None) => quote!({ let storage: &#storage_type = &#place; storage }),
            (Some(place), Some(_)) => quote!({
                let storage: &#storage_type = &#place;
                #root::storage::Coded::new(storage)
            }),
        };
        let item = self.site();
        let ring = self.ring(&item);
        if self.method.is_generic() {
            quote! {
                struct Here;
                static CACHES: #root::generated::Registry = #root::generated::Registry::new();
                let cache = CACHES.get(#item, || #root::generated::Own::new(#ring, #state));
                #root::Cache::new(cache.ring(), #view)
            }
        } else {
            let owned_type = self.in_static(match storage.place() {
                Some(_) => quote!(()),
                None => storage_type,
            });
            let (ring, state) = (self.in_static_expression(ring), self.in_static_expression(state));
            quote! {
                struct Here;
                static CACHE: #root::generated::LazyLock<#root::generated::Own<#owned_type>> =
                    #root::generated::LazyLock::new(|| #root::generated::Own::new(#ring, #state));
                let cache = &*CACHE;
                #root::Cache::new(cache.ring(), #view)
            }
        }
    }

    /// The storage that the ring owns.
    fn state(&self, storage: &Storage) -> TokenStream {
        let root = self.root;
        match storage {
            Storage::Own {
                capacity: Some(capacity),
            } => quote!(#root::Lru::new(#capacity)),
            Storage::Own { capacity: None } => quote!(#root::Lru::new(#root::DEFAULT_CAPACITY)),
            _ => quote!(()),
        }
    }

    /// What tells this ring and instantiation from all others, where a local type is not enough.
    fn site(&self) -> TokenStream {
        if !self.method.is_generic() {
            return quote!(());
        }
        let (cache, turbofish) = (self.method.cache(), generics::turbofish(&self.method.generics()));
        match &self.method.owner {
            None => quote!(#cache #turbofish),
            Some(owner) => match &owner.accessors {
                None => quote!(Self::#cache #turbofish),
                Some(accessors) => {
                    let (_, arguments, _) = owner.generics.split_for_impl();
                    quote!(<Self as #accessors #arguments>::#cache #turbofish)
                }
            },
        }
    }

    fn ring(&self, site: &TokenStream) -> TokenStream {
        let root = self.root;
        let options = &self.method.options;
        let ring = match &options.key_prefix {
            Some(prefix) if self.method.is_generic() => {
                let arguments = naming::type_arguments(self.method, root);
                quote!(#root::generated::Ring::with_generic_prefix::<_>(#prefix, #site, |name| { #arguments }))
            }
            Some(prefix) => quote!(#root::generated::Ring::with_prefix(#prefix)),
            None => {
                let own_items: usize = if self.method.owner.is_some() { 3 } else { 2 };
                let name = naming::full_name(self.method, root);
                quote! {
                    #root::generated::Ring::declared::<Here, _>(::core::module_path!(), #own_items, #site, |name| { #name })
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

    /// A type as it reads in a static, where `Self` means nothing.
    fn in_static(&self, ty: TokenStream) -> TokenStream {
        match (&self.method.owner, syn::parse2::<Type>(ty.clone())) {
            (Some(owner), Ok(mut parsed)) => {
                ReplaceSelf::whole(&owner.self_ty).visit_type_mut(&mut parsed);
                parsed.into_token_stream()
            }
            _ => ty,
        }
    }

    /// [`in_static`](Self::in_static) for expressions.
    fn in_static_expression(&self, expression: TokenStream) -> TokenStream {
        match (&self.method.owner, syn::parse2::<Expr>(expression.clone())) {
            (Some(owner), Ok(mut parsed)) => {
                ReplaceSelf::whole(&owner.self_ty).visit_expr_mut(&mut parsed);
                parsed.into_token_stream()
            }
            _ => expression,
        }
    }
}
