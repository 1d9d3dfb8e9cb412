//! The attributes of a method, and those that its accessors need as well.

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Attributes that set the level of a lint.
const LINTS: [&str; 5] = ["allow", "warn", "deny", "forbid", "expect"];

/// Attributes for the items that replace the method, and for its body.
const MOVED: [&str; 7] = ["cfg", "allow", "warn", "deny", "forbid", "expect", "deprecated"];

/// The attributes of the method itself.
pub(super) fn of_method(attrs: &[Attribute]) -> impl Iterator<Item = Attribute> {
    let kept = attrs.iter().cloned().map(without_expectation);
    kept.chain(allow_deprecated(attrs))
}

/// The attributes that decide whether it is compiled.
pub(super) fn of_presence(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs
        .iter()
        .filter(|attr| all(&attr.meta, &|meta| meta.path().is_ident("cfg")))
}

/// The lint levels of an impl block or of arguments, for code moved out of them.
pub(crate) fn lints(attrs: &[Attribute]) -> impl Iterator<Item = Attribute> {
    let is_lint = |meta: &Meta| LINTS.iter().any(|lint| meta.path().is_ident(lint));
    attrs
        .iter()
        .filter(move |attr| all(&attr.meta, &is_lint))
        .cloned()
        .map(without_expectation)
}

/// The attributes of its accessors.
pub(super) fn of_accessors(attrs: &[Attribute]) -> impl Iterator<Item = Attribute> {
    let moved = attrs.iter().filter(|attr| all(&attr.meta, &is_moved));
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
    MOVED.iter().any(|moved| meta.path().is_ident(moved)) || hides(meta)
}

/// Whether it is `doc(hidden)`: the accessors of a hidden method are hidden too.
fn hides(meta: &Meta) -> bool {
    matches!(meta, Meta::List(list) if list.path.is_ident("doc") && list.tokens.to_string() == "hidden")
}

/// Whether `wanted` holds for an attribute, or for all attributes in a `cfg_attr`.
fn all(meta: &Meta, wanted: &dyn Fn(&Meta) -> bool) -> bool {
    match conditional(meta) {
        Some(metas) => !metas.is_empty() && metas.iter().all(|meta| all(meta, wanted)),
        None => wanted(meta),
    }
}

/// Whether `wanted` holds for an attribute, or for one in a `cfg_attr`.
pub(crate) fn any(meta: &Meta, wanted: &dyn Fn(&Meta) -> bool) -> bool {
    match conditional(meta) {
        Some(metas) => metas.iter().any(|meta| any(meta, wanted)),
        None => wanted(meta),
    }
}

/// The attributes in a `cfg_attr`.
fn conditional(meta: &Meta) -> Option<Vec<Meta>> {
    let list = meta
        .require_list()
        .ok()
        .filter(|list| list.path.is_ident("cfg_attr"))?;
    let metas = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    Some(metas.into_iter().flatten().skip(1).collect())
}

/// `expect` as `allow`: only some of the items that share the method's code may fulfil the expectation.
pub(crate) fn without_expectation(mut attr: Attribute) -> Attribute {
    allow_expected(&mut attr.meta);
    attr
}

fn allow_expected(meta: &mut Meta) {
    let Meta::List(list) = meta else { return };
    if list.path.is_ident("expect") {
        list.path = syn::parse_quote!(allow);
    } else if list.path.is_ident("cfg_attr")
        && let Ok(mut metas) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
    {
        metas.iter_mut().skip(1).for_each(allow_expected);
        list.tokens = metas.into_token_stream();
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    #[test]
    fn accessors_of_a_hidden_method_are_hidden() {
        let function: syn::ItemFn = syn::parse_quote! {
            /// A comment.
            #[doc(hidden)]
            #[cfg_attr(docsrs, doc(hidden))]
            #[doc(alias = "alias")]
            pub fn secret() {}
        };
        let kept: Vec<String> = super::of_accessors(&function.attrs)
            .map(|attr| attr.to_token_stream().to_string().replace(' ', ""))
            .collect();
        assert_eq!(kept, ["#[doc(hidden)]", "#[cfg_attr(docsrs,doc(hidden))]"]);
    }
}
