//! The library's path in generated code: users may have renamed it.

use proc_macro_crate::{Error, FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, Path};

/// The path of the library's root.
#[derive(Clone)]
pub(crate) struct Root(TokenStream);

impl Root {
    /// The library as a dependency of the user's crate.
    pub(crate) fn find() -> syn::Result<Self> {
        match crate_name("ring-cache") {
            Ok(FoundCrate::Name(name)) => {
                let name = Ident::new(&name, Span::call_site());
                Ok(Root(quote!(::#name)))
            }
            Err(Error::CrateNotFound { .. }) => {
                let message = "this crate does not depend on `ring-cache`: add it, or write where another crate exports it, \
                               `crate = path::to::ring_cache`";
                Err(syn::Error::new(Span::call_site(), message))
            }
            // Also the library's own tests and examples, and crates whose manifest cannot be read.
            Ok(FoundCrate::Itself) | Err(_) => Ok(Root(quote!(::ring_cache))),
        }
    }

    /// The path given by the user, or else the library as a dependency of the user's crate.
    pub(crate) fn named(path: Option<&Path>) -> syn::Result<Self> {
        path.map_or_else(Root::find, |path| Ok(Root(path.to_token_stream())))
    }

    /// The same path, with errors reported at `place`.
    pub(crate) fn at(&self, place: Span) -> TokenStream {
        moved_to(place, self.0.clone())
    }

    /// The module for generated code, with errors reported at `place`.
    pub(crate) fn generated_at(&self, place: Span) -> TokenStream {
        let root = self.at(place);
        quote_spanned!(place=> #root::generated)
    }
}

impl ToTokens for Root {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

/// The tokens, with errors reported at `place`.
pub(crate) fn moved_to(place: Span, tokens: TokenStream) -> TokenStream {
    let at_place = |mut tree: TokenTree| {
        tree.set_span(tree.span().located_at(place));
        tree
    };
    tokens.into_iter().map(at_place).collect()
}

/// The span of generated code with errors reported at `place`.
pub(crate) fn located_at(place: Span) -> Span {
    Span::call_site().located_at(place)
}
