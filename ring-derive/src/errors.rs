//! Errors, and what stands beside them.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::quote;

/// The user's code still stands beside an error, so that no others follow from its absence.
pub(crate) fn with_error(error: &syn::Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}

/// An error where the item begins.
pub(crate) fn at_start(item: &TokenStream, message: impl Display) -> syn::Error {
    let first: TokenStream = item.clone().into_iter().take(1).collect();
    syn::Error::new_spanned(first, message)
}
