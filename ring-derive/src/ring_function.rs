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

#[cfg(test)]
mod tests {
    use quote::quote;

    /// The same function, blocking and async, but for what awaits.
    #[test]
    fn async_code_differs_by_its_awaits_only() {
        let options = quote!(expire = "1m", unless = Option::is_none, ignore(trace));
        let blocking = quote! {
            pub fn find<T: RingKey>(id: T, trace: &str) -> Option<String> { look(id, trace) }
        };
        let awaited = quote! {
            pub async fn find<T: RingKey>(id: T, trace: &str) -> Option<String> { look(id, trace) }
        };
        let blocking = super::expand(options.clone(), blocking).to_string();
        let mut awaited = super::expand(options, awaited).to_string();
        assert_ne!(awaited, blocking);
        let future = ", Fut = impl :: core :: future :: Future < Output = Option < String > >";
        for (tokens, without) in [
            ("async ", ""),
            (" . await", ""),
            ("AsyncCall", "Call"),
            ("AsyncCache", "Cache"),
            ("AsyncBody", "Body"),
            (future, ""),
            (", _ , _ , _ >", ", _ , _ >"), // the future's type is one more that is inferred
        ] {
            assert!(awaited.contains(tokens), "{tokens} in {awaited}");
            awaited = awaited.replace(tokens, without);
        }
        assert_eq!(awaited.replace(' ', ""), blocking.replace(' ', ""));
    }
}
