//! `#[ring]` on a free function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, ItemFn};

use crate::check;
use crate::expand;
use crate::facade;
use crate::model::Method;
use crate::options::Options;

/// The function with its accessors beside it.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            let first: TokenStream = item.clone().into_iter().take(1).collect();
            let error = syn::Error::new_spanned(
                first,
                "`#[ring]` goes on a function with a body; an impl block takes `#[ring_impl]`",
            );
            let error = error.to_compile_error();
            return quote!(#error #item);
        }
    };
    match try_expand(options, function) {
        Ok(tokens) => tokens,
        Err(error) => {
            let error = error.to_compile_error();
            quote!(#error #item)
        }
    }
}

fn try_expand(options: TokenStream, function: ItemFn) -> syn::Result<TokenStream> {
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        return Err(syn::Error::new_spanned(
            receiver,
            "a method is cached together with its impl block: write `#[ring_impl]` above `impl`",
        ));
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
