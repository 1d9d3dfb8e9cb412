//! The attribute `#[ring]` on items.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

pub(super) const DUPLICATE: &str = "duplicate `#[ring]`: put all options in one `#[ring(..)]`";

/// Whether it is `#[ring]`, also within `cfg_attr`, where it cannot be expanded.
pub(super) fn is_ring(attribute: &Attribute) -> bool {
    let is_named = |meta: &Meta| {
        meta.path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "ring")
    };
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|metas| metas.iter().skip(1).any(is_named)),
        meta => is_named(meta),
    }
}

/// Removes the marks, and returns them.
pub(super) fn take(attributes: &mut Vec<Attribute>) -> Vec<Attribute> {
    attributes
        .extract_if(.., |attribute| is_ring(attribute))
        .collect()
}
