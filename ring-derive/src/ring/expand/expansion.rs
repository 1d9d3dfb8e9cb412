//! The expansion of a method, and code shared by its functions.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Generics, Ident, Visibility};

use super::types::{self, Types};
use crate::generics;
use crate::ring::model::{Argument, Method};
use crate::ring::named_calls::Methods;
use crate::root::{Root, located_at, moved_to};

pub(super) struct Expansion<'a> {
    pub(super) method: &'a Method,
    /// The cached methods of its block.
    pub(super) methods: &'a Methods,
    pub(super) root: &'a Root,
    pub(super) types: Types,
    /// The same for the bodies of generated functions.
    pub(super) types_in_bodies: Types,
}

/// The position of one of the accessors' functions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// With its body: beside a free function, in an inherent impl, or in the impl of the accessors' trait.
    Own,
    /// In the accessors' trait.
    Declared,
    /// Beside a hidden trait, for users.
    Inherent,
}

impl<'a> Expansion<'a> {
    pub(super) fn of(method: &'a Method, methods: &'a Methods) -> Self {
        Expansion {
            method,
            methods,
            root: &method.root,
            types: Types::of(method),
            types_in_bodies: Types::in_bodies(method),
        }
    }

    /// The holder of the coder, for the start of a body. An argument, as in a signature.
    pub(super) fn coder_holder(&self) -> Option<TokenStream> {
        let coder = types::held_coder(self.method)?;
        let name = types::holder(coder);
        let parameters = generics::beside(self.place_of_parameters(), TokenStream::new());
        let root = self.root;
        Some(quote! {
            struct #name;
            impl #parameters #root::generated::Holds for #name {
                type Stored = ::core::marker::PhantomData<#coder>;
            }
        })
    }

    /// The path before the name of an accessor, where the accessors are.
    pub(super) fn scope(&self) -> Option<TokenStream> {
        self.method.owner.as_ref().map(|owner| owner.scope())
    }

    /// The path before the name of an accessor, where the method is.
    pub(super) fn method_scope(&self) -> Option<TokenStream> {
        let owner = self.method.owner.as_ref()?;
        Some(if owner.is_hidden() {
            quote!(Self::)
        } else {
            owner.scope()
        })
    }

    /// Uses the method, so that it is not reported as unused if only its accessor is used. The enclosing function has no
    /// argument that could have the method's name.
    pub(super) fn mark_used(&self) -> TokenStream {
        let mut used = TokenStream::new();
        let name = &self.method.sig.ident;
        let owner = self.method.owner.as_ref();
        if owner.is_none() {
            let hint = self.method.block_hint();
            used.extend(quote!(let () = #hint;));
        }
        let by_trait = owner.is_some_and(|owner| owner.of_trait.is_some());
        let all_named = self.method.keyed_generics.params.len() == self.method.generics.params.len();
        if !by_trait && all_named && !self.method.hides_types() {
            let turbofish = generics::turbofish(&self.method.sig.generics);
            let of_type = owner.map(|_| quote!(Self::));
            used.extend(quote!(let _ = #of_type #name #turbofish;));
        }
        // An unused entry must not be reported either.
        if !self.named().any(Argument::hides_its_type) {
            let (scope, entry) = (self.scope(), item(self.method.entry()));
            let turbofish = generics::turbofish(&self.method.keyed_generics);
            let entry = self.used(quote!(#entry #turbofish));
            used.extend(quote!(let _ = #scope #entry;));
        }
        used
    }

    /// The accessors are as visible as the method, or as the user specified. A trait's methods are as visible as the trait,
    /// whose visibility is unknown here: they stay in the crate.
    pub(super) fn visibility(&self, place: Place) -> TokenStream {
        let of_trait = self
            .method
            .owner
            .as_ref()
            .is_some_and(|owner| owner.of_trait.is_some());
        if of_trait && place != Place::Inherent {
            return TokenStream::new();
        }
        let written = self.method.options.accessor.as_ref();
        match written.and_then(|accessor| accessor.written_vis()) {
            Some(vis) => vis.to_token_stream(),
            None if of_trait => quote!(pub(crate)),
            None => self.method_visibility(),
        }
    }

    fn method_visibility(&self) -> TokenStream {
        match &self.method.vis {
            Visibility::Public(_) => quote!(pub),
            vis => vis.to_token_stream(),
        }
    }

    /// The parameters of a function: beside a hidden trait, with those of its block that the type does not have.
    pub(super) fn generics(&self, place: Place, own: &Generics) -> Generics {
        generics::generated(&match &self.method.owner {
            Some(owner) if place == Place::Inherent => {
                let (_, moved) = generics::split_by(&owner.generics, &owner.self_ty);
                generics::join(&moved, own)
            }
            _ => own.clone(),
        })
    }

    /// The parameters of a function, as written before its arguments.
    pub(super) fn parameters(&self, generics: &Generics) -> TokenStream {
        match &self.method.owner {
            Some(_) => generics.to_token_stream(),
            None => generics::beside(self.place_of_parameters(), generics),
        }
    }

    /// The place of the parameters of the user's item: the block, or the function.
    pub(super) fn place_of_parameters(&self) -> Span {
        let owner = self.method.owner.as_ref();
        owner.map_or_else(|| self.method.sig.ident.span(), |owner| owner.place)
    }

    /// The library's path in the return types of the accessors, and the span of these types.
    pub(super) fn root_of_types(&self) -> (TokenStream, Span) {
        match self.place_of_result() {
            Some(place) => (self.root.at(place), located_at(place)),
            None => (self.root.to_token_stream(), Span::call_site()),
        }
    }

    /// An expression that uses one of these types.
    pub(super) fn used(&self, expression: TokenStream) -> TokenStream {
        match self.place_of_result() {
            Some(place) => moved_to(place, expression),
            None => expression,
        }
    }

    /// Where an error is reported if a type has to be a `Result` and is not. All code that needs the `Result` is there: the
    /// compiler reports equal errors at one place once.
    fn place_of_result(&self) -> Option<Span> {
        let ty = self.method.out_type().filter(|_| self.method.is_fallible());
        ty.map(Spanned::span)
    }

    /// A link to the method, for its documentation.
    pub(super) fn link(&self) -> String {
        // Without `r#`, which rustdoc does not accept.
        let name = self.method.sig.ident.unraw();
        match &self.method.owner {
            Some(owner) if owner.of_trait.is_some() => format!("`{name}`"),
            Some(_) => format!("[`{name}`](Self::{name}())"),
            None => format!("[`{name}`](fn@{name})"),
        }
    }

    /// `name`, or `Asyncname` for an `async fn`.
    pub(super) fn in_library(&self, name: &str) -> Ident {
        let prefix = if self.method.is_async() { "Async" } else { "" };
        Ident::new(&format!("{prefix}{name}"), Span::call_site())
    }
}

/// A name of an item, even if an argument has the same name.
pub(super) fn item(mut name: Ident) -> Ident {
    name.set_span(Span::mixed_site().located_at(name.span()));
    name
}

/// A variable of generated code, which the user's code does not see.
pub(super) fn variable(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
