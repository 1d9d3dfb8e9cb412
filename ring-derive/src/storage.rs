//! The storages that an attribute can name.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, Type};

/// A storage that is named by its kind. Its type follows from the kind and from what the ring stores.
pub(crate) struct Kind {
    /// The option's name.
    pub(crate) option: &'static str,
    /// The type's name in the library.
    type_name: &'static str,
}

/// All kinds.
pub(crate) const KINDS: [Kind; 2] = [
    Kind {
        option: "lru",
        type_name: "Lru",
    },
    Kind {
        option: "map",
        type_name: "Map",
    },
];

impl Kind {
    /// The kind of this option.
    pub(crate) fn of(option: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.option == option)
    }

    /// The storage's type, holding values of type `held`.
    pub(crate) fn storage_type(&self, root: &TokenStream, held: &TokenStream) -> TokenStream {
        let name = quote::format_ident!("{}", self.type_name);
        quote!(#root::#name<#held>)
    }
}

/// Where a ring keeps its values.
#[derive(Clone)]
pub(crate) enum Storage {
    /// In an `Lru` of its own.
    Own {
        /// Its capacity, if the user said one.
        capacity: Option<Expr>,
    },
    /// In a storage of the user's that is named by its kind.
    OfKind {
        /// The kind.
        kind: &'static Kind,
        /// Where it is.
        place: Expr,
    },
    /// In any other storage of the user's.
    OfType {
        /// Its type.
        storage: Box<Type>,
        /// Where it is.
        place: Expr,
    },
}

impl Storage {
    /// The expression that names the user's storage, if it is not the ring's own.
    pub(crate) fn place(&self) -> Option<&Expr> {
        match self {
            Storage::Own { .. } => None,
            Storage::OfKind { place, .. } | Storage::OfType { place, .. } => Some(place),
        }
    }

    /// The storage's type, holding values of type `held`.
    pub(crate) fn storage_type(&self, root: &TokenStream, held: &TokenStream) -> TokenStream {
        match self {
            Storage::Own { .. } => quote!(#root::Lru<#held>),
            Storage::OfKind { kind, .. } => kind.storage_type(root, held),
            Storage::OfType { storage, .. } => quote!(#storage),
        }
    }

    /// Whether keys may reach other processes, so that the names of type arguments must be stable.
    pub(crate) fn may_be_shared(&self) -> bool {
        matches!(self, Storage::OfType { .. })
    }
}
