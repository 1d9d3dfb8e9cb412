//! `#[derive(RingKey)]`: the input is read into a model, the model is checked, and the impl is made of it.

mod bounds;
mod check;
mod expand;
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
    let checked = Model::of(input).and_then(|model| check::check(&model).map(|()| model));
    match checked {
        Ok(model) => expand::expand(&model, &Root::named(model.options.root.as_ref())),
        Err(error) => with_error(&error, fallback(input, &Root::find())),
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
