//! A method while it is expanded, and the code that its accessor and its handle share.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, PathArguments, Visibility};

use super::types::Types;
use crate::generics;
use crate::ring::model::Method;
use crate::root::Root;

pub(super) struct Expansion<'a> {
    pub(super) method: &'a Method,
    pub(super) root: &'a Root,
    pub(super) types: Types,
}

impl<'a> Expansion<'a> {
    pub(super) fn of(method: &'a Method) -> Self {
        let (root, types) = (&method.root, Types::of(method));
        Expansion { method, root, types }
    }

    /// The path before the name of an accessor.
    pub(super) fn scope(&self) -> TokenStream {
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
    pub(super) fn import_trait(&self) -> Option<TokenStream> {
        let owner = self.method.owner.as_ref()?;
        let mut path = owner.trait_path.clone()?;
        path.segments.last_mut()?.arguments = PathArguments::None;
        Some(quote!(#[allow(unused_imports)] use #path as _;))
    }

    /// Uses the method, so that it is not reported as unused if only its accessor is used. The function that this is in
    /// has no argument that could have the method's name.
    pub(super) fn mark_used(&self) -> TokenStream {
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
    pub(super) fn visibility(&self) -> Visibility {
        match &self.method.owner {
            Some(owner) if owner.accessors.is_some() => Visibility::Inherited,
            Some(owner) if owner.trait_path.is_some() => syn::parse_quote!(pub),
            _ => self.method.vis.clone(),
        }
    }

    /// A link to the method, for its documentation.
    pub(super) fn link(&self) -> String {
        let name = &self.method.sig.ident;
        match &self.method.owner {
            Some(owner) if owner.trait_path.is_some() => format!("`{name}`"),
            Some(_) => format!("[`{name}`](Self::{name})"),
            None => format!("[`{name}`]"),
        }
    }

    /// `name`, or `Asyncname` for an `async fn`.
    pub(super) fn in_library(&self, name: &str) -> Ident {
        let prefix = if self.method.is_async() { "Async" } else { "" };
        Ident::new(&format!("{prefix}{name}"), Span::call_site())
    }
}

/// A name that stands for an item, even where an argument has it too.
pub(super) fn item(mut name: Ident) -> Ident {
    name.set_span(Span::mixed_site().located_at(name.span()));
    name
}
