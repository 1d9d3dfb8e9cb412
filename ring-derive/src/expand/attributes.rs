//! What of a method's attributes its accessors need as well.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Attributes that concern whatever stands in the place of the method, and its body.
const MOVED: [&str; 7] = ["cfg", "allow", "warn", "deny", "forbid", "expect", "deprecated"];

/// The attributes of the method itself.
pub(super) fn of_method(attrs: &[Attribute]) -> impl Iterator<Item = Attribute> {
    let kept = attrs.iter().cloned().map(without_expectation);
    kept.chain(allow_deprecated(attrs))
}

/// The attributes of its accessors.
pub(super) fn of_accessors(attrs: &[Attribute]) -> impl Iterator<Item = Attribute> {
    let moved = attrs.iter().filter(|attr| is_moved(&attr.meta));
    moved
        .cloned()
        .map(without_expectation)
        .chain(allow_deprecated(attrs))
}

/// A deprecated method and its accessors name each other.
fn allow_deprecated(attrs: &[Attribute]) -> Option<Attribute> {
    let deprecated = attrs.iter().any(|attr| attr.path().is_ident("deprecated"));
    deprecated.then(|| syn::parse_quote!(#[allow(deprecated)]))
}

fn is_moved(meta: &Meta) -> bool {
    match meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
            list.parse_args_with(parse)
                .is_ok_and(|metas| metas.iter().skip(1).all(is_moved))
        }
        meta => MOVED.iter().any(|moved| meta.path().is_ident(moved)),
    }
}

/// `expect` as `allow`: of the items that share the method's code, only some may meet the expectation.
fn without_expectation(mut attr: Attribute) -> Attribute {
    if let Meta::List(list) = &mut attr.meta
        && list.path.is_ident("expect")
    {
        list.path = syn::parse_quote!(allow);
    }
    attr
}
