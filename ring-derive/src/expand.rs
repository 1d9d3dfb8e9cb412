//! The code of one cached method: the method itself, its accessor, and the handle of the whole.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Expr, FnArg, Generics, Type, Visibility};

use crate::generics::{self, ReplaceSelf};
use crate::model::{Argument, Method};
use crate::naming;
use crate::storage::Storage;

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
            quote! {
                #[inline]
                #accessor { #accessor_body }
                #[inline]
                #cache { #cache_body }
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
        let attrs = attrs.iter().filter(|attr| !attr.path().is_ident("expect"));
        let mut sig = sig.clone();
        let arguments = sig.inputs.iter_mut().filter_map(|argument| match argument {
            FnArg::Typed(argument) => Some(argument),
            FnArg::Receiver(_) => None,
        });
        for (typed, argument) in arguments.zip(&self.method.arguments) {
            let name = &argument.name;
            *typed.pat = syn::parse_quote!(#name);
        }
        let action = self
            .method
            .options
            .action
            .as_ref()
            .map_or_else(|| quote!(get_or_update), ToTokens::to_token_stream);
        let call = self.accessor_call();
        quote! {
            #(#attrs)*
            #vis #sig { #call.#action() }
        }
    }

    fn accessor_call(&self) -> TokenStream {
        let accessor = self.method.accessor();
        let names = self.names();
        match &self.method.owner {
            None => {
                let turbofish = self.turbofish();
                quote!(#accessor #turbofish(#(#names),*))
            }
            Some(owner) => {
                let self_argument = self
                    .method
                    .receiver()
                    .map(|receiver| receiver.self_token)
                    .into_iter();
                let arguments = self_argument
                    .map(ToTokens::into_token_stream)
                    .chain(names.map(ToTokens::to_token_stream));
                let turbofish = self.turbofish();
                match &owner.accessors {
                    Some(accessors) => {
                        let (_, arguments_of_trait, _) = owner.generics.split_for_impl();
                        quote!(<Self as #accessors #arguments_of_trait>::#accessor #turbofish(#(#arguments),*))
                    }
                    None => quote!(Self::#accessor #turbofish(#(#arguments),*)),
                }
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &syn::Ident> {
        self.method.arguments.iter().map(|argument| &argument.name)
    }

    /// The type arguments of the accessor, unless an `impl Trait` argument forbids to write them.
    fn turbofish(&self) -> TokenStream {
        if self
            .method
            .arguments
            .iter()
            .any(|argument| matches!(argument.ty, Type::ImplTrait(_)))
        {
            return TokenStream::new();
        }
        generics::turbofish(&self.method.generics())
    }

    /// The accessor without its body.
    fn accessor(&self) -> TokenStream {
        let root = self.root;
        let (attrs, vis) = (self.moved_attributes(), self.visibility());
        let (accessor, generics) = (self.method.accessor(), self.method.generics());
        let where_clause = &generics.where_clause;
        let arguments = self
            .method
            .arguments
            .iter()
            .map(|Argument { name, ty, .. }| quote!(#name: #ty));
        let receiver = self.method.receiver().into_iter().map(ToTokens::to_token_stream);
        let inputs = receiver.chain(arguments);
        let (returned, view, out) = (self.returned(), self.view(), self.method.out());
        let doc = format!(
            "Binds a call of {}: a verb follows, such as `.get()` or `.delete()`.",
            self.link()
        );
        quote! {
            #[doc = #doc]
            #(#attrs)*
            #[allow(clippy::type_complexity, clippy::too_many_arguments, clippy::needless_lifetimes, clippy::elidable_lifetime_names, private_interfaces, private_bounds, unreachable_pub)]
            #vis fn #accessor #generics (#(#inputs),*) -> #root::Call<#returned, #view, impl #root::body::Body<Out = #out>> #where_clause
        }
    }

    fn accessor_body(&self) -> TokenStream {
        let root = self.root;
        let (out, block, checks) = (self.method.out(), &self.method.block, self.checks());
        let (parts, patterns) = self.parts();
        let used = self.mark_used();
        let cache = self.cache_call();
        let expire = self.method.options.expire.as_ref().map(|expire| {
            let expire = expire.expression(root);
            quote!(.expire_in(#expire))
        });
        let unless = self
            .method
            .options
            .unless
            .as_ref()
            .map(|unless| quote!(.unless(#unless)));
        quote! {
            #used
            #checks
            #cache.bind(#parts, move |#patterns| -> #out #block) #expire #unless
        }
    }

    /// Keeps the method from counting as unused where only its accessor is used.
    fn mark_used(&self) -> TokenStream {
        let mut used = TokenStream::new();
        let name = &self.method.sig.ident;
        if self.method.owner.is_none() {
            let hint = self.method.block_hint();
            used.extend(quote!(let () = #hint;));
        }
        let by_trait = self
            .method
            .owner
            .as_ref()
            .is_some_and(|owner| owner.trait_path.is_some());
        let hidden = self
            .method
            .arguments
            .iter()
            .any(|argument| matches!(argument.ty, Type::ImplTrait(_)));
        if !by_trait && !hidden {
            let turbofish = generics::turbofish(&self.method.sig.generics);
            let of_type = self.method.owner.as_ref().map(|_| quote!(Self::));
            used.extend(quote!(let _ = #of_type #name #turbofish;));
        }
        used
    }

    /// Checks of the return type, where the user wrote it.
    fn checks(&self) -> TokenStream {
        let root = self.root;
        let Some(ty) = self.method.out_type() else {
            return TokenStream::new();
        };
        let span = ty.span();
        let mut checks = TokenStream::new();
        if !self.method.is_fallible() && !is_known_plain(ty) {
            checks.extend(quote_spanned! {span=> {
                use #root::generated::IsPlain as _;
                #root::generated::Probe::<#ty>::new().is_plain();
            }});
        }
        if self.method.options.coder.is_none() && !is_known_clone(ty) {
            let value = self.method.value(&quote_spanned!(span=> #root));
            checks.extend(quote_spanned!(span=> #root::generated::cached_in_memory::<#value>();));
        }
        checks
    }

    /// The tuple of bound values, and the pattern that takes it apart again.
    fn parts(&self) -> (TokenStream, TokenStream) {
        let root = self.root;
        let (mut parts, mut patterns) = (TokenStream::new(), TokenStream::new());
        let options = &self.method.options;
        if let Some(key) = &options.key {
            let keyed = quote_spanned!(key.span()=> #root::generated::keyed);
            parts.extend(quote!(#keyed(#key),));
            patterns.extend(quote!(_,));
        }
        if let (Some(_), Some(owner)) = (options.class, &self.method.owner) {
            let class = naming::class_name(&owner.self_ty);
            parts.extend(quote!(#root::generated::keyed(#class),));
            patterns.extend(quote!(_,));
        }
        if let Some(receiver) = self.method.receiver().filter(|_| options.key.is_none()) {
            let self_token = receiver.self_token;
            let keyed = quote_spanned!(self_token.span()=> #root::generated::keyed);
            parts.extend(quote!(#keyed(#self_token),));
            patterns.extend(quote!(_,));
        }
        for Argument {
            name,
            pattern,
            ty,
            ignored,
        } in &self.method.arguments
        {
            if *ignored {
                parts.extend(quote!(#root::generated::Ignored(#name),));
                patterns.extend(quote!(#root::generated::Ignored(#pattern),));
            } else {
                let keyed = quote_spanned!(ty.span()=> #root::generated::keyed);
                parts.extend(quote!(#keyed(#name),));
                patterns.extend(quote!(#pattern,));
            }
        }
        (quote!((#parts)), quote!((#patterns)))
    }

    fn returned(&self) -> TokenStream {
        let (root, out) = (self.root, self.method.out());
        if self.method.is_fallible() {
            quote!(#root::generated::FallibleOf<#out>)
        } else {
            quote!(#root::Plain<#out>)
        }
    }

    /// What the storage holds: the values, or bytes.
    fn held(&self) -> TokenStream {
        match self.method.options.coder {
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

    /// The storage as the ring sees it.
    fn view(&self) -> TokenStream {
        let root = self.root;
        let storage = self.storage().storage_type(root, &self.held());
        match (&self.method.options.coder, self.method.storage_needs_self()) {
            (None, true) => quote!(&#storage),
            (None, false) => quote!(&'static #storage),
            (Some(coder), true) => quote!(#root::storage::Coded<'_, #storage, #coder>),
            (Some(coder), false) => quote!(#root::storage::Coded<'static, #storage, #coder>),
        }
    }

    /// The handle's function without its body.
    fn cache(&self) -> TokenStream {
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

    fn cache_call(&self) -> TokenStream {
        let (cache, turbofish) = (self.method.cache(), generics::turbofish(&self.method.generics()));
        match &self.method.owner {
            None => quote!(#cache #turbofish()),
            Some(_) if self.method.storage_needs_self() => quote!(self.#cache #turbofish()),
            Some(_) => quote!(Self::#cache #turbofish()),
        }
    }

    fn cache_body(&self) -> TokenStream {
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

    /// Attributes of the method that its accessors and its body need as well.
    fn moved_attributes(&self) -> impl Iterator<Item = &Attribute> {
        const MOVED: [&str; 7] = ["cfg", "allow", "warn", "deny", "forbid", "expect", "deprecated"];
        self.method
            .attrs
            .iter()
            .filter(|attr| MOVED.iter().any(|moved| attr.path().is_ident(moved)))
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

/// Types of std that are known not to be `Result`s, which spares the compiler a check.
fn is_known_plain(ty: &Type) -> bool {
    const KNOWN: [&str; 22] = [
        "String", "Vec", "Option", "Box", "Arc", "Rc", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "bool",
        "char", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "f32", "f64", "Bytes",
    ];
    match ty {
        Type::Tuple(_) | Type::Array(_) | Type::Reference(_) => true,
        Type::Path(path) => {
            path.path
                .get_ident()
                .is_some_and(|ident| KNOWN.iter().any(|known| ident == known))
                || path.path.segments.len() == 1
                    && path
                        .path
                        .segments
                        .iter()
                        .any(|segment| KNOWN.iter().any(|known| segment.ident == known))
        }
        _ => false,
    }
}

/// Types of std that are known to be `Clone`.
fn is_known_clone(ty: &Type) -> bool {
    const KNOWN: [&str; 16] = [
        "String", "Arc", "Rc", "bool", "char", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "isize",
        "f32", "f64", "Bytes",
    ];
    matches!(ty, Type::Path(path) if path.path.segments.len() == 1
        && path.path.segments.iter().all(|segment| KNOWN.iter().any(|known| segment.ident == known)))
}

/// The extension trait that declares the accessors of a foreign type.
pub(crate) fn extension_trait(
    name: &syn::Ident,
    generics: &Generics,
    declarations: &[TokenStream],
) -> TokenStream {
    let where_clause = &generics.where_clause;
    quote! {
        /// The accessors of cached methods.
        #[allow(private_interfaces, private_bounds, unreachable_pub)]
        pub trait #name #generics #where_clause { #(#declarations)* }
    }
}
