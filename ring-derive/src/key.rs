//! `#[derive(RingKey)]`: reads the input into a model, checks the model, and makes the impl.

mod bounds;
mod check;
mod expand;
mod format;
mod model;
mod reading;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use self::model::Model;
use crate::errors::with_error;
use crate::root::Root;

/// Implements `RingKey`, or reports the errors.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let checked = Model::of(input).and_then(|model| {
        check::check(&model)?;
        let root = Root::named(model.options.root.as_ref())?;
        Ok((model, root))
    });
    match checked {
        Ok((model, root)) => expand::expand(&model, &root),
        Err(error) => {
            let root = Root::find().ok();
            let fallback = root.map(|root| fallback(input, &root)).unwrap_or_default();
            with_error(&error, fallback)
        }
    }
}

/// An empty impl, so that a wrong option causes no further error at each use of the type.
fn fallback(input: &DeriveInput, root: &Root) -> TokenStream {
    let name = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #root::RingKey for #name #type_generics #where_clause {
            fn ring_key<__W: #root::KeyWriter>(&self, _: &mut __W) {}
        }
    }
}
