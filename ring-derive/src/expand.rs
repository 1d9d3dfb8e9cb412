//! The code of one cached method: the method itself, its accessor, and the handle of the whole.

mod cache;
mod checks;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Generics, Type, Visibility};

use crate::generics;
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
        let (out, block) = (self.method.out(), &self.method.block);
        let checks = checks::of_return_type(self.method, root);
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
