//! The handle of a whole method, and the static behind it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Expr, Ident, Token, Type};

use super::{Expansion, attributes, item};
use crate::facade;
use crate::generics::{self, ReplaceSelf};
use crate::naming;
use crate::storage::Storage;

impl Expansion<'_> {
    /// The handle's function without its body.
    pub(super) fn cache(&self) -> TokenStream {
        let root = self.root;
        let (attrs, vis) = (attributes::of_accessors(&self.method.attrs), self.visibility());
        let (cache, generics, storage) = (self.method.cache(), self.method.generics(), self.whole());
        let where_clause = &generics.where_clause;
        let receiver = self.storage_self().map(|self_token| quote!(&#self_token));
        let handle = self.handle();
        let doc = format!("The cache of {} as a whole.", self.link());
        quote! {
            #[doc = #doc]
            #(#attrs)*
            #vis fn #cache #generics (#receiver) -> #root::#handle<#storage> #where_clause
        }
    }

    /// The handle's type in the library.
    fn handle(&self) -> Ident {
        let name = if self.method.is_async() {
            "AsyncCache"
        } else {
            "Cache"
        };
        Ident::new(name, Span::call_site())
    }

    /// `self`, if the storage is reached through it. It is the user's own token, which macros tell apart from others.
    fn storage_self(&self) -> Option<Token![self]> {
        let receiver = self.method.receiver()?;
        self.method.storage_needs_self().then_some(receiver.self_token)
    }

    pub(super) fn cache_call(&self) -> TokenStream {
        let (cache, turbofish) = (
            item(self.method.cache()),
            generics::turbofish(&self.method.generics()),
        );
        let (scope, receiver) = (self.scope(), self.storage_self());
        quote!(#scope #cache #turbofish(#receiver))
    }

    pub(super) fn cache_body(&self) -> TokenStream {
        let root = self.root;
        let storage = self.storage();
        let own = match storage.place() {
            Some(_) => quote!(()),
            None => self.storage_type(),
        };
        let (declarations, found) = if self.method.is_generic() {
            self.registry(&own)
        } else {
            self.plain_static(own)
        };
        let (import, whole) = (self.import_trait(), self.whole());
        let cache = match storage.place() {
            None => quote!(#found.cache()),
            Some(place) => {
                let place = quote_spanned!(Span::call_site().located_at(place.span())=> &#place);
                let handle = self.handle();
                let place = match self.coded_storage() {
                    Some(coded) => quote!(#coded::whole(#place)),
                    None => place,
                };
                quote!(#root::#handle::<#whole>::new(#found.ring(), #place))
            }
        };
        let used = self.mark_used();
        quote! { #import #used #declarations #cache }
    }

    /// A static, and the expression that reads it. Its names are such as users do not write: their expressions see it.
    fn plain_static(&self, own: TokenStream) -> (TokenStream, TokenStream) {
        let (root, owned_type) = (self.root, self.in_static(own));
        let ring = self.in_static_expression(self.ring(&quote!(())));
        let state = self.in_static_expression(self.state(&self.storage()));
        let span = self.span_of_value();
        let generated = facade::path_at(root, span);
        let generated = quote_spanned!(span=> #generated::generated);
        let declarations = quote_spanned! {span=>
            struct __Here;
            static __OWN: #generated::Static<#owned_type> =
                #generated::Static(#generated::LazyLock::new(|| #generated::Own::new(#ring, #state)));
        };
        (declarations, quote!(__OWN.0))
    }

    /// A static for all instantiations, and the expression that finds the one of this.
    fn registry(&self, own: &TokenStream) -> (TokenStream, TokenStream) {
        let (root, site) = (self.root, self.site());
        let (ring, state) = (self.ring(&site), self.state(&self.storage()));
        let declarations = quote! {
            struct __Here;
            static __OWN: #root::generated::Registry = #root::generated::Registry::new();
        };
        let span = self.span_of_value();
        let root = facade::path_at(root, span);
        let found = quote_spanned! {span=>
            __OWN.get::<_, _, #root::generated::Own<#own>>(#site, || #root::generated::Own::new(#ring, #state))
        };
        (declarations, found)
    }

    /// Where the user wrote what is cached.
    fn span_of_value(&self) -> Span {
        let span = self.method.out_type().map_or_else(Span::call_site, Spanned::span);
        Span::call_site().located_at(span)
    }

    /// The storage that the ring owns.
    fn state(&self, storage: &Storage) -> TokenStream {
        let root = self.root;
        let Storage::Own { capacity } = storage else {
            return quote!(());
        };
        let capacity = match capacity {
            Some(capacity) => quote!(#capacity),
            None => quote!(#root::DEFAULT_CAPACITY),
        };
        match &self.method.options.policy {
            Some(policy) => {
                let policy = Ident::new(&policy.to_string(), Span::call_site());
                quote!(#root::Lru::builder().capacity(#capacity).policy(#root::Policy::#policy).build())
            }
            None => quote!(#root::Lru::new(#capacity)),
        }
    }

    /// What tells this ring and instantiation from all others, where a local type is not enough.
    fn site(&self) -> TokenStream {
        if !self.method.is_generic() {
            return quote!(());
        }
        let (cache, turbofish) = (self.method.cache(), generics::turbofish(&self.method.generics()));
        let scope = self.scope();
        quote!(#scope #cache #turbofish)
    }

    fn ring(&self, site: &TokenStream) -> TokenStream {
        let root = self.root;
        let options = &self.method.options;
        let ring = match &options.key_prefix {
            Some(prefix) if self.method.is_generic() => {
                let arguments = naming::type_arguments(self.method, root);
                quote!(#root::generated::Ring::with_generic_prefix::<_>(#prefix, #site, |__name| { #arguments }))
            }
            Some(prefix) => quote!(#root::generated::Ring::with_prefix(#prefix)),
            None => {
                let own_items: usize = if self.method.owner.is_some() { 3 } else { 2 };
                let shared = self.storage().may_be_shared();
                let name = naming::full_name(self.method, root);
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

    /// A type as it reads in a static, where `Self` means nothing.
    fn in_static(&self, ty: TokenStream) -> TokenStream {
        match (&self.method.owner, syn::parse2::<Type>(ty.clone())) {
            (Some(owner), Ok(mut parsed)) => {
                ReplaceSelf::in_static(&owner.self_ty).visit_type_mut(&mut parsed);
                parsed.into_token_stream()
            }
            _ => ty,
        }
    }

    /// [`in_static`](Self::in_static) for expressions.
    fn in_static_expression(&self, expression: TokenStream) -> TokenStream {
        match (&self.method.owner, syn::parse2::<Expr>(expression.clone())) {
            (Some(owner), Ok(mut parsed)) => {
                ReplaceSelf::in_static(&owner.self_ty).visit_expr_mut(&mut parsed);
                parsed.into_token_stream()
            }
            _ => expression,
        }
    }
}
