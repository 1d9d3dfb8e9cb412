//! Where generated code finds the library: users may have renamed it.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::Ident;

/// The path of the library's root, to be found by errors at `place`.
pub(crate) fn path_at(root: &TokenStream, place: Span) -> TokenStream {
    let at_place = |mut tree: TokenTree| {
        tree.set_span(tree.span().located_at(place));
        tree
    };
    root.clone().into_iter().map(at_place).collect()
}

/// The path of the library's root, as the user's crate sees it.
pub(crate) fn path() -> TokenStream {
    match crate_name("ring-cache") {
        Ok(FoundCrate::Name(name)) => {
            let name = Ident::new(&name, Span::call_site());
            quote!(::#name)
        }
        // The library's own tests and examples, and whatever cannot be found out.
        Ok(FoundCrate::Itself) | Err(_) => quote!(::ring_cache),
    }
}
