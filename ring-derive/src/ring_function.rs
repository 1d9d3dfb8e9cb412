//! `#[ring]` on a free function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, ItemFn};

use crate::check;
use crate::errors::{at_start, with_error};
use crate::expand;
use crate::facade;
use crate::model::Method;
use crate::options::Options;
use crate::ring_impl::{CACHED_ONCE, is_ring};

/// The function with its accessors beside it.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let Ok(function) = syn::parse2::<ItemFn>(item.clone()) else {
        let message = "`#[ring]` goes on a function with a body; an impl block takes `#[ring_impl]`, and a trait's method is \
                       cached in the trait's `impl`";
        return with_error(&at_start(&item, message), item);
    };
    try_expand(options, function).unwrap_or_else(|error| with_error(&error, item))
}

fn try_expand(options: TokenStream, function: ItemFn) -> syn::Result<TokenStream> {
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        return Err(syn::Error::new_spanned(
            receiver,
            "a method is cached together with its impl block: write `#[ring_impl]` above `impl`; a trait's method is \
             cached in the trait's `impl`",
        ));
    }
    if let Some(other) = function.attrs.iter().find(|attr| is_ring(attr)) {
        return Err(syn::Error::new_spanned(other, CACHED_ONCE));
    }
    let root = facade::path();
    let method = Method::new(function, Options::of_method(options)?, None);
    check::check(&method)?;
    let expanded = expand::expand(&method, &root);
    let hint = expand::hidden_constant(&method.block_hint(), &method.attrs);
    let (function, accessors) = (expanded.method, expanded.accessors);
    Ok(quote! {
        #function
        #accessors
        #hint
    })
}
