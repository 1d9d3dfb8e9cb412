//! The storages that an attribute can name.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, Type};

use crate::coder::is_storage_of_bytes;

/// A storage that is named by its kind. Its type follows from the kind and from what the ring stores.
pub(crate) struct Kind {
    /// The option's name.
    pub(crate) option: &'static str,
    /// The type's name in the library.
    type_name: &'static str,
    holds: Holds,
}

/// What a storage holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// The values of one type, in this process.
    Values,
    /// Bytes of any ring, elsewhere.
    Bytes,
    /// The same, with operations that block.
    BytesBlocking,
}

/// All kinds.
pub(crate) const KINDS: [Kind; 7] = [
    Kind::new("lru", "Lru", Holds::Values),
    Kind::new("map", "Map", Holds::Values),
    Kind::new("redis", "Redis", Holds::Bytes),
    Kind::new("redis_hash", "RedisHash", Holds::Bytes),
    Kind::new("redis_cluster", "RedisCluster", Holds::Bytes),
    Kind::new("memcached", "Memcached", Holds::Bytes),
    Kind::new("disk", "Disk", Holds::BytesBlocking),
];

impl Kind {
    const fn new(option: &'static str, type_name: &'static str, holds: Holds) -> Self {
        Kind {
            option,
            type_name,
            holds,
        }
    }

    /// The kind of this option.
    pub(crate) fn of(option: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.option == option)
    }

    /// The storage's type, holding values of type `held`, for a function that is async or not.
    fn storage_type(&self, root: &TokenStream, held: &TokenStream, is_async: bool) -> TokenStream {
        let name = quote::format_ident!("{}", self.type_name);
        match self.holds {
            Holds::Values => quote!(#root::#name<#held>),
            Holds::BytesBlocking if is_async => quote!(#root::Blocking<#root::#name>),
            Holds::Bytes | Holds::BytesBlocking => quote!(#root::#name),
        }
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
    /// Whether it is the ring's own.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self, Storage::Own { .. })
    }

    /// The expression that names the user's storage, if it is not the ring's own.
    pub(crate) fn place(&self) -> Option<&Expr> {
        match self {
            Storage::Own { .. } => None,
            Storage::OfKind { place, .. } | Storage::OfType { place, .. } => Some(place),
        }
    }

    /// The storage's type, holding values of type `held`, for a function that is async or not.
    pub(crate) fn storage_type(&self, root: &TokenStream, held: &TokenStream, is_async: bool) -> TokenStream {
        match self {
            Storage::Own { .. } => quote!(#root::Lru<#held>),
            Storage::OfKind { kind, .. } => kind.storage_type(root, held, is_async),
            Storage::OfType { storage, .. } => quote!(#storage),
        }
    }

    /// Whether it holds bytes, whatever the user says, so that there must be a coder.
    pub(crate) fn holds_bytes(&self) -> bool {
        match self {
            Storage::Own { .. } => false,
            Storage::OfKind { kind, .. } => kind.holds != Holds::Values,
            Storage::OfType { storage, .. } => is_storage_of_bytes(storage),
        }
    }

    /// Whether keys may reach other processes, so that the names of type arguments must be stable.
    pub(crate) fn may_be_shared(&self) -> bool {
        matches!(self, Storage::OfType { .. }) || self.holds_bytes()
    }
}
