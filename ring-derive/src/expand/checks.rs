//! Checks that only the compiler can make, placed at the return type that the user wrote.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use crate::facade;
use crate::model::Method;

/// A call, checked that its value can be cached, and that it is no `Result` in disguise.
pub(super) fn of_call(method: &Method, root: &TokenStream, call: TokenStream) -> TokenStream {
    let Some(ty) = method.out_type() else { return call };
    let coder = method.coder(root);
    if coder.is_none() && is_known_clone(ty) {
        return call;
    }
    let span = Span::call_site().located_at(ty.span());
    let generated = facade::path_at(root, span);
    let generated = quote_spanned!(span=> #generated::generated);
    let check = Ident::new(if coder.is_some() { "coded" } else { "in_memory" }, span);
    let coder = coder.map(|coder| quote!(#coder,));
    if method.is_fallible() {
        quote_spanned!(span=> #generated::#check::<_, #generated::OkOf<#ty>, #coder _>(#call))
    } else {
        quote_spanned!(span=> ({
            use #generated::Plainly as _;
            #generated::Probe::<#ty>::new().#check::<_, #coder _>(#call)
        }))
    }
}

/// Types of std that are known not to be `Result`s, which spares the compiler a check.
pub(crate) fn is_known_plain(ty: &Type) -> bool {
    const KNOWN: [&str; 22] = [
        "String", "Vec", "Option", "Box", "Arc", "Rc", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "bool",
        "char", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "f32", "f64", "Bytes",
    ];
    matches!(ty, Type::Tuple(_) | Type::Array(_) | Type::Reference(_)) || is_named(ty, &KNOWN)
}

/// Types of std that are known to be `Clone`.
fn is_known_clone(ty: &Type) -> bool {
    const KNOWN: [&str; 16] = [
        "String", "Arc", "Rc", "bool", "char", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "isize",
        "f32", "f64", "Bytes",
    ];
    is_named(ty, &KNOWN)
}

/// Whether a type is written as one of these names, with or without arguments.
fn is_named(ty: &Type, names: &[&str]) -> bool {
    let Type::Path(path) = ty else { return false };
    let mut segments = path.path.segments.iter();
    match (segments.next(), segments.next()) {
        (Some(only), None) => names.iter().any(|name| only.ident == name),
        _ => false,
    }
}
