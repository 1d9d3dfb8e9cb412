//! The storage of a ring: the options that name it.

use darling::ast::NestedMeta;
use darling::{Error, FromMeta, Result};
use syn::{Expr, Ident, Meta, Type};

use super::table::{Holds, Kind, Known, Target};
use super::values::{expected, value};
use crate::types::{is_storage_of_bytes, pointee};

/// The storage of a ring.
pub(crate) enum Storage {
    /// Its own `Lru`.
    Own { capacity: Option<Expr> },
    /// A storage of the user, named by its kind.
    OfKind { kind: Kind, place: Expr },
    /// A storage of the user, named by its type.
    OfType { ty: Box<Type>, place: Expr },
}

impl Default for Storage {
    fn default() -> Self {
        Storage::Own { capacity: None }
    }
}

impl FromMeta for Storage {
    /// From the options without a field of their own: at most one, as a ring has one storage.
    fn from_list(options: &[NestedMeta]) -> Result<Self> {
        match options.first() {
            Some(NestedMeta::Meta(option)) => Self::from_meta(option),
            Some(_) => Err(Error::unexpected_type("literal")),
            None => Ok(Storage::default()),
        }
    }

    fn from_meta(option: &Meta) -> Result<Self> {
        let name = darling::util::path_to_string(option.path());
        let kind = Known::find(&name, Target::Method).and_then(|known| known.kind);
        match (kind, value(option)?) {
            (Some(kind), place) => Ok(Storage::OfKind {
                kind,
                place: place.clone(),
            }),
            (None, capacity) if name == "capacity" => Ok(Storage::Own {
                capacity: Some(capacity.clone()),
            }),
            (None, Expr::Cast(cast)) => Ok(Storage::OfType {
                ty: cast.ty.clone(),
                place: (*cast.expr).clone(),
            }),
            (None, _) => Err(expected(
                option,
                "needs the storage's type, for the accessor's return type",
            )),
        }
    }
}

impl Storage {
    /// The expression that names the user's storage.
    pub(crate) fn place(&self) -> Option<&Expr> {
        match self {
            Storage::Own { .. } => None,
            Storage::OfKind { place, .. } | Storage::OfType { place, .. } => Some(place),
        }
    }
}

impl Storage {
    /// Whether it holds bytes and so needs a coder.
    pub(crate) fn holds_bytes(&self) -> bool {
        match self {
            Storage::Own { .. } => false,
            Storage::OfKind { kind, .. } => kind.holds != Holds::Values,
            Storage::OfType { ty, .. } => is_storage_of_bytes(ty),
        }
    }

    /// The type parameter that is its type, directly or behind a pointer.
    pub(crate) fn parameter(&self) -> Option<&Ident> {
        let Storage::OfType { ty, .. } = self else {
            return None;
        };
        let mut ty = &**ty;
        loop {
            ty = match ty {
                Type::Reference(reference) => &reference.elem,
                Type::Group(group) => &group.elem,
                Type::Path(path) if path.path.get_ident().is_some() => return path.path.get_ident(),
                ty => pointee(ty)?,
            };
        }
    }

    /// Whether keys may reach other processes, so that the names of type arguments must be stable.
    pub(crate) fn may_be_shared(&self) -> bool {
        matches!(self, Storage::OfType { .. }) || self.holds_bytes()
    }
}
