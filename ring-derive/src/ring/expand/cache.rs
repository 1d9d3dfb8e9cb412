//! The handle of a whole method, and the static behind it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, Ident, Token};

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
        let cache = item(self.method.cache());
        let turbofish = generics::turbofish(&self.method.keyed_generics);
        let receiver = self.storage_self();
        let cache = self.used(quote!(#cache #turbofish));
        quote!(#cache(#receiver))
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
        let owned_type = self.in_static(self.owned_type());
        let ring = self.in_static(self.ring(&quote!(__Ring)));
        let state = self.in_static(self.owned());
        let span = self.span_of_value();
        let generated = self.root.generated_at(span);
        let (place, kept) = (
            self.place(),
            self.kept(&self.used(quote_spanned!(span=> <__Value as #generated::Holds>::Stored)))
                .map(|kept| self.in_static(kept)),
        );
        // The content of the static has a name, at a place where the compiler reports an unknown type in the same words as
        // in the user's signature.
        let parameters = generics::beside(self.place_of_parameters(), TokenStream::new());
        let value = self.in_static(self.types.value.clone());
        let value = kept.is_some().then(|| {
            quote_spanned! {span=>
                struct __Value;
                impl #parameters #generated::Holds for __Value {
                    type Stored = #value;
                }
            }
        });
        let declarations = quote_spanned! {span=>
            struct __Ring;
            #place
            impl #parameters #generated::Holds for __Ring {
                type Stored = #owned_type;
            }
            #value
            static __RING: #generated::Static<<__Ring as #generated::Holds>::Stored> =
                #generated::Static(#generated::LazyLock::new(|| {
                    let __ring = #generated::RingStatic::new(#ring, #state);
                    #kept
                    __ring
                }));
        };
        (declarations, quote!(&__RING.0))
    }

    /// A static for all instantiations, and the expression that finds the entry of this one.
    fn registry(&self) -> (TokenStream, TokenStream) {
        let (root, owned_type, state) = (self.root, self.owned_type(), self.owned());
        // Unlike a local type, a function item differs between instantiations.
        let (cache, turbofish) = (
            self.method.cache(),
            generics::turbofish(&self.method.keyed_generics),
        );
        let scope = self.scope();
        let cache = self.used(quote!(#cache #turbofish));
        let site = quote!(#scope #cache);
        let (ring, place) = (self.used(self.ring(&self.site_of_name(&site))), self.place());
        let kept = self.kept(&self.types.value);
        let state = self.used(state);
        let declarations = quote! {
            #place
            static __RING: #root::generated::Registry = #root::generated::Registry::new();
        };
        let span = self.span_of_value();
        let generated = self.root.generated_at(span);
        let found = quote_spanned! {span=>
            #generated::Registry::get::<_, _, #generated::RingStatic<#owned_type>>(
                &__RING,
                #site,
                || {
                    let __ring = #generated::RingStatic::new(#ring, #state);
                    #kept
                    __ring
                },
            )
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

    /// Registers the ring, so that all rings can be cleared, unless its storage is reached through `self`. `value` is the
    /// type of its values.
    fn kept(&self, value: &TokenStream) -> Option<TokenStream> {
        if self.method.storage_needs_self() {
            return None;
        }
        let ((root, span), cache) = (self.root_of_types(), self.coded_cache());
        let keep = match &self.method.owner {
            Some(_) => quote_spanned!(span=> #root::generated::keep_of::<Self>),
            None => quote_spanned!(span=> #root::generated::keep_free),
        };
        Some(quote_spanned! {span=>
            #keep(
                |__namespace| {
                    use #root::generated::{Clears as _, Leaves as _};
                    (&#root::generated::Reached::<_, _, #value>::of(#cache)).__ring_clear(__namespace)
                },
                |__visitor| {
                    use #root::generated::{Hides as _, Shows as _};
                    (&#root::generated::Reached::<_, _, #value>::of(#cache)).__ring_show(__visitor)
                },
            );
        })
    }

    /// The type whose path shows where the ring is declared. Accessors of a trait share one, beside their impl.
    fn place(&self) -> Option<TokenStream> {
        let of_trait = self
            .method
            .owner
            .as_ref()
            .is_some_and(|owner| owner.of_trait.is_some());
        (!of_trait).then(|| {
            quote!(
                struct __Here;
            )
        })
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
                let builder = quote!(#root::LruBuilder);
                quote! {
                    #builder::build(#builder::policy(
                        #builder::capacity(#root::Lru::builder(), #capacity),
                        #root::Policy::#policy,
                    ))
                }
            }
            None => quote!(#root::Lru::new(#capacity)),
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
        let name = name::of_method(self.method);
        let declared = quote!(::core::module_path!(), #own_items, #site);
        let Some(prefix) = &options.key_prefix else {
            let shared = options.storage.may_be_shared();
            return quote!(#ring_type::declared::<__Here, _>(#declared, #shared, |__name| { #name }));
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
        quote!(#ring_type::with_prefix_of::<__Here, _>(#prefix, #declared, |__name| { #name }, #arguments))
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
