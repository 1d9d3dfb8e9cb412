//! The handle of a whole method, and the static behind it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, GenericParam, Ident, Token};

use super::attributes;
use super::expansion::{Expansion, Place, item};
use crate::generics;
use crate::parse::{Storage, Version};
use crate::ring::name;
use crate::ring::self_type::in_static;
use crate::root::located_at;

impl Expansion<'_> {
    /// The handle's function without its body.
    pub(super) fn cache(&self, place: Place) -> TokenStream {
        let ((root, span), handle) = (self.root_of_types(), self.in_library("Cache"));
        let storage = &self.types.whole;
        let (attrs, vis) = (
            attributes::of_accessors(&self.method.attrs),
            self.visibility(place),
        );
        let (cache, generics) = (
            self.method.cache(),
            self.generics(place, &self.method.keyed_generics),
        );
        let (parameters, where_clause) = (self.parameters(&generics), &generics.where_clause);
        let receiver = self.storage_self().map(|self_token| quote!(&#self_token));
        let doc = format!("The cache of all calls of {}.", self.link());
        let whole = match self.bearer(place) {
            Some(bearer) => {
                let mode = if self.method.is_async() {
                    quote!(Awaited)
                } else {
                    quote!(Blocking)
                };
                quote_spanned!(span=> #root::generated::Handle<#storage, #root::generated::mode::#mode, impl #bearer>)
            }
            None => quote_spanned!(span=> #root::#handle<#storage>),
        };
        quote! {
            #[doc = #doc]
            #(#attrs)*
            #vis fn #cache #parameters (#receiver) -> #whole #where_clause
        }
    }

    /// `self`, if the storage is reached through it. The user's own token: macros distinguish it from others.
    fn storage_self(&self) -> Option<Token![self]> {
        let receiver = self.method.receiver()?;
        self.method.storage_needs_self().then_some(receiver.self_token)
    }

    pub(super) fn cache_call(&self) -> TokenStream {
        let (scope, call) = (self.scope(), self.handle_call());
        quote!(#scope #call)
    }

    /// A call of the handle's function.
    pub(super) fn handle_call(&self) -> TokenStream {
        let (cache, receiver) = (self.handle_name(), self.storage_self());
        quote!(#cache(#receiver))
    }

    /// The handle's function without its path.
    fn handle_name(&self) -> TokenStream {
        let cache = item(self.method.cache());
        let turbofish = generics::turbofish(&self.method.keyed_generics);
        self.used(quote!(#cache #turbofish))
    }

    /// The handle's function as a value.
    fn handle_function(&self) -> TokenStream {
        let (scope, cache) = (self.scope(), self.handle_name());
        quote!(#scope #cache)
    }

    pub(super) fn cache_body(&self) -> TokenStream {
        let (root, used) = (self.root, self.mark_used());
        let (declarations, found) = if self.method.is_generic() {
            self.registry()
        } else {
            self.plain_static()
        };
        let cache = match self.method.options.storage.place() {
            None => self.used(quote!(#root::generated::RingStatic::cache(#found))),
            Some(place) => {
                let place = quote_spanned!(located_at(place.span())=> &#place);
                let (handle, whole) = (self.in_library("Cache"), &self.types_in_bodies.whole);
                let place = match &self.types_in_bodies.coded {
                    Some(coded) => quote!(#coded::whole(#place)),
                    None => place,
                };
                quote!(#root::#handle::<#whole>::new(#root::generated::RingStatic::ring(#found), #place))
            }
        };
        let holder = self.coder_holder();
        quote! { #holder #used #declarations #cache }
    }

    /// A static, and the expression that reads it. The user's expressions are in scope of its names, so these must be
    /// unusual.
    fn plain_static(&self) -> (TokenStream, TokenStream) {
        let span = self.span_of_value();
        let generated = self.root.generated_at(span);
        // The type has a name, at a place where the compiler reports an unknown type in the same words as in the
        // user's signature.
        let named = quote_spanned!(span=> <__Ring as #generated::Holds>::Stored);
        let made = self.made(&self.ring(&quote!(__Ring)), &self.used(named.clone()));
        let made = self.in_static(made);
        let parameters = generics::beside(self.place_of_parameters(), TokenStream::new());
        let value = self.in_static(self.kept_type().clone());
        let lazy = quote_spanned!(span=> #generated::LazyLock::new(|| { #made }));
        let (declared, found) = match self.method.options.storage {
            Storage::Own { .. } => (
                quote_spanned!(span=> #generated::Static<#named> = #generated::Static(#lazy)),
                quote!(&__RING.0),
            ),
            _ => (
                quote_spanned!(span=> #generated::LazyLock<#generated::RingStatic<()>> = #lazy),
                quote!(&__RING),
            ),
        };
        let declarations = quote_spanned! {span=>
            struct __Ring;
            impl #parameters #generated::Holds for __Ring {
                type Stored = #value;
            }
            static __RING: #declared;
        };
        (declarations, found)
    }

    /// A static for all instantiations, and the expression that finds the entry of this one.
    fn registry(&self) -> (TokenStream, TokenStream) {
        let (root, owned_type) = (self.root, self.owned_type());
        // Unlike a local type, a function item differs between instantiations.
        let site = self.handle_function();
        let ring = self.used(self.ring(&self.site_of_name(&site)));
        let (made, place) = (self.made(&ring, self.kept_type()), self.place());
        let declarations = quote! {
            #place
            static __RING: #root::generated::Registry = #root::generated::Registry::new();
        };
        let span = self.span_of_value();
        let generated = self.root.generated_at(span);
        let found = quote_spanned! {span=>
            #generated::Registry::get::<_, _, #generated::RingStatic<#owned_type>>(&__RING, #site, || { #made })
        };
        (declarations, found)
    }

    /// A value whose type differs between instantiations with different names. Instantiations that differ only by their
    /// storage's type have one name.
    fn site_of_name(&self, site: &TokenStream) -> TokenStream {
        let of_owner = self.method.owner.iter().map(|owner| &owner.generics);
        let all = of_owner.chain([&self.method.keyed_generics]);
        let (mut types, mut by_storage) = (Vec::new(), false);
        for parameter in all.flat_map(generics::of_instances) {
            match parameter {
                GenericParam::Type(parameter) if self.method.is_storage(&parameter.ident) => {
                    by_storage = true
                }
                GenericParam::Type(parameter) => types.push(&parameter.ident),
                // A value has no type.
                _ => return site.clone(),
            }
        }
        if by_storage {
            // A local type is the same for all instantiations.
            quote!({
                struct __Ring;
                (__Ring, #(::core::marker::PhantomData::<#types>,)*)
            })
        } else {
            site.clone()
        }
    }

    /// The type of the entries of the storage that the ring owns, or else of its values.
    fn kept_type(&self) -> &TokenStream {
        match self.method.options.storage {
            Storage::Own { .. } => &self.types.held,
            _ => &self.types.value,
        }
    }

    /// Makes the content of the static, and registers the ring, so that all rings can be cleared. `value` is its
    /// [type](Self::kept_type).
    fn made(&self, ring: &TokenStream, value: &TokenStream) -> TokenStream {
        let (root, span) = self.root_of_types();
        let owner = match &self.method.owner {
            Some(_) => quote_spanned!(span=> #root::generated::owner_of::<Self>()),
            None => quote_spanned!(span=> ::core::option::Option::None),
        };
        match &self.method.options.storage {
            Storage::Own { capacity } => {
                let (handle, capacity) = (self.handle_function(), self.capacity(capacity.as_ref()));
                let policy = self.policy();
                quote_spanned! {span=>
                    use #root::generated::OwnUnkept as _;
                    #root::generated::Own::<#value>::ring_static(#owner, #handle, #ring, #capacity, #policy)
                }
            }
            _ => {
                let kept = self.kept(&owner, value);
                quote_spanned! {span=>
                    let __ring = #root::generated::RingStatic::new(#ring, ());
                    #kept
                    __ring
                }
            }
        }
    }

    /// Registers a ring on a storage that it does not own, unless it is reached through `self`.
    fn kept(&self, owner: &TokenStream, value: &TokenStream) -> Option<TokenStream> {
        if self.method.storage_needs_self() {
            return None;
        }
        let ((root, span), cache) = (self.root_of_types(), self.coded_cache());
        Some(quote_spanned! {span=>
            {
                use #root::generated::{Clears as _, Hides as _, Leaves as _, Shows as _};
                let __reached = #root::generated::Reached::<_, _, #value>::by(|| #cache);
                #root::generated::keep(#owner, (&__reached).__ring_clearer(), (&__reached).__ring_shower());
            }
        })
    }

    /// The declaration of the type whose path shows where a generic ring is declared.
    fn place(&self) -> Option<TokenStream> {
        (!self.is_of_trait()).then(|| {
            quote!(
                struct __Here;
            )
        })
    }

    /// The type whose path shows where the ring is declared. Accessors of a trait share one, beside their impl.
    fn here(&self) -> TokenStream {
        if self.is_of_trait() || self.method.is_generic() {
            quote!(__Here)
        } else {
            quote!(__Ring)
        }
    }

    fn is_of_trait(&self) -> bool {
        let owner = self.method.owner.as_ref();
        owner.is_some_and(|owner| owner.of_trait.is_some())
    }

    /// The number of segments of that path that are not enclosing functions.
    fn own_items(&self) -> usize {
        match &self.method.owner {
            Some(owner) if owner.of_trait.is_some() => 1,
            Some(_) => 3,
            None => 2,
        }
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

    /// The capacity of the storage that the ring owns.
    fn capacity(&self, written: Option<&Expr>) -> TokenStream {
        let root = self.root;
        written.map_or_else(|| quote!(#root::DEFAULT_CAPACITY), ToTokens::to_token_stream)
    }

    /// Its eviction policy, if the user named one.
    fn policy(&self) -> TokenStream {
        let root = self.root;
        match &self.method.options.policy {
            Some(policy) => {
                let policy = Ident::new(&policy.to_string(), Span::call_site());
                quote!(::core::option::Option::Some(#root::Policy::#policy))
            }
            None => quote!(::core::option::Option::None),
        }
    }

    fn ring(&self, site: &TokenStream) -> TokenStream {
        let (root, options) = (self.root, &self.method.options);
        let ring_type = quote!(#root::generated::Ring);
        let mut ring = self.named_ring(&ring_type, site);
        match &options.version {
            Some(Version::Number(number)) => ring = quote!(#ring_type::version(#ring, #number)),
            Some(Version::Shape) => {
                let (span, value) = (self.span_of_value(), &self.types.value);
                let ring_type = self.root.generated_at(span);
                ring = quote_spanned!(span=> #ring_type::Ring::version_of_shape::<#value>(#ring));
            }
            None => {}
        }
        if let Some(coalesce) = options.coalesce {
            ring = quote!(#ring_type::coalesce(#ring, #coalesce));
        }
        if let Some(timeout) = &options.flight_timeout {
            let timeout = timeout.expression(root);
            ring = quote!(#ring_type::flight_timeout(#ring, #timeout));
        }
        if let Some(lease) = &options.lease {
            let lease = lease.expression(root);
            ring = quote!(#ring_type::lease(#ring, #lease));
        }
        if let Some(stale) = &options.stale {
            let stale = stale.expression(root);
            ring = quote!(#ring_type::stale(#ring, #stale));
        }
        if let Some(retry) = &options.retry {
            let retry = retry.expression(root);
            ring = quote!(#ring_type::retry(#ring, #retry));
        }
        if let Some(wait) = &options.wait {
            let wait = wait.expression(root);
            ring = quote!(#ring_type::wait(#ring, #wait));
        }
        if let Some(timeout) = &options.timeout {
            let timeout = timeout.expression(root);
            ring = quote!(#ring_type::timeout(#ring, ::core::option::Option::Some(#timeout)));
        }
        if let Some(early) = &options.early {
            let is_random = matches!(early, syn::Expr::Path(path) if path.path.is_ident("xfetch"));
            let early = if is_random {
                quote!(#root::generated::Early::XFetch)
            } else {
                quote!(#root::generated::Early::Part(#early))
            };
            ring = quote!(#ring_type::early(#ring, #early));
        }
        if self.methods.has_dependents(&self.method.sig.ident) {
            ring = quote!(#ring_type::with_dependents(#ring));
        }
        if let Some(jitter) = &options.jitter {
            ring = quote!(#ring_type::jitter(#ring, #jitter));
        }
        ring
    }

    fn named_ring(&self, ring_type: &TokenStream, site: &TokenStream) -> TokenStream {
        let (options, own_items) = (&self.method.options, self.own_items());
        let (here, name) = (self.here(), name::of_method(self.method));
        let place = quote!(::core::module_path!(), #own_items);
        let Some(prefix) = &options.key_prefix else {
            let shared = options.storage.may_be_shared();
            // A closure for each method would be checked and compiled.
            let text = name::text_of_method(self.method).filter(|_| !self.method.is_generic());
            return match text {
                Some(name) => quote!(#ring_type::declared::<#here, #site>(#place, #shared, #name)),
                None => {
                    quote!(#ring_type::declared_at::<#here, _>(#place, #site, #shared, |__name| { #name }))
                }
            };
        };
        let prefix = quote!(::core::convert::AsRef::<str>::as_ref(&#prefix));
        let arguments = if options.class.is_some() {
            let (arguments, ty) = (name::of_own_arguments(self.method), name::of_type(self.method));
            let ty = quote!(|__name| { #ty });
            quote!(|__name| { #arguments }, ::core::option::Option::Some(#ty))
        } else {
            let arguments = name::of_type_arguments(self.method);
            quote!(|__name| { #arguments }, ::core::option::Option::None)
        };
        quote!(#ring_type::with_prefix_of::<#here, _>(#prefix, #place, #site, |__name| { #name }, #arguments))
    }

    /// Code of a static: `Self` is undefined there, and replaced by the type.
    fn in_static(&self, code: TokenStream) -> TokenStream {
        match &self.method.owner {
            Some(owner) => {
                let parameters = owner.generics.lifetimes().chain(self.method.generics.lifetimes());
                let lifetimes = parameters.map(|parameter| parameter.lifetime.ident.to_string());
                in_static(&owner.self_ty, &lifetimes.collect::<Vec<_>>(), code)
            }
            None => code,
        }
    }
}
