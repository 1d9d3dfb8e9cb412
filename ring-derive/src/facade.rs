//! Where generated code finds the library: users may have renamed it.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Ident;

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
