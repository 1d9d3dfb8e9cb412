//! Checks that only the compiler can make, placed at the return type that the user wrote.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::Type;
use syn::spanned::Spanned;

use crate::model::Method;

/// That the return type is no `Result` in disguise.
pub(super) fn of_return_type(method: &Method, root: &TokenStream) -> TokenStream {
    let Some(ty) = method.out_type() else {
        return TokenStream::new();
    };
    let span = ty.span();
    if !method.is_fallible() && !is_known_plain(ty) {
        return quote_spanned! {span=> {
            use #root::generated::IsPlain as _;
            #root::generated::Probe::<#ty>::new().is_plain();
        }};
    }
    TokenStream::new()
}

/// A call, checked that its value can be cloned where that is needed.
pub(super) fn of_value(method: &Method, root: &TokenStream, call: TokenStream) -> TokenStream {
    match method.out_type() {
        Some(ty) if method.options.coder.is_none() && !is_known_clone(ty) => {
            let span = ty.span();
            let value = method.value(&quote_spanned!(span=> #root));
            quote_spanned!(span=> #root::generated::in_memory::<_, #value, _>(#call))
        }
        _ => call,
    }
}

/// Types of std that are known not to be `Result`s, which spares the compiler a check.
fn is_known_plain(ty: &Type) -> bool {
    const KNOWN: [&str; 22] = [
        "String", "Vec", "Option", "Box", "Arc", "Rc", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "bool",
        "char", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "f32", "f64", "Bytes",
    ];
    match ty {
        Type::Tuple(_) | Type::Array(_) | Type::Reference(_) => true,
        Type::Path(path) => {
            path.path
                .get_ident()
                .is_some_and(|ident| KNOWN.iter().any(|known| ident == known))
                || path.path.segments.len() == 1
                    && path
                        .path
                        .segments
                        .iter()
                        .any(|segment| KNOWN.iter().any(|known| segment.ident == known))
        }
        _ => false,
    }
}

/// Types of std that are known to be `Clone`.
fn is_known_clone(ty: &Type) -> bool {
    const KNOWN: [&str; 16] = [
        "String", "Arc", "Rc", "bool", "char", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "isize",
        "f32", "f64", "Bytes",
    ];
    matches!(ty, Type::Path(path) if path.path.segments.len() == 1
        && path.path.segments.iter().all(|segment| KNOWN.iter().any(|known| segment.ident == known)))
}
