//! The impl block of a cached method.

use std::cell::RefCell;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Generics, Ident, ItemImpl, Path, Type, Visibility};

use crate::generics;
use crate::parse::Accessor;

/// The impl block of a method.
pub(crate) struct Owner {
    /// Where the user wrote `impl`.
    pub(crate) place: Span,
    pub(crate) self_ty: Type,
    /// The parameters of the block of the accessors.
    pub(crate) generics: Generics,
    /// The trait of the methods.
    pub(crate) of_trait: Option<OfTrait>,
    /// The user's visibility and name for the trait of the accessors. Without them the trait is hidden, and inherent methods
    /// call its methods.
    pub(crate) named: Option<Accessor>,
}

/// The trait of an impl block, and the one that declares the accessors.
pub(crate) struct OfTrait {
    pub(crate) path: Path,
    /// The trait of the accessors.
    pub(crate) accessors: Ident,
    /// The associated types and constants that the block declares, and their types.
    pub(crate) declared: Vec<(Ident, Type)>,
    /// Types that have a name only in the trait of the accessors.
    pub(crate) hoisted: RefCell<Vec<Type>>,
    /// The user's visibility of an accessor. The trait needs it, as it contains types of the signature.
    pub(crate) vis: RefCell<Option<Visibility>>,
}

impl Owner {
    pub(crate) fn of(item: &ItemImpl, declared: Vec<(Ident, Type)>, named: Option<Accessor>) -> Self {
        let mut generics = item.generics.clone();
        let of_trait = item.trait_.as_ref().map(|(path, _)| {
            let name = named.as_ref().and_then(|named| named.name.clone());
            OfTrait {
                path: generics::name_lifetimes(path, &mut generics),
                accessors: name.unwrap_or_else(|| format_ident!("__Accessors")),
                declared,
                hoisted: RefCell::default(),
                vis: RefCell::default(),
            }
        });
        Owner {
            place: item.impl_token.span,
            self_ty: (*item.self_ty).clone(),
            generics,
            of_trait,
            named,
        }
    }

    /// The type that the block declares as `Self::Name`.
    pub(crate) fn declared(&self, name: &Ident) -> Option<&Type> {
        let mut declared = self.of_trait.as_ref()?.declared.iter();
        declared.find(|(declared, _)| declared == name).map(|(_, ty)| ty)
    }

    /// Whether the accessors are methods of a hidden trait.
    pub(crate) fn is_hidden(&self) -> bool {
        self.of_trait.is_some() && self.named.is_none()
    }

    /// The names of the types that have one only in the trait of the accessors.
    pub(crate) fn hoisted_names(&self) -> Vec<Ident> {
        let hoisted = self
            .of_trait
            .as_ref()
            .map(|of_trait| of_trait.hoisted.borrow().len());
        (0..hoisted.unwrap_or(0))
            .map(|place| format_ident!("__Type{place}"))
            .collect()
    }

    /// The path to the accessors from within their block.
    pub(crate) fn scope(&self) -> TokenStream {
        match &self.of_trait {
            Some(OfTrait { accessors, .. }) => {
                let (_, arguments, _) = self.generics.split_for_impl();
                quote!(<Self as #accessors #arguments>::)
            }
            None => quote!(Self::),
        }
    }
}
